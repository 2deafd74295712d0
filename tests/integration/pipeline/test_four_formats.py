"""One workbook in four formats gives one table: names, types and rows (tests/formats/make_workbooks.py made the files)."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from pgdatahub.config import load_config
from pgdatahub.postgres.server.temporary import drop_database
from pgdatahub.runs.run import run
from tests.databases import with_database

pytestmark = pytest.mark.integration

FILES: Final = Path(__file__).parents[2] / "formats"
SUFFIXES: Final = ("xlsx", "xls", "xlsb", "ods")
NOT_YET: Final[frozenset[str]] = frozenset()
"""Formats without a reader that knows all rules; the list only shrinks."""
FORCED: Final[dict[str, dict[tuple[int, str], tuple[str, str]]]] = {
    # LibreOffice counts days from 1899-12-30, so that its day 1 is the day before Excel's; .ods names the day itself.
    "ods": {(3, "day"): ("1900-01-01", "1899-12-31"), (3, "next_day"): ("1900-01-02", "1900-01-01")},
    # LibreOffice writes 15 digits into .xlsx and .ods (SheetJS read that .xlsx), and the double into .xls.
    "xls": {(5, "fraction"): ("0.333333333333333", "0.3333333333333333")},
}
"""Format → row and column → the value in .xlsx and the one in the format; the formats themselves force these."""

Table = tuple[dict[str, str], list[dict[str, str | None]]]
"""Types of the columns by name, and the rows."""


@pytest.fixture(scope="module")
def tables(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Table]]:
    """The tables of the four files by suffix."""
    directory = tmp_path_factory.mktemp("formats")
    (directory / "config").mkdir()
    (directory / "config" / "etl_config.yaml").write_text("errors: text\n", encoding="utf-8")
    for suffix in SUFFIXES:
        folder = directory / "data" / f"as_{suffix}"
        folder.mkdir(parents=True)
        shutil.copy(FILES / f"all.{suffix}", folder)
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = with_database(server_url, name)
    run(load_config(overrides={"database_url": url}, directory=directory))
    with psycopg.connect(url) as connection:
        tables = {suffix: _table(connection, f"as_{suffix}") for suffix in SUFFIXES}
    yield tables
    drop_database(server_url, name)


def _table(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> Table:
    query = """SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position"""
    types = {column: kind for column, kind in connection.execute(query, (name,)) if column != "load_timestamp"}
    del types["source_file"]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in types)
    rows = connection.execute(sql.SQL("SELECT {} FROM {} ORDER BY id").format(texts, sql.Identifier(name)))
    return types, [dict(zip(types, row, strict=True)) for row in rows]


def _others() -> list[Any]:
    marks = pytest.mark.xfail(reason="not read by our own rules yet", strict=True)
    return [pytest.param(suffix, marks=marks if suffix in NOT_YET else ()) for suffix in SUFFIXES if suffix != "xlsx"]


def test_the_workbook_has_columns_of_all_kinds(tables: dict[str, Table]) -> None:
    types, rows = tables["xlsx"]
    kinds = {"integer", "bigint", "double precision", "date", "timestamp without time zone", "time without time zone"}
    assert kinds | {"interval", "text", "boolean"} == set(types.values())
    assert len(rows) == 6
    assert [row["code"] for row in rows] == ["00501", "99999", "00001", "00000", "12345", "00007"]


@pytest.mark.parametrize("suffix", _others())
def test_a_workbook_in_another_format_gives_the_same_table(tables: dict[str, Table], suffix: str) -> None:
    types, rows = tables[suffix]
    expected_types, expected = tables["xlsx"]
    assert types == expected_types
    differences = {
        (number, column): (value, found[column])
        for number, (row, found) in enumerate(zip(expected, rows, strict=True), 1)
        for column, value in row.items()
        if found[column] != value
    }
    assert differences == FORCED.get(suffix, {})
