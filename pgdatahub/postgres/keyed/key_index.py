"""The unique index on a table's key: the user's own where it is usable, else one that pgdatahub makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.keyed.fragments import identifier, listed
from pgdatahub.postgres.server.connection import Connection

_COMMENT: Final = "key of the table; made by pgdatahub"
_INDEXES = """
    SELECT i.relname AS name, x.indisvalid AS valid, x.indpred IS NOT NULL AS partial, x.indexprs IS NOT NULL AS computed,
           NOT x.indimmediate AS deferrable,
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
    """

    name: str
    columns: frozenset[str]
    defect: str | None


def unique_indexes(connection: Connection, table: TableName) -> tuple[UniqueIndex, ...]:
    """Return the unique indexes of a table, its primary key first."""
    found = []
    for row in connection.execute(_INDEXES, {"schema": table.schema, "name": table.name}):
        defects = (
            (row.partial, "is partial"),
            (row.computed, "is on an expression"),
            (row.deferrable, "is deferrable"),
            (not row.valid, "is invalid"),
        )
        defect = next((text for true, text in defects if true), None)
        found.append(UniqueIndex(name=row.name, columns=frozenset(row.columns), defect=defect))
    return tuple(found)


def usable_index(connection: Connection, table: TableName, key: tuple[str, ...]) -> str | None:
    """Return the name of a usable unique index on exactly the columns of a key; None without a unique index on them.

    Raises:
        SchemaError: The table has such an index that ``ON CONFLICT`` cannot use.
    """
    alike = [index for index in unique_indexes(connection, table) if index.columns == set(key)]
    for index in alike:
        if index.defect is None:
            return index.name
    if alike:
        raise SchemaError(
            f"the index {alike[0].name} on ({', '.join(key)}) {alike[0].defect}, and a key needs an index that is unique at"
            " all times and for all rows",
            where=f"table {table}",
            hint="create the index or constraint again without that, or drop it",
        )
    return None


def check_table(connection: Connection, table: TableName, key: tuple[str, ...]) -> None:
    """Check that a table can have a key.

    Raises:
        SchemaError: It cannot.
    """
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
