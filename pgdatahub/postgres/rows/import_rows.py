"""The rows of one import: found, counted and deleted by the pair that every row carries.

``source_file`` and ``load_timestamp`` together name an import. The BRIN index on the timestamp finds its rows without
a scan of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import LOAD_TIMESTAMP, SOURCE_FILE, TableName
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.tables.row_guards import check_gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of an import in its table.

    Attributes:
        count: The number of rows that carry its pair.
        rewritten: The number of these rows whose writing transaction is neither that of a replay nor that of most others. A
            load writes its rows in one transaction and an ``ALTER TABLE`` rewrites them in one, so a user or program changed
            these rows.
    """

    count: int
    rewritten: int


_COUNT = sql.SQL("""
    SELECT coalesce(sum(rows), 0), coalesce(sum(loaded) - max(loaded), 0)
      FROM (SELECT count(*) AS rows, CASE WHEN xmin::text <> ALL ({replays}::text[]) THEN count(*) END AS loaded
              FROM {table} WHERE {condition} GROUP BY xmin::text) written
""")
_DELETE = sql.SQL("DELETE FROM {table} WHERE {condition}")
_RENAME = sql.SQL("UPDATE {table} SET {file} = {name} WHERE {condition}")
_REMAINING = sql.SQL("SELECT count(*) FROM {table} WHERE ({condition}) IS NOT TRUE")


def find_rows(connection: Connection, past: ImportRow) -> Rows:
    """Return the rows of an import; the table and the two columns must exist."""
    row = _by_index(connection, _of(_COUNT, past.table, [past])).fetchone()
    return Rows(count=int(row[0]), rewritten=int(row[1])) if row else Rows(count=0, rewritten=0)


def count_rows(connection: Connection, table: TableName, source_file: str, load_timestamp: datetime) -> int:
    """Return the number of rows of a table that name a file and a time."""
    counted = sql.SQL("SELECT count(*) FROM {table} WHERE {condition}").format(
        table=sql.Identifier(table.schema, table.name), condition=rows_with(source_file, load_timestamp)
    )
    row = _by_index(connection, counted).fetchone()
    return int(row[0]) if row else 0


def readable_time(moment: sql.Composable) -> sql.Composed:
    """Return SQL for the nearest time that Python has, not infinite and in the years 1 to 9999, or for NULL.

    Only rows that were changed by hand have other times.
    """
    nearest = sql.SQL(
        "CASE WHEN {0} IS NOT NULL THEN least(greatest({0}::timestamp, '0001-01-01'), '9999-12-31 23:59:59.999999') END"
    )
    return nearest.format(moment)


def delete_rows(connection: Connection, past: ImportRow) -> int:
    """Delete the rows of an import; return their number.

    Raises:
        SchemaError: A trigger or rule of the table kept rows.
    """
    count = _by_index(connection, _of(_DELETE, past.table, [past])).rowcount
    check_gone(connection, past.table, rows_of([past]))
    return count


def _by_index(connection: Connection, statement: sql.Composed) -> psycopg.Cursor[Any]:
    """Execute a statement about the rows of one import by the index on the timestamp.

    The planner takes a BRIN index only if statistics show that the table is in the index's order. A new table has no
    statistics until autovacuum runs, and ANALYZE would add to the time of every load.
    """
    connection.execute("SET LOCAL enable_seqscan = off")
    answer = driver_connection(connection).execute(statement)
    connection.execute("SET LOCAL enable_seqscan = on")
    return answer


def rename_rows(connection: Connection, past: ImportRow, source_file: str) -> int:
    """Set another file name in the rows of an import; return the number of rows.

    Raises:
        SchemaError: A trigger or rule of the table kept rows.
    """
    statement = _RENAME.format(
        table=sql.Identifier(past.table.schema, past.table.name),
        file=sql.Identifier(SOURCE_FILE),
        name=sql.Literal(source_file),
        condition=rows_of([past]),
    )
    count = driver_connection(connection).execute(statement).rowcount
    check_gone(connection, past.table, rows_of([past]))
    return count


def count_others(connection: Connection, table: TableName, imports: Sequence[ImportRow]) -> int:
    """Return the number of rows of a table that belong to none of ``imports``."""
    row = driver_connection(connection).execute(_of(_REMAINING, table, imports)).fetchone()
    return int(row[0]) if row else 0


_OF_FILE = sql.SQL("SELECT count(*) FROM {table} WHERE {file} = {name} OR right({file}, {length}) = {tail}")


def count_of_file(connection: Connection, table: TableName, file: str) -> int:
    """Return the number of rows that name a file, or a path that ends with it, by a scan of the table."""
    tail = "/" + file.removeprefix("./")
    query = _OF_FILE.format(
        table=sql.Identifier(table.schema, table.name),
        file=sql.Identifier(SOURCE_FILE),
        name=sql.Literal(file),
        length=sql.Literal(len(tail)),
        tail=sql.Literal(tail),
    )
    row = driver_connection(connection).execute(query).fetchone()
    return int(row[0]) if row else 0


def _of(statement: sql.SQL, table: TableName, imports: Sequence[ImportRow]) -> sql.Composed:
    replays = [str(replay.xid) for past in imports for replay in past.replays]
    return statement.format(
        table=sql.Identifier(table.schema, table.name), condition=rows_of(imports), replays=sql.Literal(replays)
    )


def rows_of(imports: Sequence[ImportRow]) -> sql.Composable:
    """Return the condition that a row is of one of ``imports``; NULL, not false, for a row without the pair."""
    if not imports:
        return sql.SQL("false")
    return sql.SQL(" OR ").join(rows_with(past.source_file, past.imported_at) for past in imports)


def rows_with(source_file: str, load_timestamp: datetime) -> sql.Composed:
    """Return the condition that a row names a file and a time."""
    return sql.SQL("({} = {}::timestamp AND {} = {})").format(
        sql.Identifier(LOAD_TIMESTAMP),
        sql.Literal(load_timestamp.isoformat(" ")),
        sql.Identifier(SOURCE_FILE),
        sql.Literal(source_file),
    )
