"""The files of the loaded imports: few columns, page by page, since a history may have ten million imports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from pgdatahub.model.imports import Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """The file of a loaded import: its path below the data root, and its absolute path or URL when it was loaded.

    ``rows`` is the number of rows that were loaded.
    """

    import_id: int
    table: TableName
    identity: str
    source_file: str
    rows: int = 0


_LOADED = sql.SQL("""
    SELECT id, table_schema, table_name, identity, source_file, row_count FROM {} WHERE status = {} AND id > {}
  ORDER BY id LIMIT {}
""")
_PAGE = 20_000
"""Imports of one query: a history may have ten million, which take gigabytes in the client."""


def loaded_files(connection: Connection, history: History) -> Iterator[LoadedFile]:
    """Yield the files of the loaded imports, oldest first; the connection is free while the caller has one."""
    last = 0
    while True:
        query = _LOADED.format(history.imports, Status.LOADED.value, last, _PAGE)
        rows = connection.driver.execute(query).fetchall()
        for row in rows:
            table = TableName(schema=row[1], name=row[2])
            yield LoadedFile(import_id=row[0], table=table, identity=row[3], source_file=row[4], rows=row[5])
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]
