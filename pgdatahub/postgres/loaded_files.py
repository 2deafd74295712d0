"""The files of the loaded imports: few columns, since a history may have a hundred thousand imports."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from pgdatahub.model.imports import Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """The file of a loaded import: its path below the data root, and its absolute path or URL when it was loaded."""

    import_id: int
    table: TableName
    identity: str
    source_file: str


_LOADED = sql.SQL("SELECT id, table_schema, table_name, identity, source_file FROM {} WHERE status = {} ORDER BY id")


def loaded_files(connection: Connection, history: History) -> list[LoadedFile]:
    """Return the files of the loaded imports, oldest first."""
    rows = connection.driver.execute(_LOADED.format(history.imports, Status.LOADED.value))
    return [
        LoadedFile(import_id=row[0], table=TableName(schema=row[1], name=row[2]), identity=row[3], source_file=row[4])
        for row in rows
    ]
