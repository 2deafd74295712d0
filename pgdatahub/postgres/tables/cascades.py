"""Foreign keys of other tables that change their rows when rows of a table are deleted."""

from __future__ import annotations

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection

_CASCADES = """
    SELECT k.conrelid::regclass::text AS name, k.conname AS key,
           CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END AS action
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND n.nspname = %(schema)s AND c.relname = %(name)s
       AND k.confdeltype IN ('c', 'n', 'd') AND k.conrelid <> k.confrelid AND k.conparentid = 0
  ORDER BY 1, 2
"""


def describe_cascades(connection: Connection, table: TableName, *, going: str = "replaced") -> tuple[str, ...]:
    """Return a notice if a delete of rows changes rows of other tables.

    Args:
        connection: In a transaction, which may be read-only.
        table: The table.
        going: Word for the rows that are deleted.
    """
    found = connection.execute(_CASCADES, {"schema": table.schema, "name": table.name}).fetchall()
    if not found:
        return ()
    keys = ", ".join(f"{row.name} ({row.key}: ON DELETE {row.action})" for row in found)
    return (f"rows that refer to the {going} rows change with them, in {keys}",)
