"""Existence, size and rows of the tables that the history names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from pgdatahub.model.imports import Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.damaged_rows import MOMENTS, readable_rows
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.latest_imports import tables_of_imports
from pgdatahub.postgres.keyed.rules import all_rules
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One table that the history names.

    Attributes:
        table: The table.
        exists: The table exists; a user may have dropped it.
        rows: The number of rows of the loaded imports, according to the history; or of the table, if they were counted.
        recorded: The number of rows according to the history.
        companion: The companion of a keyed table or a snapshot, whose rows and bytes are counted in.
        quarantined: The number of rows of the loaded imports that are set aside, according to the history.
        imports: The number of loaded imports.
        held: The number of files on hold.
        last_load: The time of the last import that is still loaded, UTC.
        bytes: The size on disk with indexes and long values.
    """

    table: TableName
    exists: bool
    rows: int
    imports: int
    held: int
    last_load: datetime | None
    bytes: int
    recorded: int = 0
    companion: TableName | None = None
    quarantined: int = 0


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
    """Return the inventory of the tables that the history names, by name."""
    # Each status by its index: a history may have ten million imports, most of them superseded.
    query = sql.SQL("""
        SELECT table_schema, table_name, coalesce(l.rows, 0) AS rows, coalesce(l.imports, 0) AS imports,
               coalesce(l.quarantined, 0) AS quarantined, coalesce(h.held, 0) AS held, l.last_load
          FROM (SELECT table_schema, table_name, sum(row_count) AS rows, count(*) AS imports,
                       sum({quarantined}) AS quarantined, max(imported_at) AS last_load
                  FROM {imports} WHERE status = {loaded} GROUP BY 1, 2) l
     FULL JOIN (SELECT table_schema, table_name, count(*) AS held
                  FROM {imports} WHERE status = {held} GROUP BY 1, 2) h USING (table_schema, table_name)
    """).format(
        imports=history.imports,
        loaded=Status.LOADED.value,
        held=Status.HELD.value,
        quarantined=sql.SQL("0" if "quarantined" in history.missing else "quarantined"),
    )
    rows = readable_rows(connection, connection.execute(query), history.name, MOMENTS)
    known = {TableName(schema=row.table_schema, name=row.table_name): row for row in rows}
    changed = connection.execute(
        sql.SQL("SELECT DISTINCT table_schema, table_name FROM {}").format(history.schema_changes.table)
    )
    changed_tables = {TableName(schema=row.table_schema, name=row.table_name) for row in changed}
    tables = sorted(changed_tables.union(known, tables_of_imports(connection, history)))
    companions = {rule.table: rule.companion for rule in all_rules(connection, history.schema).values()}
    sizes = _sizes(connection, [*tables, *companions.values()])
    return tuple(
        Inventory(
            table=table,
            exists=table in sizes,
            rows=int(known[table].rows) if table in known else 0,
            recorded=int(known[table].rows) if table in known else 0,
            imports=known[table].imports if table in known else 0,
            held=known[table].held if table in known else 0,
            last_load=known[table].last_load if table in known else None,
            bytes=sizes.get(table, 0) + sizes.get(companions.get(table, table), 0) * (table in companions),
            companion=companions.get(table),
            quarantined=int(known[table].quarantined) if table in known else 0,
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
    """Return the number of rows of a table, by a scan of the table."""
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema, table.name))
    row = driver_connection(connection).execute(query).fetchone()
    return int(row[0]) if row else 0
