"""Databases that are not in UTF-8."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgdatahub import plan
from pgdatahub.config import load_config
from pgdatahub.errors import DatabaseError, TransientDatabaseError, UndoError
from pgdatahub.postgres.server.temporary import drop_database
from pgdatahub.runs.history import history
from pgdatahub.runs.status import status
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.databases import with_database
from tests.integration.runs.conftest import write_workbook
from tests.integration.servers.test_settings import load

MakeDatabase = Callable[[str], str]


@pytest.fixture
def make_database(server_url: str) -> Iterator[MakeDatabase]:
    """Make databases of an encoding."""
    names = []

    def make(encoding: str) -> str:
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            libc = "LOCALE_PROVIDER libc" if connection.info.server_version >= 150000 else ""
            statement = f"CREATE DATABASE {{}} ENCODING {{}} TEMPLATE template0 {libc} LC_COLLATE 'C' LC_CTYPE 'C'"
            connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(encoding)))
        names.append(name)
        return with_database(server_url, name)

    yield make
    for name in names:
        drop_database(server_url, name)


@pytest.mark.parametrize("client", ["", "&client_encoding=SQL_ASCII", "&client_encoding=LATIN1"])
def test_sql_ascii_is_refused_in_one_line(client: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    url = make_database("SQL_ASCII")
    with pytest.raises(DatabaseError, match="SQL_ASCII") as caught:
        load(url + (client if "?" in url else client.replace("&", "?")), tmp_path)
    assert "UTF8" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("encoding", "fits", "value"),
    [("LATIN1", "Zürich", "5 €"), ("WIN1252", "5 €", "Łódź"), ("EUC_JP", "日本", "한국"), ("KOI8R", "Москва", "日本")],
)
def test_character_outside_the_encoding_is_named_by_cell(
    encoding: str,
    fits: str,
    value: str,
    make_database: MakeDatabase,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = make_database(encoding)
    rows: list[list[object]] = [["id", "text"], *([number, fits] for number in range(500))]
    write_workbook(tmp_path / "data/t/a.xlsx", rows)
    write_workbook(tmp_path / "data/t/b.xlsx", [*rows, [500, value], [501, "x"]])
    config = load_config(overrides={"database_url": url, "workers": 1}, directory=tmp_path)
    planned = {file.file: file.failure for file in plan(config).files}
    first, second = load(url, tmp_path).results
    assert caplog.records == []  # psycopg would print the server's opinion of our message
    assert first.failure is None
    assert planned["t/a.xlsx"] is None
    for told in (planned["t/b.xlsx"], second.failure):
        assert told is not None
        assert told.where == "Sheet1 › B502"
        assert encoding in told.message
        assert "UTF8" in str(told.hint)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT DISTINCT text FROM t").fetchall() == [(fits,)]


def test_header_outside_the_encoding_is_loaded(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database("LATIN1")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "Größe 日本"], [1, 2]])
    assert load(url, tmp_path).results[0].failure is None
    with psycopg.connect(url) as connection:
        query = "SELECT col_description('t'::regclass, 2)"
        assert connection.execute(query).fetchone() == ("Größe ??",)
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "Größe 日本"], [1, 2.5]])
    assert load(url, tmp_path).exit_code == 0


def test_path_outside_the_encoding_is_named(make_database: MakeDatabase, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/日本.xlsx", [["id"], [1]])
    url = make_database("LATIN1")
    config = load_config(overrides={"database_url": url, "workers": 1}, directory=tmp_path)
    for failure in (plan(config).files[0].failure, load(url, tmp_path).results[0].failure):
        assert failure is not None
        assert "path" in failure.message
        assert "rename" in str(failure.hint)


def test_failed_path_outside_the_encoding_stands(make_database: MakeDatabase, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/日本.xlsx", [["id"], [1]])
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [2]])
    url = make_database("LATIN1")
    config = load_config(overrides={"database_url": url, "workers": 1}, directory=tmp_path)
    for attempts in (1, 2, 3):
        load(url, tmp_path)
        assert [failure.attempts for failure in status(config).failures] == [attempts]
    (tmp_path / "data/t/日本.xlsx").unlink()
    load(url, tmp_path)
    assert status(config).failures == ()


def test_named_file_outside_the_encoding_is_not_found(make_database: MakeDatabase, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [2]])
    url = make_database("LATIN1")
    load(url, tmp_path)
    config = load_config(overrides={"database_url": url, "workers": 1}, directory=tmp_path)
    with pytest.raises(UndoError, match="no import of"):
        revert(config, UndoRequest(source_file="t/日本.xlsx"))
    assert history(config, file="日本.xlsx").entries == ()


def test_row_set_aside_outside_the_encoding_is_named_by_cell(
    make_database: MakeDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config").mkdir()
    options = "  on_bad: quarantine\n  columns:\n    n: {type: integer}\n"
    (tmp_path / "config/etl_config.yaml").write_text(f"t:\n{options}u:\n{options}")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "n"], ["x", 1], ["y", "日本"]])
    write_workbook(tmp_path / "data/u/a.xlsx", [["id", "n"], ["x", 1], ["日", "z"]])
    failures = [result.failure for result in load(make_database("LATIN1"), tmp_path).results]
    assert caplog.records == []
    assert [failure and failure.where for failure in failures] == ["Sheet1 › B3", "Sheet1 › row 3, column id"]
    assert all(failure and "LATIN1" in failure.message for failure in failures)


def test_encoding_without_a_codec_of_python_loads(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database("EUC_TW")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "Größe"], [1, "台灣"]])
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "Größe"], [1, "x"], [2, "😀"]])
    write_workbook(tmp_path / "data/u/a.xlsx", [["id"], [1], ["x"]])
    first, second, third = load(url, tmp_path).results
    assert first.failure is None
    assert third.failure is None
    assert second.failure is not None
    assert "EUC_TW" in second.failure.message
    assert "UTF8" in str(second.failure.hint)
    with psycopg.connect(url, client_encoding="UTF8") as connection:
        assert connection.execute("SELECT grosse FROM t").fetchall() == [("台灣",)]


@pytest.mark.skipif("TEST_POOLER" in os.environ, reason="a pooler hands on no reason of a refused session")
def test_encoding_without_a_conversion_is_refused_once(make_database: MakeDatabase, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    with pytest.raises(DatabaseError, match="MULE_INTERNAL") as caught:
        load(make_database("MULE_INTERNAL"), tmp_path)
    assert not isinstance(caught.value, TransientDatabaseError)
    assert "UTF8" in str(caught.value.hint)
