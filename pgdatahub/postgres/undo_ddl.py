"""Schema steps of an undo as DDL: one statement for a table, never ``CASCADE``."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from pgdatahub.model.schema import DropColumn, DropTable, SchemaStep, TableName
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.narrowing import narrowed
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection


def render_undo(table: TableName, steps: Sequence[SchemaStep]) -> list[sql.Composed]:
    """Return the statements that carry out the steps of an undo."""
    name = sql.Identifier(table.schema, table.name)
    if any(isinstance(step, DropTable) for step in steps):
        return [sql.SQL("DROP TABLE {}").format(name)]
    clauses: list[sql.Composable] = []
    for step in steps:
        if isinstance(step, DropTable):
            continue
        column = sql.Identifier(step.name)
        if isinstance(step, DropColumn):
            clauses.append(sql.SQL("DROP COLUMN {}").format(column))
        else:
            clauses.append(
                sql.SQL("ALTER COLUMN {} TYPE {} USING {}").format(
                    column, sql.SQL(step.new.sql), narrowed(column, step.old, step.new)
                )
            )
    return [sql.SQL("ALTER TABLE {} {}").format(name, sql.SQL(", ").join(clauses))] if clauses else []


def carry_out(
    connection: Connection, table: TableName, steps: Sequence[SchemaStep], *, rule: TableRule | None = None
) -> None:
    """Execute the steps of an undo; the caller has locked the table.

    Args:
        connection: A connection in a transaction.
        table: The table.
        steps: The steps.
        rule: The rule of a table with a companion, which gets the same steps.
    """
    for one in (table, *([rule.companion] if rule is not None else ())):
        for statement in render_undo(one, steps):
            driver_connection(connection).execute(statement)
