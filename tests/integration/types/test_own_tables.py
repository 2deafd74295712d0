"""Tables made by a user: never altered where their types are their own, and nothing rounded or cut."""

# ruff: noqa: DTZ001 - workbooks know no time zones

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from pgdatahub.values.cells import Value
from tests.integration.types.conftest import Loader


@pytest.mark.parametrize(
    ("column_type", "kept", "refused"),
    [
        ("numeric(10,2)", [1, 1.5, -0.25, Decimal("12345678.12"), "1.50"], [1.234, 10**9, "n/a", "0501"]),
        ("varchar(5)", ["abcde", 12345, True], ["abcdef", "abc   ", 123456]),
        ("char(3)", ["a", "abc"], ["abcd", "a "]),
        ("smallint", [32767, -5, "7"], [32768, 0.5, "0501", "x"]),
        ("timestamp(0)", [datetime(2024, 1, 1, 12, 0, 5), date(2024, 1, 2)], [datetime(2024, 1, 1, 12, 0, 5, 600000)]),
        (
            "timestamptz",
            [datetime(2024, 1, 1, 12, 0, 5, 600000), date(2024, 1, 2), "2024-01-01T10:00:00+02:00"],
            ["now", "tomorrow", "x", 5],
        ),
        ("time(0)", [time(10, 30)], [time(10, 30, 0, 500000)]),
        ("interval hour to minute", [timedelta(hours=100)], [timedelta(hours=1, seconds=5)]),
        ("uuid", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"], ["a0eebc99"]),
        ("jsonb", ['{"a": [1,  2]}', 5, True], ["{"]),
        ("money", [1.25], [1.255]),
        ("name", ["abc"], ["x" * 64]),
        ("bit(3)", ["101"], ["1010", "10"]),
        ("mood", ["glad"], ["angry"]),
        ("price", [1.5], [1.555, -1]),
        ("single", [0.5], [0.123456789123]),
        ("numeric(6,2)[]", ["{1.5,2}"], ["{1.555}"]),
    ],
)
def test_a_value_is_kept_as_it_is_or_its_cell_is_named(
    loader: Loader, table: str, column_type: str, kept: list[Value], refused: list[Value]
) -> None:
    loader.execute("DROP TYPE IF EXISTS mood CASCADE")
    loader.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    loader.execute("DROP DOMAIN IF EXISTS price, single CASCADE")
    loader.execute("CREATE DOMAIN price AS numeric(8,2) CHECK (VALUE >= 0)")
    loader.execute("CREATE DOMAIN single AS real")
    loader.execute(f"CREATE TABLE {table} (id integer, v {column_type})")
    before = loader.types(table)["v"]
    loader.load(table, {"id": list(range(len(kept))), "v": kept})
    for value in refused:
        said = loader.fail(table, {"id": [1, 2, 3], "v": [kept[0], None, value]})
        assert said.startswith("Sheet1 › B4 | "), said
    assert loader.types(table)["v"] == before
    assert len(loader.texts(table)) == len(kept)


def test_known_column_types_are_widened_in_a_users_table(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a real, b varchar, c integer, d date, e text DEFAULT 'none')")
    loader.execute(f"INSERT INTO {table} VALUES (0.1, 'x', 1, '2024-01-01', NULL)")
    loader.load(table, {"a": [0.1], "b": [5], "c": [0.5], "d": [datetime(2024, 1, 1, 6)]})
    assert loader.types(table) == {
        "a": "double precision",
        "b": "character varying",
        "c": "double precision",
        "d": "timestamp without time zone",
        "e": "text",
    }
    assert loader.texts(table) == [
        ("0.1", "x", "1", "2024-01-01 00:00:00", None),
        ("0.1", "5", "0.5", "2024-01-01 06:00:00", "none"),
    ]


def test_an_empty_text_column_of_somebody_elses_stays_text(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a text)")
    loader.load(table, {"a": [5]})
    assert loader.types(table) == {"a": "text"}


def test_a_column_that_must_not_be_empty_is_named(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a integer NOT NULL, b integer NOT NULL DEFAULT 7)")
    assert "column a must not be empty, and the file does not have it" in loader.fail(table, {"b": [1]})
    assert "column b must not be empty, and the file has 1 empty cell" in loader.fail(
        table, {"a": [1, 2], "b": [1, None]}
    )
    loader.load(table, {"a": [1]})
    assert loader.texts(table) == [("1", "7")]


def test_computed_columns_are_left_to_the_table(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED)")
    assert "computes its column twice itself" in loader.fail(table, {"a": [1], "twice": [2]})
    loader.load(table, {"a": [4]})
    assert loader.texts(table) == [("4", "8")]


def test_a_row_that_breaks_a_constraint_is_named(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a integer CHECK (a < 10), b integer UNIQUE)")
    assert loader.fail(table, {"a": [1, 50], "b": [1, 2]}).startswith("Sheet1 › row 3 | ")
    assert "duplicate key" in loader.fail(table, {"a": [1, 2, 3], "b": [1, 2, 1]})


def test_lineage_columns_of_another_type_are_refused(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a integer, load_timestamp date)")
    assert "load_timestamp is DATE" in loader.fail(table, {"a": [1]})


def test_new_columns_freeze_names_the_cell(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [1]}, new_columns="freeze")
    said = loader.fail(table, {"a": [1], "Rabatt": [None]}, new_columns="freeze")
    assert said.startswith('column "Rabatt" | the table has no column rabatt for "Rabatt"')
    said = loader.fail(table, {"a": [1, 2], "Rabatt": [None, 3]}, new_columns="freeze")
    assert said.startswith("Sheet1 › B3 | ")
    loader.load(table, {"a": [2]}, new_columns="freeze")


def test_types_freeze_names_the_cell(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [1], "b": [None]}, types="freeze")
    said = loader.fail(table, {"a": [1, 2, "n/a"], "b": [1, 2, 3]}, types="freeze")
    assert said.startswith('Sheet1 › A4 | "n/a" does not fit the column a, which is INTEGER')
    loader.load(table, {"a": [3], "b": [1]}, types="freeze")
    assert loader.types(table) == {"a": "integer", "b": "integer"}
    loader.fail(table, {"a": [2**40], "b": [1]}, types="freeze")


def test_a_dropped_column_is_added_again_and_that_is_said(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [1], "b": [1]})
    loader.execute(f"ALTER TABLE {table} DROP COLUMN b")
    assert loader.load(table, {"a": [2]}).notices == ()
    (notice,) = loader.load(table, {"a": [3], "b": [3]}).notices
    assert f"the column b of {table} was dropped by hand" in notice
    assert loader.texts(table) == [("1", None), ("2", None), ("3", "3")]


def test_a_renamed_column_is_noticed_and_can_be_followed(loader: Loader, table: str) -> None:
    from pgdatahub.config import ColumnOptions

    loader.load(table, {"Betrag": [1]})
    loader.execute(f"ALTER TABLE {table} RENAME COLUMN betrag TO amount")
    said = loader.fail(table, {"Betrag": [2]})
    assert "the column betrag was renamed to amount by hand" in said
    assert 'columns: "Betrag": rename: amount' in said
    loader.load(table, {"Betrag": [2]}, columns={"Betrag": ColumnOptions(rename="amount")})
    assert loader.texts(table) == [("1",), ("2",)]


def test_a_lost_lineage_column_is_refused(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [1]})
    loader.execute(f"ALTER TABLE {table} RENAME COLUMN source_file TO origin")
    assert "source_file was dropped or renamed by hand" in loader.fail(table, {"a": [2]})
