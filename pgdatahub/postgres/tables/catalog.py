"""Tables, columns and types of the database, from the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pgdatahub.errors import SchemaError
from pgdatahub.model.column_comments import description_in, header_in
from pgdatahub.model.schema import ColumnSchema, ColumnType, OpaqueType, TableName, TableSchema
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.sqlstates import ROW_SECURITY_HINT
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    import psycopg

_TYPES: Final[Mapping[str, SqlType]] = {
    **{sql_type.sql: sql_type for sql_type in SqlType if sql_type not in (SqlType.UNDECIDED, SqlType.BIGINT_WIDE)},
    # Without a limit, it is text under another name, and holds the same values as text.
    "character varying": SqlType.TEXT,
}

_KINDS: Final = {
    "v": "a view",
    "m": "a materialized view",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
    "f": "a foreign table",
}
"""``pg_class.relkind`` of objects that are not tables; ordinary and partitioned tables are tables."""
_TYPE_KINDS: Final = {"e": "an enum type", "d": "a domain", "r": "a range type", "m": "a multirange type"}
"""``pg_type.typtype`` of types that are not composite; a composite type is in ``pg_class`` too."""

_COLUMNS = """
    SELECT c.relkind::text AS relkind,
           a.attname AS name,
           format_type(a.atttypid, a.atttypmod) AS type,
           a.attgenerated <> '' AS computed,
           a.attidentity <> '' AS numbered,
           a.attnotnull AS required,
           a.atthasdef OR a.attidentity <> '' AS filled,
           col_description(c.oid, a.attnum) AS comment,
           c.relkind IN ('r', 'p') AND row_security_active(c.oid) AS hidden,
           c.relhastriggers OR c.relkind = 'p' AS triggered
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s
  ORDER BY a.attnum
