"""What there is of the tables that the history names: whether they exist, their size, their rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from sqlalchemy import func, select

from pgdatahub.model.imports import Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.engine import driver_connection
from pgdatahub.postgres.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One table that the history names.

    Attributes:
        table: The table.
        exists: It is there; somebody may have dropped it.
        rows: How many rows the loaded imports brought, by the history.
        imports: How many imports are loaded.
        held: How many files are held back.
        last_load: When the last import that is still loaded came, UTC.
        bytes: Its size on disk with indexes and long values.
    """

    table: TableName
    exists: bool
    rows: int
    imports: int
    held: int
    last_load: datetime | None
    bytes: int


_SIZES = """
    SELECT n.nspname AS schema, c.relname AS name,
           -- A partitioned table has none of its own.
           (SELECT sum(pg_total_relation_size(part.relid)) FROM pg_partition_tree(c.oid) part)
             AS partitions,
           pg_total_relation_size(c.oid) AS bytes
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p')
       AND (n.nspname, c.relname) IN (SELECT * FROM unnest(CAST(%(schemas)s AS text[]), CAST(%(names)s AS text[])))
"""


def take_inventory(connection: Connection, history: History) -> tuple[Inventory, ...]:
    """Return what there is of the tables that the history names, by name."""
    imports, changes = history.imports.c, history.changes.c
    loaded = imports.status == Status.LOADED.value
    query = select(
        imports.table_schema,
        imports.table_name,
        func.coalesce(func.sum(imports.row_count).filter(loaded), 0).label("rows"),
        func.count().filter(loaded).label("imports"),
        func.count().filter(imports.status == Status.HELD.value).label("held"),
        func.max(imports.imported_at).filter(loaded).label("last_load"),
    ).group_by(imports.table_schema, imports.table_name)
    known = {TableName(schema=row.table_schema, name=row.table_name): row for row in connection.execute(query)}
    changed = connection.execute(select(changes.table_schema, changes.table_name).distinct())
    tables = sorted({*known, *(TableName(schema=row.table_schema, name=row.table_name) for row in changed)})
    sizes = _sizes(connection, tables)
    return tuple(
        Inventory(
            table=table,
            exists=table in sizes,
            rows=int(known[table].rows) if table in known else 0,
            imports=known[table].imports if table in known else 0,
            held=known[table].held if table in known else 0,
            last_load=known[table].last_load if table in known else None,
            bytes=sizes.get(table, 0),
        )
        for table in tables
    )


def _sizes(connection: Connection, tables: list[TableName]) -> dict[TableName, int]:
    names = {"schemas": [table.schema for table in tables], "names": [table.name for table in tables]}
    return {
        TableName(schema=row.schema, name=row.name): int(row.partitions or row.bytes)
        for row in connection.execute(_SIZES, names)
    }


def database_name(connection: Connection) -> str:
    """Return the name of the database."""
    return str(connection.scalar("SELECT current_database()"))


def count_rows(connection: Connection, table: TableName) -> int:
    """Return how many rows a table has, by reading it."""
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema, table.name))
    row = driver_connection(connection).execute(query).fetchone()
    return int(row[0]) if row else 0
