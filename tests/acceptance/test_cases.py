"""The cases of ``tests/cases``: small workbooks of real faults, each with the right result in ``expected.json``.

A case that still fails is named in ``NOT_YET``. The mark is strict, so remove the name when the case holds.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.postgres.server.temporary import drop_database
from tests.acceptance.conftest import Place
from tests.databases import with_database

pytestmark = pytest.mark.integration

CASES: Final = Path(__file__).parents[1] / "cases"
EXPECTED: Final[dict[str, Any]] = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))
NOT_YET: Final = frozenset[str]()
"""Cases that do not hold yet; the list only shrinks."""

_OWN_COLUMNS: Final = ("source_file", "load_timestamp")


@dataclass(frozen=True, kw_only=True)
class Output:
    """The output of a run.

    Attributes:
        text: Standard output and standard error.
        lines: The lines about the case's files.
        outcomes: The outcome of each file.
    """

    text: str
    lines: str
    outcomes: frozenset[str]


def _parameters() -> list[Any]:
    """Return the cases, those of the part ``first aid`` first."""
    names = sorted(EXPECTED, key=lambda name: EXPECTED[name]["part"] != "first aid")
    marks = {name: [pytest.mark.xfail(reason="not fixed yet", strict=True)] for name in NOT_YET}
    return [pytest.param(name, marks=marks.get(name, []), id=name) for name in names]


def test_every_case_not_yet_fixed_is_known() -> None:
    assert set(EXPECTED) >= NOT_YET


@pytest.fixture(scope="module")
def case_database(server_url: str) -> Iterator[str]:
    """The URL of a database that all cases share; each has a table named like the case."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield with_database(server_url, name)
    drop_database(server_url, name)


@pytest.mark.parametrize("name", _parameters())
def test_case_gives_the_expected_result(
    name: str, case_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = EXPECTED[name]
    place = Place(directory=tmp_path, url=case_database)
    _lay_out(name, case, tmp_path)
    monkeypatch.chdir(tmp_path)
    output = _run(name, case, place)
    _check(name, case["expect"], output, place)


def _lay_out(name: str, case: dict[str, Any], directory: Path) -> None:
    """Put the files of a case where a user puts them."""
    folder = directory / "data" / name
    folder.mkdir(parents=True)
    for file in _files(case):
        shutil.copy(CASES / file, folder / file)
    if case["config"]:
        (directory / "config").mkdir()
        (directory / "config" / "etl_config.yaml").write_text(json.dumps({name: case["config"]}), encoding="utf-8")


def _files(case: dict[str, Any]) -> list[str]:
    files = case["file"]
    return files if isinstance(files, list) else [files]


def _run(name: str, case: dict[str, Any], place: Place) -> Output:
    """Load a case, in a process of its own where it has a time limit or an environment."""
    variables: dict[str, str] = {"ETL_ON_ERROR": "continue", **case.get("env", {})}
    if "seconds" in case or "env" in case:
        done = subprocess.run(
            place.command("run"),
            env=place.variables(dict(variables)),
            cwd=place.directory,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=case.get("seconds", 60),
            check=False,
        )
        text = done.stdout + done.stderr
    else:
        result = CliRunner().invoke(
            create_app(only="run"), ["run"], env={"DATABASE_URL": place.url, "COLUMNS": "200", **variables}
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        text = result.output
    return _output(name, case, text)


def _output(name: str, case: dict[str, Any], text: str) -> Output:
    files = [f"{name}/{file}" for file in _files(case)]
    lines = [line for line in text.splitlines() if any(Path(file).name in line for file in files)]
    outcome = re.compile(rf"(loaded|skipped|failed)\s+({'|'.join(map(re.escape, files))})\b")
    found = {match[2]: match[1] for line in lines if (match := outcome.match(line))}
    assert found.keys() == set(files), text
    return Output(text=text, lines="\n".join(lines), outcomes=frozenset(found.values()))


def _check(name: str, expect: dict[str, Any], output: Output, place: Place) -> None:
    allowed = expect["outcome"].split(" or ")
    assert output.outcomes <= set(allowed), output.text
    assert "Traceback" not in output.text
    failed = output.outcomes == {"failed"}
    if failed and expect["message"]:
        assert re.search(expect["message"], output.lines), output.lines
    if expect.get("never"):
        assert not re.search(expect["never"], output.lines), output.lines
    if expect["notice"] and not failed:
        assert re.search(expect["notice"], output.text), output.text
    if expect["columns"] is None:
        return
    if failed:
        assert _columns(name, place) == {}
        return
    columns = {column: kind for column, kind in _columns(name, place).items() if column not in expect.get("ignore", ())}
    assert columns == expect["columns"]
    if columns:
        assert _rows(name, list(columns), place) == Counter(map(tuple, expect["rows"]))


def _columns(name: str, place: Place) -> dict[str, str]:
    query = f"""SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = '{name}' ORDER BY ordinal_position"""
    return {column: kind for column, kind in place.query(query) if column not in _OWN_COLUMNS}


def _rows(name: str, columns: list[str], place: Place) -> Counter[tuple[Any, ...]]:
    texts = ", ".join(f'"{column}"::text' for column in columns)
    return Counter(place.query(f'SELECT {texts} FROM "{name}"'))
