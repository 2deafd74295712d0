"""Whole rows between a table and its companion: with the columns of the user's own, which go where a row goes.

The rows of a snapshot move whole, and so do those that ``rekey`` moves. (In a merge, the user's own columns stay with the key.)
"""

from __future__ import annotations

from psycopg import sql

from pgdatahub.postgres.keyed.fragments import identifier, listed
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.server.connection import Connection

_OWN = """
    SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, b.attname IS NOT NULL AS beside
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      JOIN pg_class d ON d.relnamespace = n.oid AND d.relname = %(companion)s
 LEFT JOIN pg_attribute b ON b.attrelid = d.oid AND b.attname = a.attname AND NOT b.attisdropped
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname <> ALL (%(others)s)
  ORDER BY a.attnum
"""


def own_columns(connection: Connection, rule: TableRule, *, complete: bool = False) -> tuple[str, ...]:
    """Return the columns of the user's own that both tables of a rule have, without those that the server computes.

    Args:
        connection: A connection in a transaction.
        rule: The rule.
        complete: First give the companion the columns that a user added to the table.
    """
    others = [*rule.row_columns, *([rule.rule.missing] if rule.rule.missing else [])]
    values = {
        "schema": rule.table.schema,
        "name": rule.table.name,
        "companion": rule.companion.name,
        "others": others,
    }
    found = connection.execute(_OWN, values).fetchall()
    missing = [row for row in found if not row.beside]
    if complete and missing:
        clauses = (sql.SQL("ADD COLUMN {} {}").format(sql.Identifier(row.name), sql.SQL(row.type)) for row in missing)
        connection.execute(sql.SQL("ALTER TABLE {} {}").format(identifier(rule.companion), sql.SQL(", ").join(clauses)))
    return tuple(row.name for row in found if complete or row.beside)


def move_out(connection: Connection, rule: TableRule, condition: sql.Composable) -> sql.Composed:
    """Return the statement that moves the rows of a table that meet a condition to the companion."""
    names = listed((*rule.row_columns, *own_columns(connection, rule, complete=True)))
    return sql.SQL("""
        WITH gone AS (DELETE FROM {table} WHERE {condition} RETURNING {columns})
        INSERT INTO {companion} ({columns}) SELECT {columns} FROM gone
    """).format(table=identifier(rule.table), condition=condition, columns=names, companion=identifier(rule.companion))


def move_back(connection: Connection, rule: TableRule, condition: sql.Composable) -> list[sql.Composed]:
    """Return the statements that move the rows of the companion that meet a condition into the table.

    A row that came from a file into the companion gets the defaults of the user's own columns; a row that was in the table
    brings its own values.
    """
    own = own_columns(connection, rule)
    query = sql.SQL("""
        WITH gone AS (DELETE FROM {companion} WHERE ({condition}) AND {part} RETURNING {columns})
        INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM gone
    """)
    without = sql.SQL(" AND ").join(sql.SQL("{} IS NULL").format(sql.Identifier(name)) for name in own)
    parts: list[tuple[sql.Composable, tuple[str, ...]]] = [(sql.SQL("true"), ())]
    if own:
        parts = [(sql.SQL("({})").format(without), ()), (sql.SQL("NOT ({})").format(without), own)]
    return [
        query.format(
            companion=identifier(rule.companion),
            condition=condition,
            part=part,
            columns=listed((*rule.row_columns, *names)),
            table=identifier(rule.table),
        )
        for part, names in parts
    ]
