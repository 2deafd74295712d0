"""Tables as the catalog describes them to any role: columns, comments, and the role's right to read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column: its name, its type as ``format_type`` prints it, and its comment."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One table.

    Attributes:
        columns: Its columns, in the table's order.
        comment: Its comment.
        readable: The role may read all columns.
        hides_rows: Row-level security hides rows from the role.
    """

    columns: tuple[ColumnFacts, ...]
    comment: str | None
    readable: bool
    hides_rows: bool


_QUERY = """
    SELECT n.nspname::text AS schema, c.relname::text AS name, obj_description(c.oid, 'pg_class') AS comment,
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
           row_security_active(c.oid) AS hides_rows,
           a.attname::text AS column, format_type(a.atttypid, a.atttypmod) AS type,
           col_description(c.oid, a.attnum) AS column_comment
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p')
       AND (n.nspname, c.relname) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
  ORDER BY c.oid, a.attnum
"""


def table_facts(connection: Connection, tables: Collection[TableName]) -> Mapping[TableName, TableFacts]:
    """Return the facts about those of ``tables`` that exist."""
    ordered = sorted(tables)
    values = {"schemas": [table.schema for table in ordered], "names": [table.name for table in ordered]}
    columns: dict[TableName, list[ColumnFacts]] = {}
    heads = {}
    for row in connection.execute(_QUERY, values):
        table = TableName(schema=row.schema, name=row.name)
        heads[table] = row
        found = columns.setdefault(table, [])
        if row.column is not None:
            found.append(ColumnFacts(name=row.column, type=row.type, comment=row.column_comment))
    return {
        table: TableFacts(
            columns=tuple(columns[table]), comment=row.comment, readable=row.readable, hides_rows=row.hides_rows
        )
        for table, row in heads.items()
    }
