"""The latest imports of the history: few rows of a table that may have ten million."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.damaged_rows import MOMENTS, readable_rows
from pgdatahub.postgres.history.import_columns import import_row, selected_columns
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection

if TYPE_CHECKING:
    from typing_extensions import LiteralString

_SELECT = sql.SQL("SELECT {} FROM {} i WHERE {} ORDER BY i.imported_at DESC, i.id DESC LIMIT {}")
_COUNT = sql.SQL("SELECT count(*) FROM {} i WHERE {}")
_TABLES = sql.SQL("""
    WITH RECURSIVE known AS (
        (SELECT table_schema, table_name FROM {imports} ORDER BY 1, 2 LIMIT 1)
        UNION ALL
        SELECT next.* FROM known k CROSS JOIN LATERAL (
            SELECT table_schema, table_name FROM {imports}
             WHERE (table_schema, table_name) > (k.table_schema, k.table_name) ORDER BY 1, 2 LIMIT 1) next
    ) SELECT table_schema, table_name FROM known
""")
"""One look into the index for each table; SELECT DISTINCT reads all imports, which takes seconds for ten million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestImports:
    """Imports of a part of the history, oldest first, and the number of earlier ones that a limit left out."""

    imports: Sequence[ImportRow]
    left_out: int


def latest_imports(
    connection: Connection,
    history: History,
    *,
    tables: Collection[TableName] | None = None,
    ids: Collection[int] | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> LatestImports:
    """Return imports by time; each given condition narrows them.

    Args:
        connection: A connection in any transaction.
        history: The history.
        tables: Into one of these tables.
        ids: With one of these ids.
        since: Imported at this time or later, UTC.
        limit: Only this number of imports, the latest ones.
    """
    one = next(iter(tables)) if tables is not None and len(tables) == 1 else None
    conditions: dict[LiteralString, bool] = {
        # By the index, which has the time behind the table.
        "i.table_schema = %(schema)s AND i.table_name = %(name)s": one is not None,
        "(i.table_schema, i.table_name) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))": (
            tables is not None and one is None
        ),
        "i.id = ANY (%(ids)s)": ids is not None,
        "i.imported_at >= %(since)s": since is not None,
    }
    listed = sorted(tables or ())
    values = {
        "schema": one.schema if one else None,
        "name": one.name if one else None,
        "schemas": [table.schema for table in listed],
        "names": [table.name for table in listed],
        "ids": list(ids or ()),
        "since": since,
    }
    given: list[sql.Composable] = [sql.SQL(condition) for condition, applies in conditions.items() if applies]
    where = sql.SQL(" AND ").join(given) if given else sql.SQL("true")
    query = _SELECT.format(
        selected_columns(history.missing),
        history.imports,
        where,
        sql.SQL("ALL") if limit is None else sql.Literal(limit),
    )
    rows = readable_rows(connection, connection.execute(query, values), history.name, MOMENTS)
    found = [import_row(row._asdict()) for row in rows][::-1]
    left_out = 0
    if limit is not None and len(found) == limit:
        left_out = int(connection.scalar(_COUNT.format(history.imports, where), values)) - limit
    return LatestImports(imports=found, left_out=left_out)


def tables_of_imports(connection: Connection, history: History) -> frozenset[TableName]:
    """Return the tables that the history has imports of, in any status."""
    rows = connection.execute(_TABLES.format(imports=history.imports))
    return frozenset(TableName(schema=row[0], name=row[1]) for row in rows)
