"""Queries about the imports that may have the bytes of a run's files."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import COUNTED, ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection

_CHANGED_FILES = sql.SQL("""
    SELECT table_schema, table_name, identity
      FROM (SELECT table_schema, table_name, identity, id FROM {imports} WHERE status = ANY ({counted})
             UNION ALL
            SELECT table_schema, table_name, entry ->> 'identity', id
              FROM {imports}, jsonb_array_elements(duplicates) entry
             WHERE status = ANY ({counted}) AND duplicates <> '[]'::jsonb) files
  GROUP BY 1, 2, 3 HAVING count(DISTINCT id) > 1
""")


def imports_of_sizes(connection: Connection, history: History, files: Sequence[SourceFile]) -> list[ImportRow]:
    """Return the imports whose bytes files may have, as far as their sizes tell, oldest first."""
    values = {
        "sizes": list({source.size for source in files}),
        "counted": [status.value for status in COUNTED],
    }
    duplicated = "" if "duplicates" in history.missing else " OR i.duplicates <> '[]'::jsonb"
    return history.select_where(
        connection, f"i.status = ANY (%(counted)s) AND (i.bytes = ANY (%(sizes)s){duplicated})", values
    )


def changed_files(
    connection: Connection, history: History, tables: Collection[TableName] | None
) -> set[tuple[TableName, str]]:
    """Return the table and identity of each file with several contents in its table.

    A folder has such files if it adds a changed file to its older rows; a folder that replaces has none.
    """
    if (tables is not None and not tables) or "duplicates" in history.missing:
        return set()
    query = _CHANGED_FILES.format(imports=history.imports, counted=[status.value for status in COUNTED])
    found = {(TableName(schema=row[0], name=row[1]), str(row[2])) for row in connection.driver.execute(query)}
    return {(table, identity) for table, identity in found if tables is None or table in tables}
