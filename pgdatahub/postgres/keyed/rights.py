"""Rights of the role on a user's table that a key or a snapshot needs."""

from __future__ import annotations

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.keyed.flag import add_flag
from pgdatahub.postgres.keyed.key_index import create_unique_index
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import catalog

_RIGHTS = """
    SELECT current_user AS role, pg_get_userbyid(c.relowner) AS owner, pg_has_role(c.relowner, 'USAGE') AS owned,
           array_remove(ARRAY[CASE WHEN NOT has_table_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
                              CASE WHEN NOT has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END], NULL) AS lacking
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s
"""


def is_owned(connection: Connection, table: TableName) -> bool:
    """Return whether the role is a member of the role that owns a table, so that it may make indexes."""
    row = connection.one(_RIGHTS, {"schema": table.schema, "name": table.name})
    return bool(row.owned)


def check_owner(connection: Connection, table: TableName, rule: KeyRule, *, own_index: str | None) -> None:
    """Check that the role may give an existing table a rule, and change its rows.

    Args:
        connection: A connection in any transaction.
        table: The table.
        rule: The rule.
        own_index: The user's own unique index on the key, if there is one.

    Raises:
        SchemaError: Another role has to do something first; the hint has the statements.
    """
    row = connection.one(_RIGHTS, {"schema": table.schema, "name": table.name})
    where = f"table {table}"
    if row.lacking:
        rights = " and ".join(row.lacking)
        raise SchemaError(
            f"the role {row.role} lacks {rights} on the table, whose rows newer ones replace",
            where=where,
            hint="grant that, or load as another role",
        )
    if row.owned:
        return
    current = catalog.reflect(connection, table)
    needed: list[sql.Composed] = []
    if rule.is_merge and own_index is None:
        needed.append(create_unique_index(table, rule.key))
    if rule.missing is not None and (current is None or rule.missing not in current.by_name):
        needed.append(add_flag(table, rule.missing))
    if needed:
        statements = "; ".join(one.as_string(None) for one in needed)
        raise SchemaError(
            f"the table belongs to the role {row.owner}, and only its members may change it as the key needs",
            where=where,
            hint=f"let {row.owner} run {statements}; or load as a member of {row.owner}",
        )
