"""The unique index on a table's key: the user's own where it is usable, else one that pgdatahub makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import OpaqueType, TableName
from pgdatahub.postgres.keyed.fragments import identifier, listed
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection

_COMMENT: Final = "key of the table; made by pgdatahub"
_INDEXES = """
    SELECT i.relname AS name, x.indisvalid AS valid, x.indpred IS NOT NULL AS partial, x.indexprs IS NOT NULL AS computed,
           NOT x.indimmediate AS deferrable,
           -- Equal values of the column are other ones in the index, or the reverse.
           EXISTS (SELECT FROM unnest(x.indkey::int2[], x.indcollation::oid[]) k (attnum, collated)
                     JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
                     JOIN pg_collation o ON o.oid IN (a.attcollation, k.collated)
                    WHERE a.attcollation <> k.collated AND NOT o.collisdeterministic) AS collated,
           ARRAY (SELECT a.attname::text FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(attnum, place)
                    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
                   WHERE k.place <= x.indnkeyatts ORDER BY k.place)
           -- The columns in its expressions.
           || CASE WHEN x.indexprs IS NOT NULL THEN ARRAY (
                SELECT a.attname::text FROM pg_depend d
                  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
                 WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid) END AS columns
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND x.indisunique
  ORDER BY x.indisprimary DESC, i.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueIndex:
    """A unique index of a table.

    Attributes:
        name: Its name.
        columns: Its columns, and those in its expressions.
        defect: The reason why it cannot be the index of a key; None if it can.
        disturbs: ``ON CONFLICT`` takes it too where another index on its columns can be that of a key.
    """

    name: str
    columns: frozenset[str]
    defect: str | None
    disturbs: bool = False


def unique_indexes(connection: Connection, table: TableName) -> tuple[UniqueIndex, ...]:
    """Return the unique indexes of a table, its primary key first."""
    found = []
    for row in connection.execute(_INDEXES, {"schema": table.schema, "name": table.name}):
        defects = (
            (row.partial, "is partial"),
            (row.computed, "is on an expression"),
            (row.deferrable, "is deferrable"),
            (row.collated, "has another collation than the column"),
            (not row.valid, "is invalid"),
        )
        defect = next((text for true, text in defects if true), None)
        disturbs = (row.deferrable or row.collated) and row.valid and not (row.partial or row.computed)
        found.append(UniqueIndex(name=row.name, columns=frozenset(row.columns), defect=defect, disturbs=disturbs))
    return tuple(found)


def usable_index(connection: Connection, table: TableName, key: tuple[str, ...]) -> str | None:
    """Return the name of a usable unique index on exactly the columns of a key; None without a unique index on them.

    Raises:
        SchemaError: The table has such an index that ``ON CONFLICT`` cannot use, or its partitions allow none.
    """
    alike = [index for index in unique_indexes(connection, table) if index.columns == set(key)]
    usable = next((index.name for index in alike if index.defect is None), None)
    faulty = [index for index in alike if index.disturbs or (index.defect is not None and usable is None)]
    if faulty:
        raise SchemaError(
            f"the index {faulty[0].name} on ({', '.join(key)}) {faulty[0].defect}, and a key needs an index that is unique at"
            " all times and for all rows",
            where=f"table {table}",
            hint="create the index or constraint again without that, or drop it",
        )
    if usable is None:
        check_partitions(connection, table, key)
    return usable


def check_alone(connection: Connection, table: TableName) -> None:
    """Check that no other table inherits from a table: its rows would be rows of this one, and no index spans both.

    Raises:
        SchemaError: Another table does. (A partition is part of its table.)
    """
    heirs = connection.scalar(
        """
        SELECT string_agg(h.inhrelid::regclass::text, ', ' ORDER BY h.inhrelid::regclass::text)
          FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhparent AND c.relkind = 'r'
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
        """,
        {"schema": table.schema, "name": table.name},
    )
    if heirs:
        raise SchemaError(
            f"{heirs} inherits from the table, so its rows would count as rows of the table",
            where=f"table {table}",
            hint="ALTER TABLE … NO INHERIT, or load without a key and without mode: snapshot",
        )


def check_partitions(connection: Connection, table: TableName, key: tuple[str, ...]) -> None:
    """Check that a table without a unique index on a key can have one: that of a partitioned table has its columns.

    Raises:
        SchemaError: It cannot.
    """
    row = connection.execute(
        """
        SELECT 0 = ANY (p.partattrs::int2[]) AS computed, ARRAY (
                 SELECT a.attname::text FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum = ANY (p.partattrs::int2[]) AND a.attname <> ALL (%(key)s)
                  ORDER BY a.attnum) AS others
          FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
        """,
        {"schema": table.schema, "name": table.name, "key": list(key)},
    ).fetchone()
    if row is None or not (row.computed or row.others):
        return
    by = "an expression" if row.computed else ", ".join(row.others)
    raise SchemaError(
        f"the table is partitioned by {by}, so that no index can be unique on its key ({', '.join(key)})",
        where=f"table {table}",
        hint="load without a key" if row.computed else f"take {by} into the key",
    )


