"""Binary COPY stores what text COPY stores, and its errors name the same place."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.plugins.copy_rows import has_core
from pgdatahub.testing.workbooks import make_workbook

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not has_core(), reason="the compiled core, which encodes binary rows, is not installed"),
]

HEADERS = ("Id", "Big", "Share", "Paid", "Day", "Moment", "Note")
DOUBLES = (0.1, 1 / 3, 1e-300, 1.5e300, -2.5, 123456789.123456, 0.30000000000000004, 1e22)
TEXTS = ("plain", "tab\tline\nreturn\rback\\slash", "Größe, 数量 🎉", " kept ", "\\N", "\\.", "NULL", "'\"")
EXTRA = "extra uuid"
"""A column of a type that has no binary form here, so that its table gets text."""


def rows(number: int) -> list[list[object]]:
    return [
        [
            row,
            10**15 + row,
            DOUBLES[row % len(DOUBLES)] if row % 5 else None,
            row % 2 == 0 if row % 3 else None,
            date(1900, 3, 1) + timedelta(days=row * 37) if row % 4 else None,
            datetime(1950, 1, 2, 3, 4, 5, 678000) + timedelta(seconds=row * 86_399.5),  # noqa: DTZ001 - as cells are
            TEXTS[row % len(TEXTS)] if row % 7 else None,
        ]
        for row in range(1, number + 1)
    ]


def test_binary_and_text_rows_are_stored_alike(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(f"CREATE TABLE txt ({EXTRA})".encode())
    for name in ("bin", "txt"):
        make_workbook(warehouse.root / name / "a.xlsx", {"Sheet1": [HEADERS, *rows(3000)]})  # type: ignore[list-item]
    results = warehouse.run().results
    assert [result.outcome for result in results] == [Outcome.LOADED] * 2, results[0].failure
    names = ", ".join(header.lower() for header in HEADERS)
    with psycopg.connect(warehouse.url) as connection:
        found = [
            connection.execute(
                f"SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)), count(*) FROM (SELECT {names} FROM {table}) t".encode()
            ).fetchone()
            for table in ("bin", "txt")
        ]
        types = connection.execute(
            "SELECT string_agg(format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute"
            " WHERE attrelid = 'bin'::regclass AND attnum > 0"
        ).fetchone()
        lineage = connection.execute(
            "SELECT DISTINCT b.source_file, b.load_timestamp = i.imported_at FROM bin b"
            " JOIN etl_imports i ON i.table_name = 'bin'"
        ).fetchall()
    assert found[0] == found[1]
    assert found[0] is not None
    assert found[0][1] == 3000
    seven = "integer, bigint, double precision, boolean, date, timestamp without time zone, text"
    assert types == (f"{seven}, text, timestamp without time zone",)
    assert lineage == [(str(warehouse.root / "bin" / "a.xlsx"), True)]


CONSTRAINTS = {
    "a check": ("CHECK (amount < 100)", ""),
    "a unique index": ("", "CREATE UNIQUE INDEX ON {table} (amount)"),
    "a trigger": (
        "",
        "CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.amount > 100) EXECUTE FUNCTION refuse()",
    ),
}


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("row", [2, 700])
def test_an_error_names_the_place_that_text_names(warehouse: Warehouse, constraint: str, row: int) -> None:
    check, statement = CONSTRAINTS[constraint]
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'too much' USING ERRCODE = '23514'; END$$"
        )
        for table, extra in (("plain", ""), ("mixed", f", {EXTRA}")):
            connection.execute(f"CREATE TABLE {table} (id integer, amount double precision {check}{extra})".encode())
            connection.execute(statement.format(table=table).encode())
    amounts = [number / 1000 for number in range(1000)]
    amounts[row - 2] = 0.999 if constraint == "a unique index" else 1000.5
    for table in ("plain", "mixed"):
        warehouse.write(f"{table}/a.xlsx", [["Id", "Amount"], *([n, amount] for n, amount in enumerate(amounts))])
    plain, mixed = sorted(warehouse.run().results, key=lambda result: result.source.identity, reverse=True)
    assert plain.failure is not None
    assert mixed.failure is not None
    assert plain.failure.message.replace("plain", "mixed") == mixed.failure.message
    assert plain.failure.where == mixed.failure.where
    expected = len(amounts) + 1 if constraint == "a unique index" else row
    assert plain.failure.where == f"Sheet1 › row {expected}"
