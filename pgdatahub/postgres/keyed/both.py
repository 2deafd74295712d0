"""The rows of a table and of its companion together, for questions that concern all rows of an import."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from pgdatahub.model.schema import RESERVED_COLUMNS, TableName
from pgdatahub.postgres.keyed.fragments import BEATEN, identifier, listed
from pgdatahub.postgres.keyed.names import companion_name
from pgdatahub.postgres.keyed.retyped import retyped
from pgdatahub.postgres.server.connection import Connection


def companion_of(connection: Connection, table: TableName) -> TableName | None:
    """Return the companion of a table, by the catalog alone: also a lost history leaves it there."""
    query = sql.SQL("SELECT {}").format(companion_exists())
    there = connection.scalar(query, {"schema": table.schema, **companion_values(table)})
    return companion_name(table) if there else None


def companion_exists() -> sql.SQL:
    """Return the condition that a table has a companion; its parameters are ``schema`` and :func:`companion_values`."""
    return sql.SQL("""
        EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %(beaten)s AND NOT a.attisdropped
                 WHERE n.nspname = %(schema)s AND c.relname = %(companion)s AND c.relkind = 'r')
    """)


def companion_values(table: TableName) -> dict[str, str]:
    """Return the parameters of :func:`companion_exists`."""
    return {"companion": companion_name(table).name, "beaten": BEATEN}


def filled_columns(connection: Connection, table: TableName, companion: TableName) -> tuple[str, ...]:
    """Return the columns of a companion in which a row has a value, as those of imports have.

    Columns that the table numbers or fills itself are the user's own.
    """
    names = [
        row.name
        for row in connection.execute(
            """
            SELECT a.attname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attname <> ALL (%(others)s)
               AND NOT EXISTS (SELECT FROM pg_class t JOIN pg_attribute o ON o.attrelid = t.oid AND o.attname = a.attname
                                WHERE t.relnamespace = n.oid AND t.relname = %(table)s AND NOT o.attisdropped
                                  AND (o.atthasdef OR o.attidentity <> ''))
             ORDER BY a.attnum
            """,
            {
                "schema": companion.schema,
                "name": companion.name,
                "table": table.name,
                "others": [*RESERVED_COLUMNS, BEATEN],
            },
        )
    ]
    filled = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS NOT NULL)")
    return tuple(
        name for name in names if connection.scalar(filled.format(identifier(companion), sql.Identifier(name)))
    )


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
    names = tuple(dict.fromkeys(columns))
    others = {one.name: one.shown for one in retyped(connection, table, companion)}
    source = sql.SQL("(SELECT xmin, {} FROM {} UNION ALL SELECT xmin, {} FROM {})").format(
        listed(names),
        identifier(table),
        sql.SQL(", ").join(
            sql.SQL("{0}::{1} AS {0}").format(sql.Identifier(name), sql.SQL(others[name]))
            if name in others
            else sql.Identifier(name)
            for name in names
        ),
        identifier(companion),
    )
    return sql.SQL("{} both_tables").format(source) if alias else source