def check_table(connection: Connection, table: TableName, key: tuple[str, ...]) -> None:
    """Check that a table can have a key.

    Raises:
        SchemaError: It cannot.
    """
    check_alone(connection, table)
    rules = connection.scalar(
        """
        SELECT string_agg(r.rulename, ', ' ORDER BY r.rulename)
          FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
        """,
        {"schema": table.schema, "name": table.name},
    )
    if rules:
        raise SchemaError(
            f"the table has rules ({rules}), and INSERT … ON CONFLICT does not work with rules",
            where=f"table {table}",
            hint="use triggers in place of the rules, or load without a key",
        )
    for name in _interval_columns(connection, table, key):
        # Files bring intervals of hours only, of which equal ones have one text.
        query = sql.SQL(
            "SELECT {0}::text FROM {1} WHERE date_part('day', {0}) <> 0"
            " OR date_part('month', {0}) <> 0 OR date_part('year', {0}) <> 0 LIMIT 1"
        )
        found = connection.scalar(query.format(sql.Identifier(name), identifier(table)))
        if found is not None:
            raise SchemaError(
                f"the column {name} has intervals with days or months ({found}) and cannot be part of a key: 1 month equals 30"
                " days there",
                where=f"table {table}",
                hint="take another column for the key, or set type: text",
            )


def check_sortable(connection: Connection, table: TableName, name: str, kind: OpaqueType) -> None:
    """Check that a type of the server has an order, so that an index can have it and rows can be compared by it.

    Args:
        connection: A connection in any transaction; the question is asked under a savepoint.
        table: The table.
        name: The column.
        kind: Its type.

    Raises:
        SchemaError: It has none, such as json and point.
    """
    driver = driver_connection(connection)
    try:
        with driver.transaction():
            driver.execute(sql.SQL("SELECT NULL::{} ORDER BY 1").format(sql.SQL(kind.sql)))
    except psycopg.errors.UndefinedFunction as error:
        raise SchemaError(
            f"the column {name} is {kind.label}, whose values have no order, so neither key nor newest can use it",
            where=f"table {table}",
            hint="take another column, or another type:",
        ) from error


def _interval_columns(connection: Connection, table: TableName, key: tuple[str, ...]) -> list[str]:
    query = """
        SELECT a.attname::text AS name
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(key)s) AND NOT a.attisdropped
           AND a.atttypid = 'interval'::regtype
    """
    return [
        row.name for row in connection.execute(query, {"schema": table.schema, "name": table.name, "key": list(key)})
    ]


def always_numbered(connection: Connection, table: TableName, names: Collection[str]) -> list[str]:
    """Return the columns among these that the server numbers itself and does not let an UPDATE set."""
    query = """
        SELECT a.attname::text AS name
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(names)s) AND a.attidentity = 'a'
      ORDER BY a.attnum
    """
    values = {"schema": table.schema, "name": table.name, "names": list(names)}
    return [row.name for row in connection.execute(query, values)]


_LOOSE = """
    SELECT a.attname::text AS name
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation k ON k.oid = a.attcollation
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(key)s) AND a.attidentity = ''
       AND (t.oid <> ALL ('{bool,int2,int4,int8,date,timestamp,timestamptz,time,uuid,text,varchar,bpchar}'::regtype[])
            OR NOT coalesce(k.collisdeterministic, true))
"""


def loose_columns(connection: Connection, table: TableName, key: tuple[str, ...]) -> frozenset[str]:
    """Return the columns of a key in which equal values may have different texts, such as citext: a row brings its own."""
    values = {"schema": table.schema, "name": table.name, "key": list(key)}
    return frozenset(row.name for row in connection.execute(_LOOSE, values))


def create_unique_index(table: TableName, key: tuple[str, ...]) -> sql.Composed:
    """Return the statement that creates the unique index on a key, under a name that the server chooses."""
    return sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(identifier(table), listed(key))


def create_key_index(connection: Connection, table: TableName, key: tuple[str, ...]) -> str:
    """Create the unique index on a key, and return its name."""
    connection.execute(create_unique_index(table, key))
    name = usable_index(connection, table, key)
    if name is None:
        raise LookupError(f"the new index of {table} is not found")
    comment = sql.SQL("COMMENT ON INDEX {} IS {}")
    connection.execute(comment.format(sql.Identifier(table.schema, name), _COMMENT))
    return name


def is_our_index(connection: Connection, table: TableName, index: str) -> bool:
    """Return whether pgdatahub made the index on a table's key, as far as the catalog alone tells."""
    query = """
        SELECT obj_description(i.oid, 'pg_class') FROM pg_class i JOIN pg_namespace n ON n.oid = i.relnamespace
         WHERE n.nspname = %s AND i.relname = %s
    """
    comment: str | None = connection.scalar(query, (table.schema, index))
    return comment == _COMMENT
