"""Queries about a file and the record of its import, in as few round trips as their order allows.

A small file takes little more time than its statements. So its transaction has four round trips: the table's turn with
all facts of the history about the file (:func:`ask`), the table's lock and its columns (:func:`lock_and_reflect`),
COPY, and the record together with COMMIT (:func:`add_import`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.model.imports import COUNTED, LEFT_OUT, Duplicate, ImportRow, Status
from pgdatahub.model.schema import FAILURES, IMPORTS, SCHEMA_CHANGES, TableName, TableSchema
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.connection import Connection

if TYPE_CHECKING:
    from typing_extensions import LiteralString

PAST_COLUMNS: Final = (
    "id",
    "table_schema",
    "table_name",
    "source_file",
    "identity",
    "file_sha256",
    "content_sha256",
    "settings",
    "run_id",
    "row_count",
    "bytes",
    "imported_at",
    "status",
    "reverted_at",
)
"""The columns of ``etl_imports`` that an :class:`ImportRow` has."""

ADDED_COLUMNS: Final[Mapping[str, LiteralString]] = {
    "duplicates": "'[]'::jsonb",
    "reading": "0",
    "routing": "NULL::text",
    "tables": "NULL::jsonb",
    "path_key": "''::text",
}
"""Further columns, which tables of an older version lack, with their defaults."""

IDENTITY_KEY_CHARACTERS: Final = 300
"""Characters of a path in the index that finds the imports of a file; an index entry holds 2,700 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The facts of the history and the catalog about a file and its table.

    Attributes:
        related: The imports that the file may repeat or replace, oldest first.
        moment: The time for its import, UTC: now, but later than any import of the table.
        has_table: The table exists.
    """

    related: Sequence[ImportRow]
    moment: datetime
    has_table: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTable:
    """A table that is locked against changes by other sessions.

    Attributes:
        schema: Its columns.
        knows_others: The history knows a column that the table does not have now.
    """

    schema: TableSchema
    knows_others: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKey:
    """A part of a file: its table, and the SHA-256 of its content, None if it is not known yet."""

    table: TableName
    content_sha256: str | None


def ask(
    connection: Connection,
    history_schema: str,
    parts: Sequence[PartKey],
    *,
    identity: str,
    file_sha256: str,
    turns: Collection[int] = (),
    statuses: Collection[Status] = COUNTED,
    missing: frozenset[str] = frozenset(),
) -> list[FileFacts]:
    """Return the facts about each part of a file, in one round trip.

    Args:
        connection: A connection in any transaction.
        history_schema: The schema of the metadata tables.
        parts: The parts.
        identity: The path of the file below the data root.
        file_sha256: SHA-256 of its bytes.
        turns: Advisory locks to wait for first; later waits for locks are limited.
        statuses: The statuses of the imports.
        missing: The columns that metadata tables of an older version lack.
    """
    answers = []
    with connection.pipeline():
        if turns:
            locks.take_turns_and_limit_waits(connection, turns)
            # A prepared statement keeps its plan; a plan for an empty history would read a long history to its end.
            connection.execute("SET LOCAL enable_seqscan = off")
        for part in parts:
            values = {
                "schema": part.table.schema,
                "name": part.table.name,
                "identity": identity,
                "file": file_sha256,
                "content": part.content_sha256,
                "duplicate": Jsonb([{"identity": identity}]),
                "statuses": [status.value for status in statuses],
            }
            # A separate statement: its snapshot is taken under the lock.
            answers.append(connection.execute(_facts(history_schema, missing), values))
    return [_facts_in(answer.fetchall()) for answer in answers]


def _facts_in(rows: Sequence[Any]) -> FileFacts:
    first = rows[0]
    last: datetime | None = first.last_moment
    moment: datetime = first.moment
    if last is not None and last >= moment:
        moment = last + timedelta(microseconds=1)
    related = [past_import(row._asdict()) for row in rows if row.id is not None]
    return FileFacts(related=related, moment=moment, has_table=first.has_table)


def past_import(row: Mapping[str, Any]) -> ImportRow:
    """Return the import in a row of ``etl_imports``."""
    values = {name: row[name] for name in _OF_IMPORT}
    return ImportRow(
        table=_table(row["table_schema"], row["table_name"]),
        sheets_left_out=tuple(row["sheets_left_out"] or ()),
        duplicates=tuple(map(_duplicate, row["duplicates"])),
        reading=row["reading"],
        routing=row["routing"],
        path_key=row["path_key"],
        tables=tuple(TableName(schema=schema, name=name) for schema, name in row["tables"] or ()),
        **values,
    )


def _duplicate(entry: Mapping[str, Any]) -> Duplicate:
    return Duplicate(**{**entry, "seen_at": datetime.fromisoformat(entry["seen_at"])})


def duplicate_to_json(duplicate: Duplicate) -> dict[str, Any]:
    """Return a duplicate in the form of ``etl_imports.duplicates``."""
    return asdict(duplicate) | {"seen_at": duplicate.seen_at.isoformat(" ")}


def tables_to_json(tables: Sequence[TableName]) -> list[list[str]] | None:
    """Return tables in the form of ``etl_imports.tables``; None for none."""
    return [[table.schema, table.name] for table in tables] or None


@lru_cache(maxsize=256)
def _table(schema: str, name: str) -> TableName:
    return TableName(schema=schema, name=name)


_OF_TABLE: Final = ("table_schema", "table_name")
_OF_IMPORT: Final = tuple(name for name in PAST_COLUMNS if name not in _OF_TABLE)


def past_columns(missing: Collection[str]) -> sql.Composable:
    """Return the columns of an :class:`ImportRow` from ``etl_imports`` as ``i``.

    Args:
        missing: The columns that a table of an older version lacks.
    """
    added = [
        sql.SQL("{} AS {}").format(
            sql.SQL(default) if name in missing else sql.Identifier("i", name), sql.Identifier(name)
        )
        for name, default in ADDED_COLUMNS.items()
    ]
    left_out = sql.SQL("i.counts -> {} AS sheets_left_out").format(sql.Literal(LEFT_OUT))
    return sql.SQL(", ").join([*(sql.Identifier("i", name) for name in PAST_COLUMNS), left_out, *added])


@lru_cache(maxsize=4)
def _facts(history_schema: str, missing: frozenset[str]) -> bytes:
    query = sql.SQL("""
        SELECT facts.*, {past} FROM (
            SELECT timezone('UTC', clock_timestamp()) AS moment,
                   (SELECT max(imported_at) FROM {imports}
                     WHERE table_schema = %(schema)s AND table_name = %(name)s) AS last_moment,
                   EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p')) AS has_table
        ) facts LEFT JOIN {imports} i
            ON i.table_schema = %(schema)s AND i.table_name = %(name)s AND i.status = ANY (%(statuses)s)
           AND (left(i.identity, {key}) = left(%(identity)s, {key}) AND i.identity = %(identity)s
                OR i.file_sha256 = %(file)s OR i.content_sha256 = %(content)s{duplicates})
         ORDER BY i.id
    """).format(
        past=past_columns(missing),
        duplicates=sql.SQL(
            "" if "duplicates" in missing else " OR i.duplicates <> '[]'::jsonb AND i.duplicates @> %(duplicate)s"
        ),
        imports=sql.Identifier(history_schema, IMPORTS),
        key=sql.Literal(IDENTITY_KEY_CHARACTERS),
    )
    return query.as_bytes(None)


@lru_cache(maxsize=4)
def _other_columns(history_schema: str) -> bytes:
    query = sql.SQL("""
        SELECT EXISTS (SELECT FROM {changes} k WHERE k.table_schema = %(schema)s AND k.table_name = %(name)s
                          AND k.column_name IS NOT NULL AND k.column_name NOT IN (
                              SELECT a.attname::text FROM pg_attribute a
                                JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                               WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attnum > 0
                                 AND NOT a.attisdropped))
    """).format(changes=sql.Identifier(history_schema, SCHEMA_CHANGES))
    return query.as_bytes(None)


@lru_cache(maxsize=16)
def _insert(schema: str, table: str, columns: tuple[str, ...], *, returning: bool = False) -> bytes:
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}){}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
        sql.SQL(" RETURNING id" if returning else ""),
    )
    return query.as_bytes(None)


@lru_cache(maxsize=16)
def _insert_import(schema: str, columns: tuple[str, ...], *, returning: bool) -> bytes:
    clear = sql.SQL("""
        WITH cleared AS (
            UPDATE {} SET cleared_at = timezone('UTC', clock_timestamp())
             WHERE identity = %(identity)s AND cleared_at IS NULL
               AND (source_file = %(source_file)s
                    OR (table_schema, table_name) = (%(table_schema)s, %(table_name)s)))
    """).format(sql.Identifier(schema, FAILURES))
    return clear.as_bytes(None) + _insert(schema, IMPORTS, columns, returning=returning)


def lock_and_reflect(
    connection: Connection, history_schema: str, table: TableName, *, wait: bool = True
) -> LockedTable | None:
    """Lock a table against changes by other sessions and return its columns; None if the table does not exist.

    Args:
        connection: A connection in a transaction that has the table's turn.
        history_schema: The schema of the metadata tables.
        table: The table, which existed a moment ago.
        wait: Wait for sessions that have locked the table.

    Raises:
        SchemaError: An object that is not a table has its name.
        psycopg.errors.LockNotAvailable: Another session has locked the table, or held its lock for too long.
        psycopg.errors.UndefinedTable: Another session dropped the table just now.
    """
    with connection.pipeline():
        locks.lock_table(connection, table, wait=wait)
        columns = catalog.ask_columns(connection, table)
        known = connection.execute(_other_columns(history_schema), {"schema": table.schema, "name": table.name})
        connection.execute("SET LOCAL enable_seqscan TO DEFAULT")
    schema = catalog.table_of(table, columns.fetchall())
    row = known.fetchone()
    return None if schema is None else LockedTable(schema=schema, knows_others=bool(row and row[0]))


# Before PostgreSQL 13, only a database in UTF-8 reads the escapes that json.dumps writes for other letters.
_plain_json = partial(json.dumps, ensure_ascii=False)
_JSON: Final = frozenset({"sheets", "counts", "observed", "duplicates", "tables"})


def add_import(connection: Connection, history_schema: str, row: Mapping[str, Any], *, returning: bool) -> int | None:
    """Add a row to ``etl_imports``, and clear the standing failure of the file.

    Args:
        connection: A connection in the transaction of the import.
        history_schema: The schema of the metadata tables.
        row: The row's values by column.
        returning: Wait for the id and return it; otherwise the row goes to the server with the next statement.
    """
    statement = _insert_import(history_schema, tuple(row), returning=returning)
    values = {
        name: Jsonb(value, dumps=_plain_json) if name in _JSON and value is not None else value
        for name, value in row.items()
    }
    answer = connection.execute(statement, values)
    found = answer.fetchone() if returning else None
    return None if found is None else int(found[0])


def add_changes(connection: Connection, history_schema: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to ``etl_schema_changes``, all with the same columns."""
    if rows:
        statement = _insert(history_schema, SCHEMA_CHANGES, tuple(rows[0]))
        connection.driver.cursor().executemany(statement, rows)
