"""Queries about the imports of one file in several tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from psycopg.types.json import Jsonb

from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.import_columns import tables_to_json
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import storable
from pgdatahub.postgres.tables.locks import wait_for_turn

_BESIDE = """
    i.status = %(loaded)s AND i.source_file IN (SELECT unnest(%(files)s::text[])) AND NOT EXISTS (
        SELECT 1 FROM unnest(%(named)s::text[], %(schemas)s::text[], %(tables)s::text[]) f (file, schema, name)
         WHERE f.file = i.source_file AND f.schema = i.table_schema AND f.name = i.table_name)
"""


def imports_elsewhere(
    connection: Connection,
    history: History,
    source: SourceFile,
    tables: Collection[TableName],
    *,
    turn: int | None = None,
) -> list[ImportRow]:
    """Return the loaded imports of a file in other tables than ``tables``, oldest first.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables.
        source: The file.
        tables: The tables of its parts.
        turn: An advisory lock to wait for first.
    """
    if turn is not None:
        wait_for_turn(connection, turn)
    condition = "i.identity = %(identity)s AND i.source_file = %(file)s AND i.status = %(loaded)s"
    values = {"identity": source.identity, "file": source.location, "loaded": Status.LOADED.value}
    return [past for past in history.select_where(connection, condition, values) if past.table not in tables]


def imports_beside(
    connection: Connection, history: History, locations: Iterable[str], named: Iterable[tuple[str, TableName]]
) -> list[ImportRow]:
    """Return the loaded imports of files in other tables than those named, oldest first.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables.
        locations: The files.
        named: The files with their tables, one pair for each table.
    """
    files = storable(connection, locations)
    known = set(files)
    pairs = [(location, table) for location, table in named if location in known]
    values = {
        "files": files,
        "loaded": Status.LOADED.value,
        "named": [location for location, _ in pairs],
        "schemas": [table.schema for _, table in pairs],
        "tables": [table.name for _, table in pairs],
    }
    return history.select_where(connection, _BESIDE, values, leave_out_damaged=True)


def other_parts(connection: Connection, history: History, past: ImportRow) -> list[ImportRow]:
    """Return the loaded imports of the same bytes of a file in other tables."""
    condition = "i.identity = %(identity)s AND i.file_sha256 = %(sha256)s AND i.status = %(loaded)s AND i.id <> %(id)s"
    values = {"identity": past.identity, "sha256": past.file_sha256, "loaded": Status.LOADED.value, "id": past.id}
    return [one for one in history.select_where(connection, condition, values) if one.table != past.table]


def set_routing(
    connection: Connection, history: History, ids: Collection[int], routing: str | None, tables: Sequence[TableName]
) -> None:
    """Record the present routing of files whose imports it does not change, and all tables of the files."""
    history.update(connection, ids, {"routing": routing, "tables": Jsonb(tables_to_json(tables))})
