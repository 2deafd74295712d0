"""Columns that a user gave another type in a table or in its companion; the companion follows the table."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection

_TYPES = """
    SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS shown,
           format_type(b.atttypid, b.atttypmod) AS beside
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_class d ON d.relnamespace = n.oid AND d.relname = %(companion)s
      JOIN pg_attribute b ON b.attrelid = d.oid AND b.attname = a.attname AND NOT b.attisdropped
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND (a.atttypid, a.atttypmod) <> (b.atttypid, b.atttypmod)
  ORDER BY a.attnum
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetypedColumn:
    """A column that a user gave another type in one of the two tables.

    Attributes:
        name: The column.
        shown: Its type in the table.
        beside: Its type in the companion.
    """

    name: str
    shown: str
    beside: str


def retyped(connection: Connection, table: TableName, companion: TableName) -> tuple[RetypedColumn, ...]:
    """Return the columns that have different types in a table and its companion."""
    values = {"schema": table.schema, "name": table.name, "companion": companion.name}
    return tuple(
        RetypedColumn(name=row.name, shown=row.shown, beside=row.beside) for row in connection.execute(_TYPES, values)
    )


def follow_types(connection: Connection, table: TableName, companion: TableName) -> None:
    """Give the columns of a companion the types that a user gave those of the table.

    Args:
        connection: A connection in a transaction that has both tables' locks.
        table: The table.
        companion: Its companion.

    Raises:
        SchemaError: The companion has values that do not fit.
    """
    for one in retyped(connection, table, companion):
        statement = sql.SQL("ALTER TABLE {0} ALTER COLUMN {1} TYPE {2} USING {1}::{2}").format(
            sql.Identifier(companion.schema, companion.name), sql.Identifier(one.name), sql.SQL(one.shown)
        )
        try:
            driver_connection(connection).execute(statement)
        except (psycopg.DataError, psycopg.ProgrammingError) as error:
            raise SchemaError(
                f"the column {one.name} is {one.shown} in {table} and {one.beside} in {companion}: its type was"
                f" changed by hand, and the other table cannot follow: {error.diag.message_primary}",
                where=f"table {table}",
                hint="give the column one type in both tables",
            ) from error
