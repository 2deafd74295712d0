"""Tables, files and imports that a user names, among those that the history knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from psycopg import sql

from pgdatahub.config.found import nearest
from pgdatahub.errors import ConfigError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.damaged_rows import json_list
from pgdatahub.postgres.history.file_names import file_parameters, of_file
from pgdatahub.postgres.server.server_encoding import storable

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection

NOTHING_LOADED: Final = "nothing was loaded yet"


def named_tables(names: Collection[str], known: Iterable[TableName]) -> frozenset[TableName]:
    """Return the known tables with one of the names, each a table's own or ``schema.table``.

    Raises:
        ConfigError: A name is that of no known table; the hint has the nearest name.
    """
    tables = sorted(set(known))
    found = frozenset(table for table in tables if {table.name, str(table)} & set(names))
    unknown = set(names) - {table.name for table in found} - set(map(str, found))
    if unknown:
        hint = nearest(min(unknown), tuple(map(str, tables))) if tables else NOTHING_LOADED
        raise ConfigError(f"the history knows no table {min(unknown)!r}", hint=hint)
    return found


def unknown_file(name: str, hint: str) -> ConfigError:
    """Return the error for a file that the history does not know."""
    return ConfigError(f"the history knows no file {name!r}", hint=hint)


def unknown_import(number: int, hint: str) -> ConfigError:
    """Return the error for an import that the history does not know."""
    return ConfigError(f"the history knows no import {number}", hint=hint)


def has_file(connection: Connection, history: History, tail: str) -> bool:
    """Return whether the history has an import, in any status, of a file or of a duplicate of it.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables, which exist.
        tail: The ``source_file``, or its end after a ``/``.
    """
    if not storable(connection, [tail]):
        return False
    duplicates = json_list("'[]'::jsonb" if "duplicates" in history.missing else "i.duplicates")
    query = sql.SQL("""
        SELECT EXISTS (SELECT FROM {imports} i WHERE {own}
                           OR EXISTS (SELECT FROM jsonb_array_elements({duplicates}) one WHERE {further}))
    """).format(
        imports=history.imports,
        own=sql.SQL(of_file("i.source_file")),
        duplicates=duplicates,
        further=sql.SQL(of_file("(one ->> 'source_file')")),
    )
    return bool(connection.scalar(query, file_parameters(tail)))


def has_import(connection: Connection, history: History, number: int) -> bool:
    """Return whether the history has an import, in any status."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE id::text = %(id)s)").format(history.imports)
    return bool(connection.scalar(query, {"id": str(number)}))
