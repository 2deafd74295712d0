"""Change of a column from any type back to a narrower one, proved value by value.

A value survives if its canonical text is the same before and after. So the proof queries the server for rows whose text
would differ; if a value cannot be cast at all, the server's error is the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.rows.import_rows import rows_of
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.tables.ddl import canonical_text, conversion
from pgdatahub.values.counting import count
from pgdatahub.values.sql_types import SqlType, widens_to

_INEXACT: Final = frozenset({SqlType.REAL, SqlType.DOUBLE})
_NUMBERS: Final = _INEXACT | {SqlType.INTEGER, SqlType.BIGINT, SqlType.BIGINT_WIDE, SqlType.NUMERIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The reason why a column cannot have an earlier type again.

    Attributes:
        reason: The reason as text.
        sample: A value that would be lost, if the server named one.
    """

    reason: str
    sample: str | None = None


def narrowed(column: sql.Composable, old: SqlType, new: SqlType) -> sql.Composable:
    """Return the expression that turns a stored value of type ``old`` into ``new``, if the value allows it."""
    if new is SqlType.UNDECIDED:
        return sql.SQL("NULL::text")
    if widens_to(old, new):
        return conversion(column, old, new)
    target = sql.SQL(new.sql)
    if old in _NUMBERS and new in _NUMBERS:
        # Through its digits: a direct cast of a double keeps 15 of them.
        return sql.SQL("{}::text::{}" if new in _INEXACT else "{}::text::numeric::{}").format(column, target)
    if old is SqlType.TIMESTAMP and new is SqlType.DATE:
        return sql.SQL("{}::date").format(column)
    return sql.SQL("{}::{}").format(canonical_text(column, old), target)


_DIFFERENT = sql.SQL("""
    SELECT count(*), min(before) FROM (
        SELECT CASE WHEN {gone} THEN false
                    ELSE {after} IS DISTINCT FROM {before} END AS differs, {before} AS before
          FROM {table}
    ) compared WHERE differs
""")
"""CASE, since nothing else keeps the server from casting the values of rows that will be deleted."""


def loss(
    connection: Connection,
    table: TableName,
    column: str,
    old: SqlType,
    new: SqlType,
    *,
    going: Sequence[ImportRow],
    companion: TableName | None = None,
) -> Loss | None:
    """Return the loss of a column as ``new``; None if every value survives.

    Args:
        connection: A connection in a transaction; a failed cast is rolled back to a savepoint.
        table: The table.
        column: The column, now of type ``old``.
        old: The present type.
        new: The type that the column is to have.
        going: Imports whose rows do not count, since they are about to be deleted.
        companion: The companion of a keyed table, whose rows count as well.
    """
    if companion is not None:
        lost = loss(connection, companion, column, old, new, going=going)
        if lost is not None:
            return lost
    identifier = sql.Identifier(column)
    before = canonical_text(identifier, old)
    after = before if new is SqlType.UNDECIDED else canonical_text(narrowed(identifier, old, new), new)
    if new is SqlType.UNDECIDED:
        after = sql.SQL("NULL::text").format()
    query = _DIFFERENT.format(
        gone=rows_of(going), after=after, before=before, table=sql.Identifier(table.schema, table.name)
    )
    driver = driver_connection(connection)
    try:
        with driver.transaction():
            row = driver.execute(query).fetchone()
    except psycopg.DataError as error:
        return Loss(reason=error.diag.message_primary or str(error))
    if row is None or not row[0]:
        return None
    return Loss(reason=f"{count(row[0], 'value')} would change", sample=row[1])


_VALUES = sql.SQL("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND ({gone}) IS NOT TRUE")


def count_values(connection: Connection, table: TableName, column: str, *, going: Sequence[ImportRow]) -> int:
    """Return the number of remaining rows that have a value in a column."""
    query = _VALUES.format(
        table=sql.Identifier(table.schema, table.name), column=sql.Identifier(column), gone=rows_of(going)
    )
    row = driver_connection(connection).execute(query).fetchone()
    return int(row[0]) if row else 0
