"""Queries about the imports that may have the bytes of a run's files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from psycopg import sql

from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import COUNTED, ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.damaged_rows import json_list
from pgdatahub.postgres.history.import_columns import selected_columns
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection

_OF_SIZES = sql.SQL(
    "SELECT {past} FROM {imports} i JOIN unnest(%(sizes)s::bigint[]) size ON i.bytes = size WHERE i.status = {status}"
)
_WITH_DUPLICATES = sql.SQL("SELECT {past} FROM {imports} i WHERE i.status = {status} AND i.duplicates <> '[]'::jsonb")
_FILES = sql.SQL("SELECT table_schema, table_name, identity, id FROM {imports} WHERE status = {status}{of_tables}")
_DUPLICATES = sql.SQL("""
    SELECT table_schema, table_name, entry ->> 'identity', id FROM {imports}, jsonb_array_elements({list}) entry
     WHERE status = {status} AND duplicates <> '[]'::jsonb{of_tables}
""")
_CHANGED_FILES = sql.SQL("""
    SELECT table_schema, table_name, identity FROM ({files}) files GROUP BY 1, 2, 3 HAVING count(DISTINCT id) > 1
""")
_OF_TABLES = sql.SQL(
    " AND (table_schema, table_name) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))"
)


def imports_of_sizes(connection: Connection, history: History, files: Sequence[SourceFile]) -> list[ImportRow]:
    """Return the imports whose bytes files may have, as far as their sizes tell, oldest first."""
    queries = (_OF_SIZES,) if "duplicates" in history.missing else (_OF_SIZES, _WITH_DUPLICATES)
    query = _by_status(queries, imports=history.imports, past=selected_columns(history.missing))
    rows = connection.execute(query, {"sizes": list({source.size for source in files})})
    # One that has duplicates may be found by its size too. The load of a file that a damaged row concerns finds that row
    # too, and fails alone.
    found = {past.id: past for past in history.read_rows(connection, rows, leave_out_damaged=True)}
    return [found[number] for number in sorted(found)]


def changed_files(
    connection: Connection, history: History, tables: Collection[TableName] | None
) -> set[tuple[TableName, str]]:
    """Return the table and identity of each file with several contents in its table.

    A folder has such files if it adds a changed file to its older rows; a folder that replaces has none.
    """
    if (tables is not None and not tables) or "duplicates" in history.missing:
        return set()
    of_tables = sql.SQL("") if tables is None else _OF_TABLES
    files = _by_status(
        (_FILES, _DUPLICATES), imports=history.imports, list=json_list("duplicates"), of_tables=of_tables
    )
    values = {"schemas": [one.schema for one in tables or ()], "names": [one.name for one in tables or ()]}
    rows = connection.driver.execute(_CHANGED_FILES.format(files=files), values)
    return {(TableName(schema=row[0], name=row[1]), str(row[2])) for row in rows}


def _by_status(queries: Iterable[sql.SQL], **parts: sql.Composable) -> sql.Composed:
    """Return the union of queries for each status: most imports may be superseded, and each status has an index of its own."""
    return sql.SQL(" UNION ALL ").join(
        query.format(status=status.value, **parts) for query in queries for status in COUNTED
    )
