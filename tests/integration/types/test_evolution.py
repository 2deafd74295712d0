"""Tables that change with their files: straight to the join, every value kept."""

# ruff: noqa: DTZ001 - workbooks know no time zones

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from pgdatahub.model.schema import AlterType
from pgdatahub.values.cells import Value
from tests.integration.types.conftest import Loader

BEYOND = 2**53 + 1


def test_9007199254740993_survives_every_widening(loader: Loader, table: str) -> None:
    loader.load(table, {"n": [1]})
    assert loader.types(table) == {"n": "integer"}
    loader.load(table, {"n": [BEYOND]})
    assert loader.types(table) == {"n": "bigint"}
    loader.load(table, {"n": [0.5]})
    assert loader.types(table) == {"n": "numeric"}
    assert loader.texts(table) == [("1",), ("9007199254740993",), ("0.5",)]
    loader.load(table, {"n": ["x"]})
    assert loader.types(table) == {"n": "text"}
    assert loader.texts(table) == [("1",), ("9007199254740993",), ("0.5",), ("x",)]


def test_integers_within_2_to_the_53_become_doubles(loader: Loader, table: str) -> None:
    loader.load(table, {"n": [2**53, -(2**53)]})
    loader.load(table, {"n": [0.5]})
    assert loader.types(table) == {"n": "double precision"}
    loader.load(table, {"n": ["x"]})
    assert loader.texts(table) == [("9007199254740992",), ("-9007199254740992",), ("0.5",), ("x",)]


def test_a_file_needs_one_alter_table(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [1], "b": [date(2024, 2, 29)], "c": [None], "d": [True]})
    loader.execute("CREATE TABLE IF NOT EXISTS commands (tag text)")
    loader.execute(
        "CREATE OR REPLACE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO commands VALUES (tg_tag); END $$"
    )
    loader.execute("CREATE EVENT TRIGGER noting ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION note()")
    try:
        loader.load(table, {"a": [0.5], "b": [datetime(2024, 1, 1, 12)], "c": [7], "d": ["x"], "e": [1]})
    finally:
        loader.execute("DROP EVENT TRIGGER noting")
    assert loader.execute("SELECT count(*) FROM commands") == [(1,)]
    assert loader.texts(table) == [
        ("1", "2024-02-29 00:00:00", None, "true", None),
        ("0.5", "2024-01-01 12:00:00", "7", "x", "1"),
    ]


def test_the_deciding_cell_is_in_the_history(loader: Loader, table: str) -> None:
    loader.load(table, {"amount": list(range(5))})
    loader.load(table, {"amount": [*range(5), "n/a", 7, "n/a"]}, "2024-03")
    rows = loader.execute(
        "SELECT change_type, column_name, old_type, new_type, source_file, cell, sample FROM etl_schema_changes"
        " WHERE table_name = %s AND change_type = 'alter_type'",
        table,
    )
    location = str(loader.directory / table / "2024-03.columns")
    assert rows == [("alter_type", "amount", "integer", "text", location, "Sheet1!A7", "n/a")]
    created = loader.execute(
        "SELECT cell, sample FROM etl_schema_changes WHERE table_name = %s AND change_type = 'create_table'"
        " AND column_name = 'amount'",
        table,
    )
    assert created == [("Sheet1!A2", "0")]


def test_column_without_values_takes_type_of_its_first_values(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [None, None], "b": [1, 2]})
    result = loader.load(table, {"a": [None], "b": [3]})
    assert result.changes == ()
    result = loader.load(table, {"a": [timedelta(hours=100)], "b": [4]})
    (change,) = result.changes
    assert isinstance(change, AlterType)
    assert change.empty
    assert loader.types(table)["a"] == "interval"
    assert [row[0] for row in loader.texts(table)] == [None, None, None, "100:00:00"]


def test_a_text_put_by_hand_into_an_empty_column_keeps_it_text(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [None], "b": [1]})
    loader.execute(f"UPDATE {table} SET a = 'mine'")
    loader.load(table, {"a": [5], "b": [1]})
    assert loader.types(table)["a"] == "text"
    assert [row[0] for row in loader.texts(table)] == ["mine", "5"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**15, "1000000000000000"),
        (1e15, "1000000000000000"),
        (1e308, "1" + "0" * 308),
        (0.30000000000000004, "0.30000000000000004"),
        (0.1 + 0.7, "0.7999999999999999"),
        (5e-324, "0." + "0" * 323 + "5"),
        (1.7976931348623157e308, "17976931348623157" + "0" * 292),
        (-0.0, "0"),
        (Decimal("0.12345678901234567890"), "0.1234567890123456789"),
        (10**40, "1" + "0" * 40),
        (date(1899, 12, 31), "1899-12-31"),
        (date(1900, 2, 28), "1900-02-28"),
        (date(9999, 12, 31), "9999-12-31"),
        (datetime(9999, 12, 31, 23, 59, 59, 999000), "9999-12-31 23:59:59.999"),
        (datetime(1899, 12, 31, 0, 0, 0, 1000), "1899-12-31 00:00:00.001"),
        (time(23, 59, 59, 999000), "23:59:59.999"),
        (time(0, 0), "00:00:00"),
        (timedelta(hours=100), "100:00:00"),
        (timedelta(hours=-1, minutes=-30), "-01:30:00"),
        (timedelta(days=99_999_999), "2399999976:00:00"),
        (True, "true"),
        ("0501", "0501"),
        (" a\tb\\c\r\nd ", " a\tb\\c\r\nd "),
    ],
)
def test_a_value_has_one_text_whichever_way_it_comes_to_text(
    loader: Loader, table: str, value: Value, text: str
) -> None:
    """Directly; by a widening straight from its own type; and through every type between."""
    if value == timedelta(days=99_999_999):
        loader.need(150000)
    columns = ("direct", "late", "chain")
    loader.load(table, {"direct": ["x"], "late": [value], "chain": [value]})
    steps: dict[type, list[Value]] = {
        int: [0.5, Decimal("0.123456789012345678901")],
        float: [Decimal("0.123456789012345678901")],
        date: [datetime(2024, 1, 1, 12)],
    }
    for step in steps.get(type(value), []):
        loader.load(table, {"chain": [step]})
    loader.load(table, {"direct": [value], "late": ["x"], "chain": ["x"]})
    assert loader.types(table) == dict.fromkeys(columns, "text")
    rows = loader.execute(f"SELECT direct, late, chain FROM {table} ORDER BY ctid")
    assert rows[0][1:] == (text, text)
    assert rows[-1] == (text, "x", "x")


def test_interval_too_long_for_the_server_is_refused_by_cell(loader: Loader, table: str) -> None:
    if loader.connection.info.server_version >= 150000:
        pytest.skip("PostgreSQL 15 and newer can hold it")
    told = loader.fail(table, {"a": [timedelta(hours=1), timedelta(days=99_999_999)]})
    assert "B3" in told or "A3" in told, told
    assert "interval" in told


def test_two_loads_that_widen_differently_meet_at_the_join(loader: Loader, table: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    loader.load(table, {"a": [1], "b": [1]})
    files = [{"a": ["x"], "b": [2]}, {"a": [0.5], "b": [0.5]}, {"a": [2**40], "b": [2**53 + 1]}, {"c": [1]}]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda columns: loader.process(table, columns), files))
    assert [result.failure for result in results] == [None] * 4
    assert loader.types(table) == {"a": "text", "b": "numeric", "c": "integer"}
    assert sorted(row[0] or "" for row in loader.texts(table)) == ["", "0.5", "1", "1099511627776", "x"]
