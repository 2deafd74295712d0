"""The columns of tables by the imports in the history: headers, numbers of values, and counts of what was left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from psycopg import sql

from pgdatahub.model.imports import KEY_COUNTS, Status
from pgdatahub.model.schema import ColumnSchema, TableName
from pgdatahub.postgres.history.damaged_rows import json_number, json_object
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.values.evidence import HIDDEN


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedColumn:
    """A column of the loaded imports of a table.

    Attributes:
        header: Its header in the newest import that has one.
        values: The number of its cells with a value.
        hidden: An import keeps values of it out of the history.
    """

    header: str | None
    values: int
    hidden: bool


_COLUMNS = sql.SQL("""
    SELECT i.table_schema AS schema, i.table_name AS name, c.key AS column,
           (array_agg(c.value ->> 'header' ORDER BY i.id DESC) FILTER (WHERE c.value ->> 'header' IS NOT NULL))[1] AS header,
           sum(e.values)::bigint AS values, coalesce(bool_or(e.hidden), false) AS hidden
      FROM {imports} i CROSS JOIN LATERAL jsonb_each({observed}) c
      CROSS JOIN LATERAL (
           SELECT coalesce(sum({count}), 0) AS values, bool_or(kind.value ->> 'sample' = {hidden})
                  AS hidden FROM jsonb_each({evidence}) kind) e
     WHERE i.status = {loaded}
       AND (i.table_schema, i.table_name) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
  GROUP BY 1, 2, 3
""")


def imported_columns(
    connection: Connection, history: History, tables: Collection[TableName]
) -> Mapping[TableName, Mapping[str, ImportedColumn]]:
    """Return table → column → the facts of its loaded imports."""
    found: dict[TableName, dict[str, ImportedColumn]] = {}
    query = _COLUMNS.format(
        imports=history.imports,
        observed=json_object("i.observed"),
        evidence=json_object("(c.value -> 'evidence')"),
        count=json_number("(kind.value -> 'count')"),
        hidden=HIDDEN,
        loaded=Status.LOADED.value,
    )
    values = {"schemas": [table.schema for table in tables], "names": [table.name for table in tables]}
    for row in connection.execute(query, values):
        columns = found.setdefault(TableName(schema=row.schema, name=row.name), {})
        columns[row.column] = ImportedColumn(header=row.header, values=row.values, hidden=row.hidden)
    return found


_HEADER = sql.SQL("""
    SELECT EXISTS (SELECT FROM {imports} WHERE table_schema = %(schema)s AND table_name = %(table)s
                      AND observed -> %(column)s ->> 'header' = %(header)s)
""")


def header_was(connection: Connection, history: History, table: TableName, column: ColumnSchema) -> bool:
    """Return whether an import had the header of a current column, so that pgdatahub wrote the column's comment."""
    values = {"schema": table.schema, "table": table.name, "column": column.name, "header": column.header}
    return bool(connection.scalar(_HEADER.format(imports=history.imports), values))


_COUNTS = sql.SQL("""
    SELECT i.id, c.key, (c.value #>> '{{}}')::numeric::bigint AS count
      FROM {imports} i CROSS JOIN LATERAL jsonb_each({counts}) c
     WHERE jsonb_typeof(c.value) = 'number' AND c.value <> '0'::jsonb AND c.key <> ALL (%s)
""")


def import_counts(connection: Connection, history: History) -> Mapping[int, Mapping[str, int]]:
    """Return import → what was left out or emptied → its number, without the counts of keys."""
    found: dict[int, dict[str, int]] = {}
    for row in connection.execute(
        _COUNTS.format(imports=history.imports, counts=json_object("i.counts")), (list(KEY_COUNTS.values()),)
    ):
        found.setdefault(row.id, {})[row.key] = row.count
    return found
