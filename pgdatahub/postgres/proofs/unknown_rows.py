"""Rows of a table that name an import which the history does not know.

The history was dropped, emptied, restored without its tables, or belongs to another schema. Loading would add the same
rows a second time, so a run checks each table for such rows before it loads into the table.

The check is cheap for a known table. The BRIN index on ``load_timestamp`` finds rows before the first and after the
last known import. The check finds rows between them exactly in a table up to 16 MB (some 20 ms), and by a sample of
1,000 pages in a larger table. Only if it finds a row does it read the whole table. The sample misses an import of a
hundredth of the table once in 23,000 times, and a smaller one more often; ``verify`` counts all.

The index cannot make this exact at little cost. It knows the least and the greatest time of 1 MB of the table, and cannot
skip to the next time. A query for the times between two imports reads every megabyte in which one follows the other: as
many as there are imports, or all after space was used again. A B-tree would cost every load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.errors import PrivilegeError, SchemaError
from pgdatahub.model.imports import Status
from pgdatahub.model.schema import IMPORTS, LOAD_TIMESTAMP, SOURCE_FILE, OpaqueType, TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.both import all_rows, companion_of
from pgdatahub.postgres.rows.import_rows import readable_time
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection, savepoint
from pgdatahub.postgres.tables import catalog
from pgdatahub.values.sql_types import SqlType

WHOLE_BYTES: Final = 16 * 2**20
SAMPLE_PAGES: Final = 1000
_PAGE_BYTES: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """The rows of a table that name one import: the import's file, its time (UTC), and the number of rows."""

    source_file: str
    load_timestamp: datetime
    rows: int

    @property
    def file_name(self) -> str:
        """The file's name without its folders."""
        return self.source_file.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRows:
    """The rows of a table that the history does not know.

    Attributes:
        table: The table.
        groups: The imports that the rows name, oldest first; at least one.
        known: The history knows other imports of the table.
    """

    table: TableName
    groups: tuple[RowGroup, ...]
    known: bool

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(group.rows for group in self.groups)


_NAMED = sql.SQL("t.{file} IS NOT NULL AND t.{moment} IS NOT NULL")
_UNKNOWN = sql.SQL("""
    NOT EXISTS (SELECT FROM {imports} i
                 WHERE i.table_schema = {schema} AND i.table_name = {name} AND i.status = {loaded}
                   AND i.imported_at = t.{moment} AND i.source_file = t.{file})
""")
_ENDS = sql.SQL("""
    SELECT {first}, {last}
      FROM (SELECT min(imported_at) AS first, max(imported_at) AS last FROM {imports}
             WHERE table_schema = {schema} AND table_name = {name} AND status = {loaded}) ends
""")
# Each condition checks for the import: another run may have committed one since the ends were read.
_OUTSIDE = sql.SQL("(t.{moment} > {last}::timestamp OR t.{moment} < {first}::timestamp) AND {unknown}")
_BETWEEN = sql.SQL("t.{moment} >= {first}::timestamp AND t.{moment} <= {last}::timestamp AND {unknown}")
_GROUPS = sql.SQL("""
    SELECT t.{file}::text, {time}, count(*) FROM {table} t WHERE {named} AND {condition} GROUP BY 1, 2
""")
_SAMPLE = sql.SQL("SELECT 1 FROM {table} t TABLESAMPLE SYSTEM ({percent}) WHERE {named} AND {condition} LIMIT 1")


def find_unknown_rows(connection: Connection, history: History | None, table: TableName) -> UnknownRows | None:
    """Return the rows of a table that the history does not know; None if it knows all of them.

    Args:
        connection: A connection in a transaction, which may be read-only.
        history: The history; None if the metadata tables do not exist.
        table: The table.

    Raises:
        SchemaError: Another kind of object has the table's name.
    """
    if not _has_lineage(connection, table):
        return None
    names = _names(history, table)
    first, last = None, None
    if history is not None:
        row = (
            driver_connection(connection)
            .execute(
                _ENDS.format(
                    first=readable_time(sql.SQL("first")),
                    last=readable_time(sql.SQL("last")),
                    **names,
                )
            )
            .fetchone()
        )
        first, last = row or (None, None)
    companion = companion_of(connection, table)
    if first is not None and last is not None:
        names |= {"first": sql.Literal(first.isoformat(" ")), "last": sql.Literal(last.isoformat(" "))}
    parts = [table] if companion is None else [table, companion]
    found = [_groups_of(connection, names, part, ends=(first, last)) for part in parts]
    if companion is not None and any(found):
        # A sample may have missed the rows of the same imports in the other table.
        both = names | {"table": all_rows(connection, table, (SOURCE_FILE, LOAD_TIMESTAMP), alias=False)}
        found = [_groups(connection, both, names["unknown"])]
    groups = [group for one in found for group in one]
    if not groups:
        return None
    groups.sort(key=lambda group: (group.load_timestamp, group.source_file))
    return UnknownRows(table=table, groups=tuple(groups), known=first is not None)


def _groups_of(
    connection: Connection,
    names: Mapping[str, Any],
    table: TableName,
    *,
    ends: tuple[datetime | None, datetime | None],
) -> list[RowGroup]:
    names = {**names, "table": sql.Identifier(table.schema, table.name)}
    if None in ends:
        return _groups(connection, names, names["unknown"])
    groups = _groups(connection, names, _OUTSIDE.format(**names))
    between = _BETWEEN.format(**names)
    if _may_have(connection, names, between, catalog.table_bytes(connection, table)):
        groups += _groups(connection, names, between)
    return groups


