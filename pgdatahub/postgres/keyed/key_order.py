"""Statements about many keys where both the table and the file are in the order of the key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from psycopg import sql

from pgdatahub.model.schema import LOAD_TIMESTAMP, TableName
from pgdatahub.postgres.keyed.fragments import STAGING, identifier, listed
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.staging import set_memory
from pgdatahub.postgres.server.connection import Connection

MANY_ROWS: Final = 10_000
"""Rows from which statistics pay: they cost the server some milliseconds."""
_IN_ORDER: Final = 0.9
"""The correlation of key and place in the file, as the server estimates it, from which the file is in the key's order."""
_MOSTLY_IN_ORDER: Final = 0.5
"""That of a table, which updates lower: they put new versions of rows to its end, still in runs that are in order."""
_PLACE_BYTES: Final = 60
"""Of a row in the joins of an undo: its key, its rank and its place."""


def is_in_key_order(connection: Connection, rule: TableRule) -> bool:
    """Return whether the rows of both the table and the staging table lie in the order of the key, as far as is known.

    The staging table has been analyzed. A merge join of a million keys then takes a third of the time of a hash join,
    which the planner prefers, since it does not know that the sort finds nothing to do.
    """
    temporary: str | None = connection.scalar("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
    staged = TableName(schema=temporary or "", name=STAGING.name)
    return _correlation(connection, rule.table, rule) >= _MOSTLY_IN_ORDER and (
        _correlation(connection, staged, rule) >= _IN_ORDER
    )


def _correlation(connection: Connection, table: TableName, rule: TableRule) -> float:
    query = (
        "SELECT correlation FROM pg_stats WHERE schemaname = %s AND tablename = %s AND attname = %s AND NOT inherited"
    )
    return connection.scalar(query, (table.schema, table.name, rule.rule.key[0])) or 0.0


@contextmanager
def without_hash_joins(connection: Connection) -> Iterator[None]:
    """Let the planner join by hashes only where it must; after an error the transaction is over anyway."""
    query = "SELECT set_config('enable_hashjoin', %s, true)"
    before: str = connection.scalar("SELECT current_setting('enable_hashjoin')")
    connection.execute(query, ("off",))
    yield
    connection.execute(query, (before,))


def analyze_if_grown(connection: Connection, rule: TableRule, rows: int) -> None:
    """Let the server count the companion's values after it got rows, a tenth of its rows or more.

    Without that the planner takes the companion for empty until autovacuum comes, and an undo searches it row by row.
    """
    _analyze(connection, rule, rule.companion, rows)


@contextmanager
def many_going(connection: Connection, rule: TableRule, rows: int) -> Iterator[None]:
    """Prepare the planner for many rows of imports that leave the table: current statistics, and memory for joins."""
    _analyze(connection, rule, rule.table, rows)
    set_memory(connection, rows * _PLACE_BYTES)
    in_order = (
        rule.rule.is_merge and rows >= MANY_ROWS and _correlation(connection, rule.table, rule) >= _MOSTLY_IN_ORDER
    )
    with without_hash_joins(connection) if in_order else nullcontext():
        yield


def _analyze(connection: Connection, rule: TableRule, table: TableName, rows: int) -> None:
    if rows < MANY_ROWS:
        return
    name = identifier(table)
    known: float = connection.scalar(
        "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", (name.as_string(None),)
    )
    if rows * 10 >= known:
        connection.execute(sql.SQL("ANALYZE {} ({})").format(name, listed([*rule.rule.key, LOAD_TIMESTAMP])))
