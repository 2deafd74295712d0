"""Another rule with the same key and order in place, for a table whose index on the key is the user's own.

The rows stay where they are: the user's own index allows one row of a key only, so they cannot all come back into the table.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.postgres.keyed.flag import end_flag, ensure_flag, update_flag
from pgdatahub.postgres.keyed.fragments import BEATEN, TIMESTAMP, best_first, identifier, listed, same_key
from pgdatahub.postgres.keyed.rules import TableRule, record_xid, store_rule
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import locks

_RETURN = sql.SQL("""
    WITH best AS (
        DELETE FROM {companion} gone USING (
            SELECT DISTINCT ON ({key}) c.ctid AS place
              FROM {companion} c
         LEFT JOIN {imports} i ON i.table_schema = {schema} AND i.table_name = {name} AND i.imported_at = c.{timestamp}
             WHERE NOT c.{beaten} AND NOT EXISTS (SELECT FROM {table} m WHERE {same})
             ORDER BY {key}, {order}) chosen
         WHERE gone.ctid = chosen.place RETURNING gone.*)
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM best
""")


def keeps_order(old: TableRule, new: KeyRule) -> bool:
    """Return whether another rule leaves each row in its table, and the table's index on the key is the user's own."""
    rule = old.rule
    alike = rule.is_merge and new.is_merge and set(rule.key) == set(new.key) and rule.newest == new.newest
    return alike and not old.index_is_ours


def change_in_place(
    connection: Connection, imports: sql.Identifier, history_schema: str, old: TableRule, new: KeyRule
) -> TableRule:
    """Put another rule with the same key and order in force; return it.

    Rows of keys that have none in the table, such as those that a user deleted, come back from the companion.

    Args:
        connection: A connection in a transaction that has the table's lock.
        imports: The table ``etl_imports``.
        history_schema: The schema of the metadata tables.
        old: The rule in force.
        new: The new rule, see :func:`keeps_order`.

    Raises:
        SchemaError: The table cannot have the flag of the new rule.
    """
    locks.lock_table(connection, old.companion, exclusively=True)
    rule = replace(old, rule=new)
    if old.rule.missing != new.missing:
        end_flag(connection, old)
    query = _RETURN.format(
        companion=identifier(rule.companion),
        table=identifier(rule.table),
        imports=imports,
        schema=rule.table.schema,
        name=rule.table.name,
        key=listed(new.key, "c"),
        same=same_key(new.key, "m", "c"),
        timestamp=TIMESTAMP,
        beaten=sql.Identifier(BEATEN),
        order=best_first(new, "c", "i"),
        columns=listed(rule.row_columns),
    )
    connection.execute(query)
    store_rule(connection, history_schema, rule)
    ensure_flag(connection, rule)
    update_flag(connection, imports, rule.table, new)
    record_xid(connection, history_schema, rule.table)
    return rule
