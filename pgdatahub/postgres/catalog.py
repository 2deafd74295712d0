"""What the database has: tables, columns and types as the catalog knows them, and proofs about stored values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from psycopg import sql
from sqlalchemy import Connection, text

from pgdatahub.errors import SchemaError
from pgdatahub.lattice import SAFE_INTEGER, SqlType, join
from pgdatahub.postgres.engine import driver_connection
from pgdatahub.postgres.history import History
from pgdatahub.schema import ColumnSchema, ColumnType, OpaqueType, TableName, TableSchema

_TYPES: Final[Mapping[str, SqlType]] = {
    sql_type.sql: sql_type for sql_type in SqlType if sql_type not in (SqlType.UNDECIDED, SqlType.BIGINT_WIDE)
}

_KINDS: Final = {
    "v": "a view",
    "m": "a materialized view",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
    "f": "a foreign table",
}
"""``pg_class.relkind`` of what is no table; ordinary and partitioned tables are."""

_COLUMNS = text("""
    SELECT c.relkind::text AS relkind,
           a.attname AS name,
           format_type(a.atttypid, a.atttypmod) AS type,
           a.attgenerated <> '' OR a.attidentity = 'a' AS computed,
           col_description(c.oid, a.attnum) AS comment
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE n.nspname = :schema AND c.relname = :name
  ORDER BY a.attnum
""")


def reflect(connection: Connection, table: TableName) -> TableSchema | None:
    """Return the columns that a table has, None if there is no such table.

    A ``bigint`` is BIGINT and a ``text`` is TEXT here, whatever their values; :func:`prove` looks closer.

    Raises:
        SchemaError: Something else has the table's name.
    """
    rows = connection.execute(_COLUMNS, {"schema": table.schema, "name": table.name}).all()
    if not rows:
        return None
    kind = rows[0].relkind
    if kind in _KINDS:
        raise SchemaError(
            f"{table} is {_KINDS[kind]}, not a table", hint="set table: for the folder, or move what has the name"
        )
    columns = tuple(
        ColumnSchema(name=row.name, type=_column_type(row.type, computed=row.computed), header=row.comment)
        for row in rows
        if row.name is not None
    )
    return TableSchema(table=table, columns=columns)


def _column_type(name: str, *, computed: bool) -> ColumnType:
    known = _TYPES.get(name)
    return OpaqueType(name) if known is None or computed else known


def prove(connection: Connection, current: TableSchema, observed: TableSchema, history: History) -> TableSchema:
    """Return ``current`` with the lattice elements that its stored values allow, as far as ``observed`` asks.

    Two facts need a look at the values, and each only when it would make a difference:

    - a ``bigint`` that meets doubles: does every value stay within 2^53?
    - a ``text`` column of ours whose loaded imports had no value in it: is it still all NULL?
    """
    doubtful = [
        column
        for column in current.columns
        if column.name in observed.by_name and _matters(column.type, observed.by_name[column.name].type)
    ]
    if not doubtful:
        return current
    proven = {}
    undecided: frozenset[str] | None = None
    for column in doubtful:
        if column.type is SqlType.BIGINT:
            if exists(connection, current.table, column.name, _BEYOND):
                proven[column.name] = replace(column, type=SqlType.BIGINT_WIDE)
            continue
        if undecided is None:
            undecided = _undecided(connection, current.table, history)
        if column.name in undecided and not exists(connection, current.table, column.name, _PRESENT):
            proven[column.name] = replace(column, type=SqlType.UNDECIDED)
    columns = tuple(proven.get(column.name, column) for column in current.columns)
    return TableSchema(table=current.table, columns=columns)


def _matters(current: ColumnType, observed: ColumnType) -> bool:
    if isinstance(current, OpaqueType) or isinstance(observed, OpaqueType):
        return False
    if current is SqlType.BIGINT:
        return join(current, observed) is SqlType.DOUBLE
    return current is SqlType.TEXT and observed not in (SqlType.TEXT, SqlType.UNDECIDED)


def _undecided(connection: Connection, table: TableName, history: History) -> frozenset[str]:
    """Return the columns that we created, that no setting types, and in which no loaded import had a value."""
    decided = {
        column.name
        for observed in history.observed(connection, table)
        for column in observed.columns
        if column.type is not SqlType.UNDECIDED
    }
    return history.created_columns(connection, table) - decided


_BEYOND: Final = sql.SQL("{{}} NOT BETWEEN {low} AND {high}").format(
    low=sql.Literal(-SAFE_INTEGER), high=sql.Literal(SAFE_INTEGER)
)
_PRESENT: Final = sql.SQL("{} IS NOT NULL")


def exists(connection: Connection, table: TableName, column: str, condition: sql.Composable) -> bool:
    """Tell whether a row of ``table`` fulfils a condition on a column, which ``{}`` in it stands for."""
    fulfilled = sql.SQL(condition.as_string(None)).format(sql.Identifier(column))
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(
        sql.Identifier(table.schema, table.name), fulfilled
    )
    row = driver_connection(connection).execute(query).fetchone()
    return bool(row and row[0])


def existing_tables(connection: Connection, tables: Iterable[TableName]) -> frozenset[TableName]:
    """Return those of ``tables`` that exist."""
    names = {str(table): table for table in tables}
    query = text("SELECT schemaname AS schema, tablename AS name FROM pg_tables")
    found = {TableName(schema=row.schema, name=row.name) for row in connection.execute(query)}
    return frozenset(found.intersection(names.values()))