"""


def reflect(connection: Connection, table: TableName) -> TableSchema | None:
    """Return the columns of a table; None if the table does not exist.

    A ``bigint`` is BIGINT and a ``text`` is TEXT here, whatever their values; :mod:`pgdatahub.postgres.proofs.type_proofs` checks
    the values. The header of a column is its comment, or the part above a description.

    Raises:
        SchemaError: Another kind of object has the table's name, or row-level security hides rows of the table.
    """
    found = table_of(table, ask_columns(connection, table).fetchall())
    kind = None if found is not None else namesake_type(connection, table)
    if kind is not None:
        raise _not_a_table(table, f"{kind}, whose name no table can have")
    return found


def namesake_type(connection: Connection, table: TableName) -> str | None:
    """Return the kind of a type that has the name of a missing table, whose row type would need it: ``a domain``; else None.

    The server renames its own array types, such as ``_t`` for a table ``t``, to make room.
    """
    query = """
        SELECT t.typtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE n.nspname = %(schema)s AND t.typname = %(name)s
           AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)
    """
    kind = connection.scalar(query, {"schema": table.schema, "name": table.name})
    return None if kind is None else _TYPE_KINDS.get(kind, "a type")


def ask_columns(connection: Connection, table: TableName) -> psycopg.Cursor[Any]:
    """Send the query for :func:`table_of`; in a pipeline, the rows arrive after the pipeline."""
    return connection.execute(_COLUMNS, {"schema": table.schema, "name": table.name})


def table_of(table: TableName, rows: Sequence[Any]) -> TableSchema | None:
    """Return the table that rows of the catalog describe; None without rows. See :func:`reflect`."""
    if not rows:
        return None
    kind = rows[0].relkind
    if kind in _KINDS:
        raise _not_a_table(table, f"{_KINDS[kind]}, not a table")
    if rows[0].hidden:
        raise SchemaError(
            "row-level security is on for the table and hides rows from this role",
            where=f"table {table}",
            hint=ROW_SECURITY_HINT,
        )
    columns = tuple(
        ColumnSchema(
            name=row.name,
            type=_column_type(row.type, computed=row.computed, numbered=row.numbered),
            header=header_in(row.comment),
            description=description_in(row.comment),
            required=row.required,
            filled=row.filled,
        )
        for row in rows
        if row.name is not None
    )
    return TableSchema(table=table, columns=columns)


def _not_a_table(table: TableName, kind: str) -> SchemaError:
    return SchemaError(f"{table} is {kind}", hint="set table: for the folder, or rename what has the name")


def is_table(connection: Connection, table: TableName) -> bool:
    """Return whether a table exists; takes a fifth of the time of :func:`reflect`."""
    query = """
        SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p'))
    """
    found: bool = connection.scalar(query, {"schema": table.schema, "name": table.name})
    return found


def owns_table(connection: Connection, table: TableName) -> bool:
    """Return whether the role owns a table, or is a member of a role that does."""
    query = """
        SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
    """
    return bool(connection.scalar(query, {"schema": table.schema, "name": table.name}))


def has_index(connection: Connection, table: TableName, index: str) -> bool:
    """Return whether the table has an index of this name."""
    query = "SELECT FROM pg_indexes WHERE (schemaname, tablename, indexname) = (%(schema)s, %(name)s, %(index)s)"
    values = {"schema": table.schema, "name": table.name, "index": index}
    return connection.driver.execute(query, values).fetchone() is not None


def _column_type(name: str, *, computed: bool, numbered: bool) -> ColumnType:
    known = _TYPES.get(name)
    # An identity column cannot be text or double, and a computed column's values follow from other columns.
    return OpaqueType(name, computed=computed) if known is None or computed or numbered else known


def row_triggers(connection: Connection, table: TableName) -> tuple[str, ...]:
    """Return the names of the triggers of a table and its partitions that may drop or change a row before it is inserted."""
    return _triggers(connection, table, mask=3, timing=3, events=4)  # FOR EACH ROW, BEFORE; INSERT


def after_triggers(connection: Connection, table: TableName, *, updates: bool = False) -> tuple[str, ...]:
    """Return the names of the triggers of a table and its partitions that run after rows are inserted, or updated too."""
    # Neither BEFORE nor INSTEAD OF; INSERT, UPDATE.
    return _triggers(connection, table, mask=66, timing=0, events=4 | 16 if updates else 4)


def _triggers(connection: Connection, table: TableName, *, mask: int, timing: int, events: int) -> tuple[str, ...]:
    """Return the enabled triggers whose bits under ``mask`` are ``timing``, and that run on one of ``events``."""
    query = """
        SELECT DISTINCT t.tgname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_trigger t ON t.tgrelid = c.oid OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(c.oid))
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND NOT t.tgisinternal AND t.tgenabled <> 'D'
           AND t.tgtype & %(mask)s = %(timing)s AND t.tgtype & %(events)s <> 0
      ORDER BY 1
    """
    values = {"schema": table.schema, "name": table.name, "mask": mask, "timing": timing, "events": events}
    return tuple(row.tgname for row in connection.execute(query, values))


def existing_tables(connection: Connection, tables: Iterable[TableName]) -> frozenset[TableName]:
    """Return the tables of ``tables`` that exist."""
    return all_tables(connection).intersection(tables)


def all_tables(connection: Connection) -> frozenset[TableName]:
    """Return the tables of the database."""
    query = "SELECT schemaname AS schema, tablename AS name FROM pg_tables"
    return frozenset(TableName(schema=row.schema, name=row.name) for row in connection.execute(query))


def column_names(connection: Connection, tables: Iterable[TableName]) -> dict[TableName, frozenset[str]]:
    """Return the names of the columns of those of ``tables`` that exist."""
    query = """
        SELECT n.nspname AS schema, c.relname AS name, array_agg(a.attname::text) AS columns
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN unnest(%(schemas)s::text[], %(names)s::text[]) wanted(schema, name)
            ON (n.nspname, c.relname) = (wanted.schema, wanted.name)
         GROUP BY 1, 2
    """
    wanted = tuple(tables)
    values = {"schemas": [table.schema for table in wanted], "names": [table.name for table in wanted]}
    rows = connection.execute(query, values)
    return {TableName(schema=row.schema, name=row.name): frozenset(row.columns) for row in rows}


def table_bytes(connection: Connection, table: TableName) -> int:
    """Return the size of a table on disk, with its long values and its partitions and without its indexes, in bytes."""
    query = """
        WITH RECURSIVE parts(oid) AS (
            SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %(schema)s AND c.relname = %(name)s
             UNION SELECT i.inhrelid FROM parts JOIN pg_inherits i ON i.inhparent = parts.oid
        )
        SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM parts
    """
    size: int = connection.scalar(query, {"schema": table.schema, "name": table.name})
    return size
