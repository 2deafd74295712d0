"""Inserts of new rows into the metadata tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.model.schema import FAILURES, IMPORTS, SCHEMA_CHANGES
from pgdatahub.postgres.server.connection import Connection

# Before PostgreSQL 13, only a database in UTF-8 reads the escapes that json.dumps writes for other letters.
_plain_json = partial(json.dumps, ensure_ascii=False)
_JSON: Final = frozenset({"sheets", "counts", "observed", "duplicates", "tables", "layout", "replays"})


def add_import(connection: Connection, history_schema: str, row: Mapping[str, Any], *, returning: bool) -> int | None:
    """Add a row to ``etl_imports``, and clear the standing failure of the file.

    Args:
        connection: A connection in the transaction of the import.
        history_schema: The schema of the metadata tables.
        row: The row's values by column.
        returning: Wait for the id and return it; otherwise the row goes to the server with the next statement.
    """
    statement = _insert_import(history_schema, tuple(row), returning=returning)
    values = {
        name: Jsonb(value, dumps=_plain_json) if name in _JSON and value is not None else value
        for name, value in row.items()
    }
    answer = connection.execute(statement, values)
    found = answer.fetchone() if returning else None
    return None if found is None else int(found[0])


def add_changes(connection: Connection, history_schema: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to ``etl_schema_changes``, all with the same columns."""
    if rows:
        statement = _insert(history_schema, SCHEMA_CHANGES, tuple(rows[0]))
        connection.driver.cursor().executemany(statement, rows)


@lru_cache(maxsize=16)
def _insert(schema: str, table: str, columns: tuple[str, ...], *, returning: bool = False) -> bytes:
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}){}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
        sql.SQL(" RETURNING id" if returning else ""),
    )
    return query.as_bytes(None)


@lru_cache(maxsize=16)
def _insert_import(schema: str, columns: tuple[str, ...], *, returning: bool) -> bytes:
    clear = sql.SQL("""
        WITH cleared AS (
            UPDATE {} SET cleared_at = timezone('UTC', clock_timestamp())
             WHERE identity = %(identity)s AND cleared_at IS NULL
               AND (source_file = %(source_file)s
                    OR (table_schema, table_name) = (%(table_schema)s, %(table_name)s)))
    """).format(sql.Identifier(schema, FAILURES))
    return clear.as_bytes(None) + _insert(schema, IMPORTS, columns, returning=returning)