def _groups(connection: Connection, names: Mapping[str, Any], condition: sql.Composable) -> list[RowGroup]:
    rows = driver_connection(connection).execute(_GROUPS.format(**names, condition=condition)).fetchall()
    return [RowGroup(source_file=row[0], load_timestamp=row[1], rows=int(row[2])) for row in rows]


def _may_have(connection: Connection, names: Mapping[str, Any], condition: sql.Composable, size: int) -> bool:
    """Return whether a table may have rows that meet a condition: true if small, else by a sample of its pages."""
    if size <= WHOLE_BYTES:
        return True
    percent = sql.Literal(min(100.0, round(100 * SAMPLE_PAGES * _PAGE_BYTES / size, 6)))
    look = _SAMPLE.format(**names, condition=condition, percent=percent)
    return driver_connection(connection).execute(look).fetchone() is not None


def find_all_unknown(
    connection: Connection, history: History | None, tables: Iterable[TableName]
) -> dict[TableName, UnknownRows]:
    """Return the unknown rows of the tables that have any; loads of files report a table that cannot be read."""
    found = {}
    for table in sorted(catalog.existing_tables(connection, tables)):
        with suppress(SchemaError, PrivilegeError), savepoint(connection):
            unknown = find_unknown_rows(connection, history, table)
            if unknown is not None:
                found[table] = unknown
    return found


_UNTRACKED = """
    SELECT DISTINCT n.nspname AS schema, c.relname AS name
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
      JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] AND a.attname = %(moment)s
     WHERE m.amname = 'brin' AND c.relkind IN ('r', 'p') AND x.indnatts = 1 AND n.nspname !~ '^pg_'
       AND has_table_privilege(c.oid, 'SELECT')
       AND EXISTS (SELECT FROM pg_attribute f WHERE f.attrelid = c.oid AND f.attname = %(file)s)
"""
_HISTORIES = """
    SELECT n.nspname AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = %(imports)s AND c.relkind = 'r' AND n.nspname <> %(own)s AND has_table_privilege(c.oid, 'SELECT')
"""
_KNOWN = sql.SQL("SELECT DISTINCT table_schema AS schema, table_name AS name FROM {}")


def untracked_tables(connection: Connection, known: Iterable[TableName], history_schema: str) -> set[TableName]:
    """Return the tables that pgdatahub made, by their index, and that no history of the database knows.

    Args:
        connection: A connection in a transaction, which may be read-only.
        known: The tables of the history.
        history_schema: The schema of the history.
    """
    values = {"moment": LOAD_TIMESTAMP, "file": SOURCE_FILE}
    found = {TableName(schema=row.schema, name=row.name) for row in connection.execute(_UNTRACKED, values)}
    found -= set(known)
    if not found:
        return found
    for other in connection.execute(_HISTORIES, {"imports": IMPORTS, "own": history_schema}).fetchall():
        with suppress(psycopg.Error), connection.driver.transaction():
            rows = connection.execute(_KNOWN.format(sql.Identifier(other.schema, IMPORTS)))
            found -= {TableName(schema=row.schema, name=row.name) for row in rows}
    return found


_ORIGINALS = sql.SQL("""
    SELECT i.table_schema, i.table_name
      FROM {imports} i JOIN unnest({files}::text[], {moments}::timestamp[]) AS named (file, moment)
        ON (i.source_file, i.imported_at) = (named.file, named.moment)
     WHERE i.status = {loaded} AND NOT coalesce({tables} @> {own}, false)
  GROUP BY 1, 2 HAVING count(*) = {count}
""")


def copied_tables(connection: Connection, history: History, tables: Iterable[TableName]) -> set[TableName]:
    """Return the tables that a user copied from others: another table has all imports that their rows name.

    A table of a file with several tables has the imports of the others too, and is not a copy.

    Args:
        connection: A connection in a transaction, which may be read-only.
        history: The history, which exists and knows none of the tables.
        tables: The tables.
    """
    copies = set()
    existing = catalog.all_tables(connection)
    for table, unknown in find_all_unknown(connection, history, tables).items():
        query = _ORIGINALS.format(
            imports=history.imports,
            files=sql.Literal([group.source_file for group in unknown.groups]),
            moments=sql.Literal([group.load_timestamp for group in unknown.groups]),
            loaded=Status.LOADED.value,
            tables=sql.SQL("NULL::jsonb" if "tables" in history.missing else "i.tables"),
            own=sql.Literal(Jsonb([[table.schema, table.name]])),
            count=len(unknown.groups),
        )
        originals = {TableName(schema=row.table_schema, name=row.table_name) for row in connection.execute(query)}
        if originals & existing:
            copies.add(table)
    return copies


def _has_lineage(connection: Connection, table: TableName) -> bool:
    current = catalog.reflect(connection, table)
    if current is None or SOURCE_FILE not in current.by_name or LOAD_TIMESTAMP not in current.by_name:
        return False
    moment = current.by_name[LOAD_TIMESTAMP].type
    if isinstance(moment, OpaqueType):
        return moment.sql == "timestamp with time zone"
    return moment is SqlType.TIMESTAMP


def _names(history: History | None, table: TableName) -> dict[str, Any]:
    names: dict[str, Any] = {
        "table": sql.Identifier(table.schema, table.name),
        "schema": sql.Literal(table.schema),
        "name": sql.Literal(table.name),
        "file": sql.Identifier(SOURCE_FILE),
        "moment": sql.Identifier(LOAD_TIMESTAMP),
        "loaded": sql.Literal(Status.LOADED.value),
    }
    names["time"] = readable_time(sql.SQL("t.{moment}").format(**names))
    names["named"] = _NAMED.format(**names)
    names["unknown"] = sql.SQL("true")
    if history is not None:
        names["imports"] = sql.Identifier(history.schema, IMPORTS)
        names["unknown"] = _UNKNOWN.format(**names)
    return names
