"""Schema changes as DDL: one statement for a table and file, for all changes together.

Types are altered in one step, directly to the join. The ``USING`` clause gives the same text that the encoder gives a
new row (see :mod:`pgdatahub.values.numbers` for numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.column_comments import comment_of
from pgdatahub.model.schema import (
    LOAD_TIMESTAMP,
    AddColumn,
    AlterType,
    ColumnSchema,
    CreateTable,
    SchemaPlan,
    TableName,
)
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.server.server_encoding import fitted
from pgdatahub.system import failpoints
from pgdatahub.values.identifiers import cut
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

Statement = sql.Composed


def render(plan: SchemaPlan, *, indexes: bool = True) -> list[Statement]:
    """Return the statements that carry out a plan, in their order; none if nothing changes.

    Args:
        plan: The plan.
        indexes: With the index of a new table; a table with a key has others.
    """
    return [*_changes(plan), *_comments(plan), *(_indexes(plan) if indexes else ())]


def carry_out(connection: Connection, plan: SchemaPlan) -> None:
    """Carry out a plan, except for the indexes of a new table; see :func:`create_indexes`.

    Raises:
        SchemaError: The server refused a statement for a reason that no earlier check could find.
    """
    comments = _comments(plan, lambda comment: str(fitted(connection, comment)))
    # One message for all comments: a table of 200 columns would make 200 round trips.
    _execute(connection, plan, [*_changes(plan), *([sql.SQL("; ").join(comments)] if comments else [])])


def set_comments(connection: Connection, table: TableName, comments: Mapping[str, str | None]) -> None:
    """Set the comments of columns; None removes one."""
    statements = [
        _comment(table, column, None if text is None else str(fitted(connection, text)))
        for column, text in comments.items()
    ]
    driver_connection(connection).execute(sql.SQL("; ").join(statements))


def create_indexes(connection: Connection, plan: SchemaPlan) -> None:
    """Create the indexes of a new table after its first rows: one pass instead of a call for each row.

    Raises:
        SchemaError: The server refused a statement.
    """
    _execute(connection, plan, _indexes(plan))


def _execute(connection: Connection, plan: SchemaPlan, statements: Sequence[Statement]) -> None:
    for statement in statements:
        failpoints.reach("before-ddl")
        try:
            driver_connection(connection).execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            raise
        except (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError) as error:
            raise SchemaError(
                f"the table cannot change as the file needs it: {error.diag.message_primary}",
                where=f"table {plan.table}",
                hint=error.diag.message_hint or readable(statement),
            ) from error
        failpoints.reach("after-ddl")


def readable(statement: Statement) -> str:
    """Return a statement as text for a plan; this text is never executed."""
    return statement.as_string(None)


def quoted_name(name: str) -> str:
    """Return a name as SQL text, for programs that take SQL."""
    return sql.Identifier(name).as_string(None)


def import_index(table: TableName) -> str:
    """Return the name of the index that finds the rows of one import; the index is in the table's schema."""
    return cut(f"{table.name}_{LOAD_TIMESTAMP}_brin")


def _changes(plan: SchemaPlan) -> list[Statement]:
    statements: list[Statement] = []
    alterations: list[sql.Composable] = []
    for change in plan.changes:
        if isinstance(change, CreateTable):
            statements.append(_create(plan.table, change))
        elif isinstance(change, AddColumn):
            alterations.append(sql.SQL("ADD COLUMN {}").format(_definition(change.column)))
        else:
            alterations.append(_alter_type(change))
    if alterations:
        statements.append(sql.SQL("ALTER TABLE {} {}").format(_table(plan.table), sql.SQL(", ").join(alterations)))
    return statements


def _comments(plan: SchemaPlan, fit: Callable[[str], str] = str) -> list[Statement]:
    columns: list[ColumnSchema] = []
    for change in plan.changes:
        if isinstance(change, CreateTable):
            columns += change.columns
        elif isinstance(change, AddColumn):
            columns.append(change.column)
    texts = ((column.name, comment_of(column.header, column.description)) for column in columns)
    return [_comment(plan.table, name, fit(text)) for name, text in texts if text is not None]


def _create(table: TableName, change: CreateTable) -> Statement:
    definitions = sql.SQL(", ").join(_definition(column) for column in change.columns)
    return sql.SQL("CREATE TABLE {} ({})").format(_table(table), definitions)


def _indexes(plan: SchemaPlan) -> list[Statement]:
    if not any(isinstance(change, CreateTable) for change in plan.changes):
        return []
    index = sql.Identifier(import_index(plan.table))
    return [
        sql.SQL("CREATE INDEX {} ON {} USING brin ({})").format(
            index, _table(plan.table), sql.Identifier(LOAD_TIMESTAMP)
        )
    ]


def _table(table: TableName) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def _definition(column: ColumnSchema) -> Statement:
    return sql.SQL("{} {}").format(sql.Identifier(column.name), _type(column.type.sql))


def _type(name: str) -> sql.SQL:
    return sql.SQL(name)


def _comment(table: TableName, column: str, text: str | None) -> Statement:
    name = sql.Identifier(table.schema, table.name, column)
    return sql.SQL("COMMENT ON COLUMN {} IS {}").format(name, sql.Literal(text))


def _alter_type(change: AlterType) -> Statement:
    column = sql.Identifier(change.name)
    return sql.SQL("ALTER COLUMN {} TYPE {} USING {}").format(
        column, _type(change.new.sql), conversion(column, change.old, change.new, empty=change.empty)
    )


def conversion(column: sql.Composable, old: SqlType, new: SqlType, *, empty: bool = False) -> Statement:
    """Return the expression that turns a stored value of type ``old`` into type ``new`` without loss."""
    if empty:
        return sql.SQL("NULL::{}").format(_type(new.sql))
    if new is SqlType.TEXT:
        return canonical_text(column, old)
    # The direct cast keeps 15 digits of a double, and adds digits that never existed for a real.
    template = "{}::text::{}" if old in (SqlType.REAL, SqlType.DOUBLE) else "{}::{}"
    return sql.SQL(template).format(column, _type(new.sql))


def canonical_text(column: sql.Composable, old: SqlType) -> Statement:
    """Return the expression for the canonical text of a stored value."""
    return sql.SQL(_TEXTS.get(old, "{0}::text")).format(column)


_TEXTS: Final[dict[SqlType, Any]] = {
    SqlType.REAL: "{0}::text::numeric::text",
    SqlType.DOUBLE: "{0}::text::numeric::text",
    # Without trailing zeros of the fraction; trim_scale() would do the same from PostgreSQL 13 on.
    SqlType.NUMERIC: r"regexp_replace({0}::text, '(\.[0-9]*[1-9])0+$|\.0+$', '\1')",
    SqlType.TIMESTAMP: "CASE WHEN {0} = {0}::date THEN {0}::date::text ELSE {0}::text END",
    # pgdatahub stores hours only; days that another program stored become hours, months cannot.
    SqlType.INTERVAL: (
        "CASE WHEN extract(day FROM {0}) <> 0 THEN ({0} - make_interval(days => extract(day FROM {0})::int) "
        "+ extract(day FROM {0})::int * interval '24:00')::text ELSE {0}::text END"
    ),
}
