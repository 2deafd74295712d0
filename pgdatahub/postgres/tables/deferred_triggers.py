"""Constraint triggers that the server runs at COMMIT, when the rows of a file are counted already."""

from __future__ import annotations

from psycopg import sql

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection

_DEFERRED = """
    SELECT DISTINCT k.nspname, t.tgname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_trigger t ON t.tgrelid = c.oid OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(c.oid))
      JOIN pg_constraint o ON o.oid = t.tgconstraint JOIN pg_namespace k ON k.oid = o.connamespace
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s
       AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tginitdeferred
  ORDER BY 1, 2
"""


def run_deferred_triggers(connection: Connection, table: TableName) -> None:
    """Run the deferred triggers of a table and its partitions now, for the rows so far.

    Raises:
        psycopg.Error: A trigger raised an error.
    """
    found = connection.execute(_DEFERRED, {"schema": table.schema, "name": table.name}).fetchall()
    if not found:
        return
    names = sql.SQL(", ").join(sql.Identifier(*trigger) for trigger in found)
    driver = driver_connection(connection)
    driver.execute(sql.SQL("SET CONSTRAINTS {} IMMEDIATE").format(names))
    driver.execute(sql.SQL("SET CONSTRAINTS {} DEFERRED").format(names))
