"""Triggers and rules of a table that keep its rows from being deleted or overwritten.

A BEFORE trigger that returns NULL and a rule with INSTEAD make the server leave rows as they are, without an error. A
replaced import would stay beside its new rows, so these functions count the rows again and raise an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.values.counting import count

_GUARDS = """
    WITH RECURSIVE part(oid) AS (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
         UNION
        SELECT i.inhrelid FROM pg_inherits i JOIN part ON i.inhparent = part.oid
    )
    SELECT DISTINCT 'trigger ' || t.tgname FROM pg_trigger t JOIN part ON part.oid = t.tgrelid
     WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 3 = 3  -- FOR EACH ROW, BEFORE
     UNION
    SELECT DISTINCT 'rule ' || r.rulename FROM pg_rewrite r JOIN part ON part.oid = r.ev_class
     WHERE r.ev_enabled <> 'D' AND r.is_instead
  ORDER BY 1
"""


def row_guards(connection: Connection, table: TableName) -> tuple[str, ...]:
    """Return the triggers and rules of a table and its partitions that can keep rows from a change."""
    found = connection.execute(_GUARDS, {"schema": table.schema, "name": table.name})
    return tuple(row[0] for row in found)


def check_gone(
    connection: Connection, table: TableName, condition: sql.Composable, values: Mapping[str, Any] | None = None
) -> None:
    """Check that no row of a table (alias ``m``) meets a condition any more, if triggers or rules could keep rows.

    Raises:
        SchemaError: Rows are left; the message names the triggers and rules.
    """
    guards = row_guards(connection, table)
    if not guards:
        return
    query = sql.SQL("SELECT count(*) FROM {} m WHERE {}").format(sql.Identifier(table.schema, table.name), condition)
    left = int(connection.scalar(query, values))
    if left:
        raise kept(table, guards, left)


def kept(table: TableName, guards: Sequence[str], rows: int) -> SchemaError:
    """Return the error for rows that the server left as they were."""
    return SchemaError(
        f"the table did not let {count(rows, 'row')} be deleted or replaced ({', '.join(guards)})",
        where=f"table {table}",
        hint="drop the trigger or rule, or disable it meanwhile: ALTER TABLE … DISABLE TRIGGER",
    )
