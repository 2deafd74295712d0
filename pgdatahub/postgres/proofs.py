"""Proofs about stored values: which element of the lattice a column is, where its type alone cannot tell.

Two facts need a look at the values, and each only when it would make a difference:

- a ``bigint`` that meets doubles: does every value stay within 2^53?
- a ``text`` column of ours whose loaded imports had no value in it: is it still all NULL?
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import ColumnSchema, ColumnType, OpaqueType, TableName, TableSchema
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.engine import driver_connection
from pgdatahub.postgres.history import History
from pgdatahub.postgres.import_rows import rows_of
from pgdatahub.values.sql_types import SAFE_INTEGER, SqlType, join


def prove(
    connection: Connection,
    current: TableSchema,
    observed: TableSchema,
    history: History | None,
    *,
    settled: Collection[str] = (),
    going: Sequence[ImportRow] = (),
) -> TableSchema:
    """Return ``current`` with the lattice elements that its stored values allow, as far as ``observed`` asks.

    Args:
        connection: In a transaction that sees the table.
        current: What was reflected.
        observed: What a file needs.
        history: The metadata tables; None where there are none yet.
        settled: Columns of which nothing need be asked any more.
        going: Imports whose rows do not count, since they are about to go.
    """
    prover = _Prover(connection, current.table, history, going)
    asked = to_prove(current, observed).difference(settled)
    columns = tuple(prover.prove(column) if column.name in asked else column for column in current.columns)
    return TableSchema(table=current.table, columns=columns)


def to_prove(current: TableSchema, observed: TableSchema) -> frozenset[str]:
    """Return the columns whose stored values would make a difference to what becomes of their types."""
    return frozenset(column.name for column in current.columns if _matters(column, observed.by_name.get(column.name)))


def _matters(current: ColumnSchema, observed: ColumnSchema | None) -> bool:
    """Tell whether the column's values would make a difference to what becomes of its type."""
    if observed is None or isinstance(current.type, OpaqueType) or isinstance(observed.type, OpaqueType):
        return False
    if current.type is SqlType.BIGINT:
        return join(current.type, observed.type) is SqlType.DOUBLE
    return current.type is SqlType.TEXT and observed.type not in (SqlType.TEXT, SqlType.UNDECIDED)


class _Prover:
    """Asks each question of a table once."""

    def __init__(
        self, connection: Connection, table: TableName, history: History | None, going: Sequence[ImportRow]
    ) -> None:
        self._connection = connection
        self._going = going
        self._table = table
        self._history = history
        self._candidates: frozenset[str] | None = None

    def prove(self, column: ColumnSchema) -> ColumnSchema:
        return replace(column, type=self._element(column))

    def _element(self, column: ColumnSchema) -> ColumnType:
        if column.type is SqlType.BIGINT:
            return SqlType.BIGINT_WIDE if self._exists(_beyond(column.name)) else SqlType.BIGINT
        if column.name in self._never_decided() and not self._exists(_present(column.name)):
            return SqlType.UNDECIDED
        return column.type

    def _exists(self, condition: sql.Composed) -> bool:
        """Tell whether a row that stays fulfils a condition."""
        query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} AND ({}) IS NOT TRUE)").format(
            sql.Identifier(self._table.schema, self._table.name), condition, rows_of(self._going)
        )
        row = driver_connection(self._connection).execute(query).fetchone()
        return bool(row and row[0])

    def _never_decided(self) -> frozenset[str]:
        """Return the columns that we created, that no setting types, and in which no loaded import had a value."""
        if self._history is None:
            return frozenset()
        if self._candidates is None:
            decided = {
                column.name
                for observed in self._history.observed(
                    self._connection, self._table, without=[past.id for past in self._going]
                )
                for column in observed.columns
                if column.type is not SqlType.UNDECIDED
            }
            self._candidates = self._history.created_columns(self._connection, self._table) - decided
        return self._candidates


def _beyond(column: str) -> sql.Composed:
    """Return the condition that an integer is no double."""
    return sql.SQL("{} NOT BETWEEN {} AND {}").format(
        sql.Identifier(column), sql.Literal(-SAFE_INTEGER), sql.Literal(SAFE_INTEGER)
    )


def _present(column: str) -> sql.Composed:
    return sql.SQL("{} IS NOT NULL").format(sql.Identifier(column))
