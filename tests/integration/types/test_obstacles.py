"""Blockers of a schema change are found beforehand and named; CASCADE is never used."""

from __future__ import annotations

import pytest

from tests.integration.types.conftest import Loader


@pytest.mark.parametrize(
    ("obstacle", "named"),
    [
        ("CREATE VIEW {0}_v AS SELECT a FROM {0}", "view {0}_v (uses a)"),
        ("CREATE MATERIALIZED VIEW {0}_m AS SELECT sum(a) FROM {0}", "materialized view {0}_m (uses a)"),
        ("CREATE RULE r AS ON UPDATE TO {0} WHERE new.a > 5 DO INSTEAD NOTHING", "rule r on table {0}"),
        ("CREATE POLICY p ON {0} USING (a > 0)", "policy p on table {0}"),
        (
            "CREATE TRIGGER t BEFORE UPDATE OF a ON {0} FOR EACH ROW EXECUTE FUNCTION nothing()",
            "trigger t on table {0}",
        ),
        ("ALTER TABLE {0} ADD COLUMN twice integer GENERATED ALWAYS AS (a * 2) STORED", "generated column twice"),
        ("CREATE PUBLICATION {0}_p FOR TABLE {0} WHERE (a > 0)", "publication of table {0} in publication {0}_p"),
        (
            "CREATE FUNCTION {0}_f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a) FROM {0}; END",
            "function {0}_f()",
        ),
        ("ALTER TABLE {0} ADD CONSTRAINT positive CHECK (a > 0)", "check positive (operator does not exist"),
        ("CREATE INDEX {0}_i ON {0} (abs(a))", "index {0}_i (function abs(text) does not exist)"),
        ("CREATE INDEX {0}_i ON {0} (b) WHERE a > 0", "index {0}_i (operator does not exist"),
        ("CREATE TABLE {0}_c (x {0})", "column x of table {0}_c"),
        (
            "ALTER TABLE {0} ADD UNIQUE (a); CREATE TABLE {0}_k (a integer REFERENCES {0} (a))",
            "foreign key {0}_k_a_fkey of {0}_k",
        ),
    ],
)
def test_whatever_forbids_the_change_is_named_and_left_alone(
    loader: Loader, table: str, obstacle: str, named: str
) -> None:
    loader.execute(
        "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$"
    )
    loader.need(150000 if "PUBLICATION" in obstacle else 140000 if "ATOMIC" in obstacle else 0)
    loader.load(table, {"a": [1, 2], "b": [1, 2]})
    for statement in obstacle.format(table).split("; ") if "ATOMIC" not in obstacle else [obstacle.format(table)]:
        loader.execute(statement)
    said = loader.fail(table, {"a": ["x"], "b": [3]})
    assert named.format(table) in said, said
    assert "a from INTEGER to TEXT" in said
    # Rows that need no change go in as ever, and a change of another column does not concern them.
    loader.load(table, {"a": [7], "b": [8]})


@pytest.mark.parametrize(
    "harmless",
    [
        "ALTER TABLE {0} ADD CONSTRAINT positive CHECK (a > 0)",
        "CREATE INDEX {0}_i ON {0} (abs(a)) WHERE a > 0",
        "ALTER TABLE {0} ADD PRIMARY KEY (a)",
        "CREATE STATISTICS {0}_s ON a, b FROM {0}",
        "ALTER TABLE {0} ALTER COLUMN a SET DEFAULT 5",
        "CREATE TRIGGER t BEFORE UPDATE OF b ON {0} FOR EACH ROW EXECUTE FUNCTION nothing()",
        "CREATE VIEW {0}_v AS SELECT b FROM {0}",
    ],
)
def test_what_can_follow_the_change_is_no_obstacle(loader: Loader, table: str, harmless: str) -> None:
    loader.execute(
        "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$"
    )
    loader.load(table, {"a": [1, 2], "b": [1, 2]})
    loader.execute(harmless.format(table))
    loader.load(table, {"a": [0.5], "b": [3], "c": [1]})
    assert loader.types(table) == {"a": "double precision", "b": "integer", "c": "integer"}


def test_foreign_key_between_integers_does_not_block_bigint(loader: Loader, table: str) -> None:
    loader.load(table, {"a": [1, 2]})
    loader.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (a)")
    loader.execute(f"CREATE TABLE {table}_k (a integer REFERENCES {table} (a))")
    loader.load(table, {"a": [2**40]})
    assert loader.types(table) == {"a": "bigint"}


def test_partition_keys_and_partitions_are_named(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table} (a integer, b integer) PARTITION BY RANGE (a)")
    loader.execute(f"CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES FROM (0) TO (1000)")
    loader.load(table, {"a": [1], "b": [1]})
    assert "the table is partitioned by a" in loader.fail(table, {"a": ["x"], "b": [1]})
    loader.load(table, {"a": [2], "b": ["x"]})
    assert loader.types(f"{table}_1") == {"a": "integer", "b": "text"}
    said = loader.fail(f"{table}_1", {"a": [1], "b": [1], "c": [1]})
    assert "the table is a partition" in said


def test_inherited_columns_are_named(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE TABLE {table}_parent (a integer)")
    loader.execute(f"CREATE TABLE {table} () INHERITS ({table}_parent)")
    assert "a is inherited from another table" in loader.fail(table, {"a": ["x"]})


def test_1600_columns_are_the_end_dropped_ones_included(loader: Loader, table: str) -> None:
    loader.load(table, {f"c{number}": [1] for number in range(1598)})
    said = loader.fail(table, {"c0": [1], "new": [1]})
    assert "the table would have 1,601 columns, and PostgreSQL allows 1,600" in said
    loader.execute(f"ALTER TABLE {table} DROP COLUMN c5")
    assert "1 dropped ones included" in loader.fail(table, {"c0": [1], "new": [1]})


def test_a_row_that_is_too_long_is_named(loader: Loader, table: str) -> None:
    said = loader.fail(table, {f"c{number}": [0.1 + number] for number in range(1500)})
    assert said.startswith((f"table {table} | row is too big", "Sheet1 › row 2 | row is too big"))
    assert "a row 8 kB" in said


def test_something_else_with_the_tables_name_is_named(loader: Loader, table: str) -> None:
    loader.execute(f"CREATE VIEW {table} AS SELECT 1 AS a")
    result = loader.process(table, {"a": [1]})
    assert result.failure is not None
    assert "is a view, not a table" in result.failure.message
