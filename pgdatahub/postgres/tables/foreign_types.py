"""Check of columns with types that pgdatahub does not create: does the server keep a value, or round or cut it?

``numeric(10,2)`` rounds, ``char(3)`` and ``varchar(3)`` cut spaces, ``timestamp(0)`` rounds, ``money`` and ``name`` do
either. So, before anything is written, the server casts each distinct value to the column's type, and the check
compares the text with the value's own. Only files with such a column take the extra time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.schema import OpaqueType, TableSchema
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.tables.ddl import canonical_text
from pgdatahub.values.copytext import unescape
from pgdatahub.values.printable import shortened
from pgdatahub.values.sql_types import SqlType


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnColumn:
    """A column to check.

    Attributes:
        name: Its name.
        type: Its type as the user declared it.
        base: ``pg_type.typname`` beneath domains.
        limited: The declaration has a modifier, such as a length.
        bare: The base type without a modifier.
    """

    name: str
    type: str
    base: str
    limited: bool
    bare: str


def check_own_types(connection: Connection, current: TableSchema, batches: Iterable[ColumnBatch]) -> None:
    """Check that the server keeps every value for a column of a foreign type unchanged.

    Args:
        connection: A connection in any transaction; a failed cast is rolled back to a savepoint.
        current: The table's columns.
        batches: The rows.

    Raises:
        SchemaError: The server would change a value; the message names the value's cell.
    """
    opaque = {column.name for column in current.columns if isinstance(column.type, OpaqueType)}
    if opaque:
        _check(connection, current, opaque, batches, lambda: _own_columns(connection, current, opaque))


def check_created_types(connection: Connection, created: TableSchema, batches: Iterable[ColumnBatch]) -> None:
    """Check that the server keeps every value for a column that gets a type of its own, before it is created.

    Args:
        connection: A connection in any transaction; a failed cast is rolled back to a savepoint.
        created: The new columns.
        batches: The rows.

    Raises:
        SchemaError: The server does not have such a type, or would change a value.
    """
    names = {column.name for column in created.columns}
    _check(connection, created, names, batches, lambda: _new_columns(connection, created))


def _check(
    connection: Connection,
    current: TableSchema,
    opaque: Collection[str],
    batches: Iterable[ColumnBatch],
    find: Callable[[], Iterable[_OwnColumn]],
) -> None:
    columns: dict[str, _OwnColumn] | None = None
    for batch in batches:
        indexes = {name: index for index, name in enumerate(batch.names) if name in opaque}
        if not indexes:
            continue
        if columns is None:
            columns = {column.name: column for column in find()}
        for name, index in indexes.items():
            fields = batch.columns[index].split(b"\n")
            distinct = dict.fromkeys(field for field in fields if field)
            refused = _refused(connection, columns[name], list(map(unescape, distinct)))
            if refused is not None:
                value, reason = refused
                row = next(row for row, field in enumerate(fields) if field and unescape(field) == value)
                raise _error(
                    columns[name], current, value, reason, batch.origin.place(row, name) if batch.origin else None
                )


def _error(column: _OwnColumn, current: TableSchema, value: str, reason: str, place: str | None) -> SchemaError:
    return SchemaError(
        f'"{shortened(value, 40)}" does not fit the column {column.name}, which is {column.type.upper()}: {reason}',
        where=place or f"table {current.table}",
        hint="correct the cell, or choose another type: with type: for a new column, with ALTER TABLE for one that exists",
    )


def _own_columns(connection: Connection, current: TableSchema, names: Iterable[str]) -> Iterator[_OwnColumn]:
    query = """
        WITH RECURSIVE typed AS (
            SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.atttypid AS oid,
                   a.atttypmod AS modifier
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (%(names)s) AND NOT a.attisdropped
             WHERE n.nspname = %(schema)s AND c.relname = %(table)s
             UNION ALL
            SELECT typed.name, typed.type, t.typbasetype, t.typtypmod
              FROM typed JOIN pg_type t ON t.oid = typed.oid AND t.typtype = 'd'
        )
        SELECT name, type, t.typname AS base, modifier >= 0 AS limited, format_type(t.oid, NULL) AS bare
          FROM typed JOIN pg_type t ON t.oid = typed.oid AND t.typtype <> 'd'
    """
    parameters = {"schema": current.table.schema, "table": current.table.name, "names": list(names)}
    for row in connection.execute(query, parameters):
        yield _OwnColumn(**row._asdict())


def _new_columns(connection: Connection, created: TableSchema) -> Iterator[_OwnColumn]:
    query = """
        WITH RECURSIVE typed AS (
            SELECT %(name)s::text AS name, %(type)s::text AS type, (%(type)s::regtype)::oid AS oid,
                   CASE WHEN %(type)s LIKE '%%(%%' THEN 0 ELSE -1 END AS modifier
             UNION ALL
            SELECT typed.name, typed.type, t.typbasetype, t.typtypmod
              FROM typed JOIN pg_type t ON t.oid = typed.oid AND t.typtype = 'd'
        )
        SELECT name, type, t.typname::text AS base, modifier >= 0 AS limited, format_type(t.oid, NULL) AS bare
          FROM typed JOIN pg_type t ON t.oid = typed.oid AND t.typtype <> 'd'
    """
    driver = driver_connection(connection)
    for column in created.columns:
        try:
            with driver.transaction():
                rows = connection.execute(query, {"name": column.name, "type": column.type.sql}).fetchall()
        except psycopg.ProgrammingError as error:
            raise SchemaError(
                f"the server does not have the type {column.type.sql} of the column {column.name}: "
                f"{error.diag.message_primary or error}",
                where=f"table {created.table}",
                hint="correct type: of the column in etl_config.yaml, or create the type",
            ) from error
        yield from (_OwnColumn(**row._asdict()) for row in rows)


def _refused(connection: Connection, column: _OwnColumn, values: Sequence[str]) -> tuple[str, str] | None:
    """Return a value that the column would not keep unchanged, and the reason; None if it keeps all values."""
    if not values:
        return None
    stored = sql.SQL("given::{}").format(sql.SQL(column.type))
    query = sql.SQL(
        "SELECT given, ({stored})::text FROM unnest(%s::text[]) AS given WHERE NOT coalesce({same}, false) LIMIT 1"
    )
    composed = query.format(stored=stored, same=_SAME.get(column.base, _same_elsewhere)(stored, column))
    driver = driver_connection(connection)
    try:
        with driver.transaction():
            row = driver.execute(composed, [list(values)]).fetchone()
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        if len(values) == 1:
            return values[0], error.diag.message_primary or str(error)
        middle = len(values) // 2
        return _refused(connection, column, values[:middle]) or _refused(connection, column, values[middle:])
    return None if row is None else (row[0], f'it would become "{row[1]}"')


_Same = Callable[[sql.Composable, _OwnColumn], sql.Composable]
"""(the cast value, the column) → the condition that the cast value equals the given text."""


def _same_text(stored: sql.Composable, _column: _OwnColumn) -> sql.Composable:
    return sql.SQL("({})::text = given").format(stored)


def _same_number(stored: sql.Composable, _column: _OwnColumn) -> sql.Composable:
    # A number of a sheet is in canonical form; the text "0501" must not become 501.
    plain = sql.SQL("(({})::text::numeric)").format(stored)
    return sql.SQL("given IN ({}, ({})::text)").format(canonical_text(plain, SqlType.NUMERIC), stored)


def _same_money(stored: sql.Composable, _column: _OwnColumn) -> sql.Composable:
    plain = sql.SQL("(({})::numeric)").format(stored)
    return sql.SQL("given IN ({}, ({})::text)").format(canonical_text(plain, SqlType.NUMERIC), stored)


_ISO: Final = sql.SQL("given ~ '^[0-9]{{4,}}-[0-9]{{2}}-[0-9]{{2}}' AND given::{bare} = ({stored})::{bare}")
"""A date in full, unlike ``now``, ``tomorrow`` or ``3/4/05``; the type without a limit would not round."""


def _same_moment(stored: sql.Composable, column: _OwnColumn) -> sql.Composable:
    bare = sql.SQL(column.bare)
    return sql.SQL("(({})::text = given OR ({}))").format(stored, _ISO.format(bare=bare, stored=stored))


def _same_interval(stored: sql.Composable, _column: _OwnColumn) -> sql.Composable:
    plain = sql.SQL("({})").format(stored)
    return sql.SQL("given IN ({}, ({})::text)").format(canonical_text(plain, SqlType.INTERVAL), stored)


def _same_uuid(stored: sql.Composable, _column: _OwnColumn) -> sql.Composable:
    return sql.SQL("lower(translate(given, '-{{}}', '')) = replace(({})::text, '-', '')").format(stored)


def _same_elsewhere(stored: sql.Composable, column: _OwnColumn) -> sql.Composable:
    """Return the condition for other types: only a limit may shorten a value; the type's input rules are accepted."""
    if not column.limited:
        return sql.SQL("({}) IS NOT NULL").format(stored)
    bare = sql.SQL(column.bare)
    return sql.SQL("given::{bare} = ({stored})::{bare}").format(bare=bare, stored=stored)


_SAME: Final[dict[str, _Same]] = {
    **dict.fromkeys(("varchar", "bpchar", "char", "text", "name", "citext", "bit", "varbit", "bool"), _same_text),
    **dict.fromkeys(("int2", "int4", "int8", "float4", "float8", "numeric", "oid"), _same_number),
    "money": _same_money,
    **dict.fromkeys(("date", "timestamp", "timestamptz"), _same_moment),
    **dict.fromkeys(("time", "timetz"), _same_text),
    "interval": _same_interval,
    "uuid": _same_uuid,
}
