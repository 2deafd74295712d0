"""Columns of a table's latest imports, for the question whether a file without a column is unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from pgdatahub.model.imports import Status
from pgdatahub.postgres.history.damaged_rows import json_object

if TYPE_CHECKING:
    from pgdatahub.model.schema import TableName
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection

_IMPORTS: Final = 20


def recent_columns(connection: Connection, table: TableName, history: History) -> list[frozenset[str]]:
    """Return the names of the columns in each of the latest loaded imports of a table, the latest first."""
    query = sql.SQL("""
        SELECT ARRAY (SELECT jsonb_object_keys({})) AS names FROM {}
         WHERE table_schema = %(schema)s AND table_name = %(name)s AND status = %(loaded)s AND observed <> '{{}}'
         ORDER BY id DESC LIMIT %(most)s
    """).format(json_object("observed"), history.imports)
    values = {"schema": table.schema, "name": table.name, "loaded": Status.LOADED.value, "most": _IMPORTS}
    return [frozenset(row.names) for row in connection.execute(query, values)]
