"""The column that flags keys which the newest file lacks."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import ColumnSchema, TableName, TableSchema
from pgdatahub.postgres.keyed.fragments import TIMESTAMP, identifier, newest_import
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.dependents import dependents
from pgdatahub.values.sql_types import SqlType

_COMMENT: Final = "true for keys that the newest file lacks; set by pgdatahub"
_FLAG = sql.SQL("""
    WITH newest AS (SELECT {newest} AS moment)
    UPDATE {table} SET {flag} = {missing} FROM newest WHERE {flag} IS DISTINCT FROM {missing}
""")


def ensure_flag(connection: Connection, rule: TableRule) -> None:
    """Add the column if the table lacks it.

    Raises:
        SchemaError: The table has a column of that name and of another type, or files have it.
    """
    name = rule.rule.missing
    if name is None:
        return
    where = f"table {rule.table}"
    if name in rule.columns:
        raise SchemaError(
            f"files have the column {name}, which missing_keys: flag {name} sets",
            where=where,
            hint="flag another column",
        )
    current = catalog.reflect(connection, rule.table)
    known = None if current is None else current.by_name.get(name)
    if known is None:
        connection.execute(add_flag(rule.table, name))
        comment = sql.SQL("COMMENT ON COLUMN {} IS {}")
        connection.execute(comment.format(sql.Identifier(rule.table.schema, rule.table.name, name), _COMMENT))
    elif known.type is not SqlType.BOOLEAN:
        raise flag_type_error(rule.table, known)


def flag_type_error(table: TableName, column: ColumnSchema) -> SchemaError:
    """Return the error of a table whose column cannot be the flag, since its type is not BOOLEAN."""
    return SchemaError(
        f"the column {column.name} is {column.type.label}, and missing_keys: flag {column.name} needs a BOOLEAN",
        where=f"table {table}",
        hint="flag another column",
    )


def add_flag(table: TableName, name: str) -> sql.Composed:
    """Return the statement that adds a flag to a table."""
    query = sql.SQL("ALTER TABLE {} ADD COLUMN {} boolean NOT NULL DEFAULT false")
    return query.format(identifier(table), sql.Identifier(name))


def end_flag(connection: Connection, rule: TableRule) -> None:
    """Drop the column if pgdatahub made it; set a column of the user's own to false.

    Raises:
        SchemaError: A view, or another object, depends on the column.
    """
    name = rule.rule.missing
    current = catalog.reflect(connection, rule.table)
    if current is None or name is None or name not in current.by_name:
        return
    if made_flag(current, rule) is None:
        reset = sql.SQL("UPDATE {0} SET {1} = false WHERE {1}")
        connection.execute(reset.format(identifier(rule.table), sql.Identifier(name)))
        return
    found = sorted({one.description for one in dependents(connection, rule.table) if one.column == name})
    if found:
        raise SchemaError(
            f"{found[0]} depends on the column {name}, which pgdatahub made as the flag and drops",
            where=f"table {rule.table}",
            hint="drop that first",
        )
    drop = sql.SQL("ALTER TABLE {} DROP COLUMN {}")
    connection.execute(drop.format(identifier(rule.table), sql.Identifier(name)))


def made_flag(current: TableSchema, rule: TableRule) -> str | None:
    """Return the name of the flag of a table if pgdatahub made it, else None."""
    known = current.by_name.get(rule.rule.missing or "")
    return known.name if known is not None and is_made_flag(known) else None


def is_made_flag(column: ColumnSchema) -> bool:
    """Return whether a column is a flag that pgdatahub made."""
    return column.header == _COMMENT


def update_flag(connection: Connection, imports: sql.Identifier, table: TableName, rule: KeyRule) -> None:
    """Set the flag of all keys: true if the key's row is not of the greatest import; false while no import is loaded."""
    if rule.missing is None:
        return
    query = _FLAG.format(
        newest=newest_import(imports, rule, table),
        table=identifier(table),
        flag=sql.Identifier(rule.missing),
        missing=sql.SQL("(newest.moment IS NOT NULL AND {} IS DISTINCT FROM newest.moment)").format(TIMESTAMP),
    )
    connection.execute(query)
