"""The rows of a table and of its companion together, for questions that concern all rows of an import."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.keyed.fragments import BEATEN, identifier, listed
from pgdatahub.postgres.keyed.names import companion_name


def companion_of(connection: Connection, table: TableName) -> TableName | None:
    """Return the companion of a table, by the catalog alone: also a lost history leaves it there."""
    companion = companion_name(table)
    query = """
        SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %(beaten)s AND NOT a.attisdropped
                        WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind = 'r')
    """
    values = {"schema": companion.schema, "name": companion.name, "beaten": BEATEN}
    return companion if connection.scalar(query, values) else None


def all_rows(connection: Connection, table: TableName, columns: Iterable[str], *, alias: bool = True) -> sql.Composable:
    """Return the source of a table's rows for FROM: the table, or these columns and ``xmin`` of it and its companion.

    Args:
        connection: A connection in any transaction.
        table: The table.
        columns: The columns.
        alias: Name the source; False if the statement does so.
    """
    companion = companion_of(connection, table)
    if companion is None:
        return identifier(table)
    names = listed(dict.fromkeys(columns))
    source = sql.SQL("(SELECT xmin, {0} FROM {1} UNION ALL SELECT xmin, {0} FROM {2})").format(
        names, identifier(table), identifier(companion)
    )
    return sql.SQL("{} both_tables").format(source) if alias else source
