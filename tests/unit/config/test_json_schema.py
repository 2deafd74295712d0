"""The JSON Schema of etl_config.yaml takes what the parser takes, and refuses what an editor can know to be wrong."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.folder_file import read_folders
from pgdatahub.config.json_schema import DIALECT, MODELINE, folders_schema
from pgdatahub.config.option_fields import options
from pgdatahub.config.options import FolderOptions
from pgdatahub.config.starter import folders_template, write_starter
from pgdatahub.errors import ConfigError

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern))
FOREIGN = {
    "repos",
    "name",
    "sources",
    "models",
    "apiVersion",
    "readinessProbe",
    "services",
    "version",
    "scrape_configs",
}
"""First keys of examples for other programs."""


def examples() -> list[tuple[str, str]]:
    """The examples of etl_config.yaml in the documentation, and those that come with the project."""
    found = [("quickstart", (ROOT / "examples/quickstart/config/etl_config.yaml").read_text(encoding="utf-8"))]
    found.append(("init", re.sub(r"(?m)^( *)#(?! )", r"\1", folders_template())))
    for document in DOCUMENTS:
        blocks = re.findall(
            r"^```yaml\n(.*?)^```", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        for number, block in enumerate(blocks, 1):
            key = re.search(r"^([\w-]+):", block, flags=re.MULTILINE)
            if key is None or key[1] not in FOREIGN:
                found.append((f"{document.stem}-{number}", block))
    return found


EXAMPLES = examples()


@lru_cache(maxsize=1)
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="the dependency group around is not installed")
    schema = folders_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def as_json(value: Any) -> Any:
    """A value as an editor has it: keys are texts, and so are dates."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def problems(text: str) -> list[str]:
    return [error.message for error in validator().iter_errors(as_json(YAML(typ="safe", pure=True).load(text)))]


def test_the_documentation_has_examples_to_validate() -> None:
    assert len(EXAMPLES) > 25


@pytest.mark.around
@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_of_the_documentation_is_valid(name: str, text: str, tmp_path: Path) -> None:
    assert problems(text) == []
    (tmp_path / "etl_config.yaml").write_text(text, encoding="utf-8")
    read_folders(tmp_path / "etl_config.yaml", name)


@pytest.mark.around
@pytest.mark.parametrize(
    "text",
    [
        "sales: {headerrow: 3}",
        "sales: {header_row: 0}",
        "sales: {header_row: third}",
        "sales: {skip_rows: -1}",
        "sales: {errors: ignore}",
        "sales: {trim: maybe}",
        "sales: {sheet: []}",
        "sales: {key: {a: b}}",
        "sales: {columns: {Amount: numeric}}",
        "sales: {columns: {Amount: {typ: numeric}}}",
        "sales: {columns: {Amount: {decimal: '10'}}}",
        "sales: {columns: {Amount: {required: sometimes}}}",
        "sales: {cell_columns: {as_of: 1}}",
        "sales: {sheets: {A: {exclude: x}}}",
        "sales: {sheets: {A: []}}",
        "sales: {max_bad: many}",
        "sales: {password_env: 'a b'}",
        "sales: Sheet1",
        "[a, b]",
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(text: str, tmp_path: Path) -> None:
    (tmp_path / "etl_config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        read_folders(tmp_path / "etl_config.yaml")
    assert problems(text)


@pytest.mark.around
@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024: {sheet: 7}",
        "sales/2024: {sheet: [2024, 2025-01-01, yes]}",
        "sales/:\n",
        "sales: {header_row: '3-4', skip_rows: '2', trim: True}",
        "sales: {max_rows: '', max_bad: 1.5%, min_rows: 1}",
        "sales: {columns: {Amount: {type: 'numeric(12,2)', required: true, min: 0, values: [1, 2.5]}}}",
        "sales: {columns: {Paid: {type: date, format: ['%d.%m.%Y', excel], min: 2024-01-01}}}",
        "sales: {key: [], missing_keys: keep}",
        "sales: {sheets: {A: , B: [{table: b}, {table: c, optional: true}], '*': {skip: true}}}",
        "sales: {table/: {sheet: x}}",
    ],
)
def test_the_schema_takes_what_the_parser_takes(text: str, tmp_path: Path) -> None:
    (tmp_path / "etl_config.yaml").write_text(text, encoding="utf-8")
    read_folders(tmp_path / "etl_config.yaml")
    assert problems(text) == []


def test_every_option_is_in_the_schema_with_its_help() -> None:
    schema = folders_schema()
    for properties, kind in (
        (schema["properties"], FolderOptions),
        (schema["$defs"]["folder"]["properties"], FolderOptions),
        (schema["$defs"]["column"]["properties"], ColumnOptions),
    ):
        for name, option in options(kind).items():
            assert properties[name]["description"][1:-1] == option.help[1:]
    assert schema["$defs"]["column"]["properties"]["required"]["enum"] == ["false", "column", "true", False, True]
    assert schema["properties"]["trim"]["default"] is False


def test_the_command_prints_the_schema_and_init_writes_it(tmp_path: Path) -> None:
    printed = CliRunner().invoke(create_app(), ["config", "--json-schema"])
    assert printed.exit_code == 0
    assert json.loads(printed.output)["$schema"] == DIALECT
    assert [file.path for file in write_starter(tmp_path)].count("config/etl_config.schema.json") == 1
    config = tmp_path / "config"
    first = (config / "etl_config.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == MODELINE
    named = config / first.partition("$schema=")[2]
    assert json.loads(named.read_text(encoding="utf-8")) == json.loads(printed.output) == folders_schema()
