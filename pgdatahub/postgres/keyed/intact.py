"""Checks that a keyed table or a snapshot and its companion are as pgdatahub left them, before it changes rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgdatahub.errors import SchemaError
from pgdatahub.postgres.keyed.key_index import check_alone, check_table, usable_index
from pgdatahub.postgres.keyed.setup import check_no_references

if TYPE_CHECKING:
    from pgdatahub.postgres.keyed.rules import TableRule
    from pgdatahub.postgres.server.connection import Connection

_COLUMNS = """
    SELECT c.relname AS name, array_remove(array_agg(a.attname::text), NULL) AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s) AND c.relkind IN ('r', 'p')
  GROUP BY 1
"""


def check_both(connection: Connection, rule: TableRule, *, adding: bool = False) -> TableRule:
    """Check both tables of a rule; return the rule without columns that a user dropped from both.

    Args:
        connection: A connection in any transaction.
        rule: The rule in force.
        adding: The caller adds columns that the companion lacks.

    Raises:
        SchemaError: One of the tables is gone, another table inherits from it, or a column of imports is in one of them
            only.
    """
    values = {"schema": rule.table.schema, "names": [rule.table.name, rule.companion.name]}
    columns = {row.name: set(row.columns) for row in connection.execute(_COLUMNS, values)}
    if rule.table.name not in columns:
        raise SchemaError(
            f"the table was dropped or renamed, and its companion {rule.companion} has rows of the same imports",
            where=f"table {rule.table}",
            hint=f"restore it; or drop {rule.companion} too and load the files again with run --reload",
        )
    if rule.companion.name not in columns:
        raise SchemaError(
            f"the companion {rule.companion} was dropped or renamed, and the rows that others replace with it",
            where=f"table {rule.table}",
            hint=f"restore it; or pgdatahub rekey {rule.table.name} makes it again, without those rows",
        )
    check_alone(connection, rule.table)
    table, companion = columns[rule.table.name], columns[rule.companion.name]
    for name in rule.columns:
        if (name in companion and name not in table) or (name in table and name not in companion and not adding):
            has, lacks = (rule.companion, rule.table) if name in companion else (rule.table, rule.companion)
            raise SchemaError(
                f"the column {name} is in {has} and not in {lacks}: it was dropped or renamed by hand",
                where=f"table {rule.table}",
                hint="give it its name back or add it again; or drop it in both tables",
            )
    return replace(rule, columns=tuple(name for name in rule.columns if name in table))


def check_takes_rows(connection: Connection, rule: TableRule) -> None:
    """Check that a keyed table still has a usable index on its key, and no rules; a snapshot, no foreign keys to it.

    Raises:
        SchemaError: It has not.
    """
    if not rule.rule.is_merge:
        check_no_references(connection, rule.table)
        return
    check_table(connection, rule.table, rule.rule.key)
    if usable_index(connection, rule.table, rule.rule.key) is None:
        raise SchemaError(
            f"the table has no unique index on its key ({', '.join(rule.rule.key)}) any more",
            where=f"table {rule.table}",
            hint=f"run pgdatahub rekey {rule.table.name}, which makes one",
        )
