"""Duplicates of an import in the history: the other files with its content, one of which can inherit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.model.imports import Duplicate, ImportRow, Status
from pgdatahub.postgres.history.import_columns import duplicate_to_json
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection


def set_duplicates(connection: Connection, history: History, past: ImportRow, duplicates: Iterable[Duplicate]) -> None:
    """Record the files that were skipped as duplicates of an import."""
    history.update(connection, [past.id], {"duplicates": Jsonb([duplicate_to_json(one) for one in duplicates])})


def inherit(
    connection: Connection, history: History, past: ImportRow, heir: Duplicate, rest: Iterable[Duplicate]
) -> None:
    """Assign an import to one of its duplicates.

    Args:
        connection: A connection in the transaction that gives the rows to ``heir``.
        history: The history.
        past: The import.
        heir: The duplicate.
        rest: The duplicates that the import keeps.
    """
    same_bytes = sql.SQL("""
        SELECT EXISTS (SELECT FROM {} WHERE table_schema = %s AND table_name = %s AND status = %s AND file_sha256 = %s
                          AND path_key = %s AND id <> %s)
    """).format(history.imports)
    table = past.table
    parameters = (table.schema, table.name, Status.LOADED.value, heir.file_sha256, past.path_key, past.id)
    values: dict[str, Any] = {
        "identity": heir.identity,
        "source_file": heir.source_file,
        "duplicates": Jsonb([duplicate_to_json(one) for one in rest]),
    }
    if not connection.scalar(same_bytes, parameters):
        values |= {"file_sha256": heir.file_sha256, "bytes": heir.bytes}
    history.update(connection, [past.id], values)
