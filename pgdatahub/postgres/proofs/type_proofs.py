"""Proofs about stored values: a column's type in the lattice if its SQL type alone does not show it.

Two facts need a query of the values, and only when they would make a difference:

- a ``bigint`` that meets doubles: does every value stay within 2^53?
- a ``text`` column of pgdatahub whose loaded imports had no value in it: is it still all NULL?
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import ColumnSchema, ColumnType, OpaqueType, TableName, TableSchema
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.rows.import_rows import rows_of
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.values.sql_types import SAFE_INTEGER, SqlType, join


def prove(
    connection: Connection,
    current: TableSchema,
    observed: TableSchema,
    history: History | None,
    *,
    settled: Collection[str] = (),
    going: Sequence[ImportRow] = (),
    rule: TableRule | None = None,
) -> TableSchema:
    """Return ``current`` with the lattice types that its stored values allow, as far as ``observed`` needs them.

    Args:
        connection: A connection in a transaction that sees the table.
        current: The reflected columns.
        observed: The columns that a file needs.
        history: The metadata tables; None if they do not exist yet.
        settled: Columns that need no query any more.
        going: Imports whose rows do not count, since they are about to be deleted.
        rule: The rule of a table with a companion, whose rows count as well.
    """
    prover = _Prover(connection, current.table, history, going, rule)
    asked = to_prove(current, observed).difference(settled)
    columns = tuple(prover.prove(column) if column.name in asked else column for column in current.columns)
    return TableSchema(table=current.table, columns=columns)


def to_prove(current: TableSchema, observed: TableSchema) -> frozenset[str]:
    """Return the columns whose stored values would affect their new types."""
    return frozenset(column.name for column in current.columns if _matters(column, observed.by_name.get(column.name)))


def _matters(current: ColumnSchema, observed: ColumnSchema | None) -> bool:
    """Return whether the column's stored values would affect its new type."""
    if observed is None or isinstance(current.type, OpaqueType) or isinstance(observed.type, OpaqueType):
        return False
    if current.type is SqlType.BIGINT:
        return join(current.type, observed.type) is SqlType.DOUBLE
    return current.type is SqlType.TEXT and observed.type not in (SqlType.TEXT, SqlType.UNDECIDED)


class _Prover:
    """Prover that sends each query about a table once."""

    def __init__(
        self,
        connection: Connection,
        table: TableName,
        history: History | None,
        going: Sequence[ImportRow],
        rule: TableRule | None,
    ) -> None:
        self._connection = connection
        self._going = going
        self._table = table
        self._history = history
        self._rule = rule
        self._candidates: frozenset[str] | None = None

    def prove(self, column: ColumnSchema) -> ColumnSchema:
        return replace(column, type=self._element(column))

    def _element(self, column: ColumnSchema) -> ColumnType:
        if column.type is SqlType.BIGINT:
            return SqlType.BIGINT_WIDE if self._exists(column.name, _beyond(column.name)) else SqlType.BIGINT
        if column.name in self._never_decided() and not self._exists(column.name, _present(column.name)):
            return SqlType.UNDECIDED
        return column.type

    def _exists(self, column: str, condition: sql.Composed) -> bool:
        """Return whether a remaining row meets a condition."""
        # Rows of the key stay until the file's rows overwrite them.
        going = () if self._rule is not None and column in self._rule.rule.key else self._going
        tables = [self._table] if self._rule is None else [self._table, self._rule.companion]
        for table in tables:
            query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} AND ({}) IS NOT TRUE)").format(
                sql.Identifier(table.schema, table.name), condition, rows_of(going)
            )
            row = driver_connection(self._connection).execute(query).fetchone()
            if row and row[0]:
                return True
        return False

    def _never_decided(self) -> frozenset[str]:
        """Return the columns that pgdatahub created, no setting types, and no loaded import had a value in."""
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
            self._candidates = self._history.schema_changes.created_columns(self._connection, self._table) - decided
        return self._candidates


def _beyond(column: str) -> sql.Composed:
    """Return the condition that an integer does not fit a double."""
    return sql.SQL("{} NOT BETWEEN {} AND {}").format(
        sql.Identifier(column), sql.Literal(-SAFE_INTEGER), sql.Literal(SAFE_INTEGER)
    )


def _present(column: str) -> sql.Composed:
    return sql.SQL("{} IS NOT NULL").format(sql.Identifier(column))
