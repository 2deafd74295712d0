"""Rights that a run will need, for plans; a run itself gets the server's errors."""

from __future__ import annotations

from collections.abc import Iterator

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import IMPORTS, TableName
from pgdatahub.postgres.server.connection import Connection

_TABLE = """
    SELECT current_user AS role,
           array_remove(ARRAY[
               CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'USAGE on the schema' END,
               CASE WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
               CASE WHEN NOT has_table_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
               -- To lock it, one of these is needed.
               CASE WHEN %(locked)s AND NOT has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') THEN 'DELETE' END
           ], NULL) AS lacking
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p')
"""
_SCHEMA = """
    SELECT current_user AS role, current_database() AS database, n.oid IS NOT NULL AS exists,
           CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                ELSE has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') END AS may
      FROM (SELECT %(schema)s::name AS name) wanted LEFT JOIN pg_namespace n ON n.nspname = wanted.name
"""


def check_rights(connection: Connection, table: TableName) -> None:
    """Check that the role may load into a table, or create it.

    Raises:
        SchemaError: The role lacks a right.
    """
    lacking = _lacking(connection, table, locked=True)
    if lacking is not None:
        message, hint = lacking
        raise SchemaError(message, where=f"table {table}", hint=hint)


def describe_refusals(connection: Connection, schema: str) -> Iterator[str]:
    """Yield the reasons why no run can load into the database now.

    Args:
        connection: A connection in any transaction.
        schema: The schema of the metadata tables.
    """
    if connection.scalar("SELECT pg_is_in_recovery()"):
        yield "a run cannot load into this server: it is a standby, which takes no changes"
    elif connection.scalar("SELECT current_setting('default_transaction_read_only')") == "on":
        yield "a run cannot load here: default_transaction_read_only is on for the role, the database or the server"
    lacking = _lacking(connection, TableName(schema=schema, name=IMPORTS), locked=False)
    if lacking is not None:
        yield f"a run cannot record its imports in the schema {schema}: {lacking[0]} ({lacking[1]})"


def _lacking(connection: Connection, table: TableName, *, locked: bool) -> tuple[str, str] | None:
    """Return the rights that the role lacks, and the fix; None if it lacks none."""
    values = {"schema": table.schema, "name": table.name, "locked": locked}
    row = connection.execute(_TABLE, values).fetchone()
    if row is not None:
        rights = ", ".join(row.lacking)
        fix = "grant them, or load as another role"
        return (f"the role {row.role} lacks {rights} on the table", fix) if rights else None
    row = connection.one(_SCHEMA, values)
    if row.may:
        return None
    if row.exists:
        message = f"the role {row.role} may not create tables in the schema {table.schema}"
        return message, f"GRANT USAGE, CREATE ON SCHEMA {table.schema} TO {row.role}, or load as another role"
    message = f"there is no schema {table.schema}, and the role {row.role} may not create it"
    return message, f"GRANT CREATE ON DATABASE {row.database} TO {row.role}, or create the schema for the role"
