"""Queries about a file before its rows are sent, in as few round trips as their order allows.

A small file takes little more time than its statements. So its transaction has four round trips: the table's turn with
all facts of the history about the file (:func:`ask`), the table's lock and its columns (:func:`lock_and_reflect`),
COPY, and the record together with COMMIT (:func:`~pgdatahub.postgres.history.history_inserts.add_import`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.model.imports import COUNTED, ImportRow, Status
from pgdatahub.model.schema import IMPORTS, SCHEMA_CHANGES, TableName, TableSchema
from pgdatahub.postgres.history.damaged_rows import MOMENTS, readable_rows
from pgdatahub.postgres.history.import_columns import IDENTITY_KEY_CHARACTERS, import_row, selected_columns
from pgdatahub.postgres.keyed.both import companion_exists, companion_values
from pgdatahub.postgres.keyed.rules import TableRule, lost_rule, rule_subquery
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import catalog, locks


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The facts of the history and the catalog about a file and its table.

    Attributes:
        related: The imports that the file may repeat or replace, oldest first.
        moment: The time for its import, UTC: now, but later than any import of the table.
        has_table: The table exists.
        rule: The rule in force for the table, or for the table whose companion it is; None if all its rows are in it.
    """

    related: Sequence[ImportRow]
    moment: datetime
    has_table: bool
    rule: TableRule | None = None

    def with_imports(self, related: Iterable[ImportRow]) -> FileFacts:
        """Return the facts with further imports."""
        found = {past.id: past for past in (*self.related, *related)}
        return replace(self, related=[found[number] for number in sorted(found)])


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTable:
    """A table that is locked against changes by other sessions.

    Attributes:
        schema: Its columns.
        knows_others: The history knows a column that the table does not have now.
        triggered: It may have triggers, of whatever kind.
    """

    schema: TableSchema
    knows_others: bool
    triggered: bool = False


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
                **companion_values(part.table),
                "others": [status.value for status in Status if status not in statuses],  # an unknown one is damage
            }
            # A separate statement: its snapshot is taken under the lock.
            answers.append(connection.execute(_facts(history_schema, missing), values))
    history = TableName(schema=history_schema, name=IMPORTS)
    found = [list(readable_rows(connection, answer, history, MOMENTS)) for answer in answers]
    for part, rows in zip(parts, found, strict=True):
        if rows[0].rule is None and rows[0].beside and rows[0].last_moment is not None:
            raise lost_rule(part.table)
    return [_facts_in(rows) for rows in found]


def _facts_in(rows: Sequence[Any]) -> FileFacts:
    first = rows[0]
    last: datetime | None = first.last_moment
    moment: datetime = first.moment
    if last is not None and last >= moment:
        moment = last + timedelta(microseconds=1)
    related = [import_row(row._asdict()) for row in rows if row.id is not None]
    rule = None if first.rule is None else TableRule.from_row(first.rule)
    return FileFacts(related=related, moment=moment, has_table=first.has_table, rule=rule)


@lru_cache(maxsize=4)
def _facts(history_schema: str, missing: frozenset[str]) -> bytes:
    query = sql.SQL("""
        SELECT facts.*, {past} FROM (
            SELECT timezone('UTC', clock_timestamp()) AS moment,
                   (SELECT max(imported_at) FROM {imports}
                     WHERE table_schema = %(schema)s AND table_name = %(name)s) AS last_moment,
                   EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p')) AS has_table,
                   {rule} AS rule, {beside} AS beside
        ) facts LEFT JOIN {imports} i
            ON i.table_schema = %(schema)s AND i.table_name = %(name)s AND i.status <> ALL (%(others)s)
           AND (left(i.identity, {key}) = left(%(identity)s, {key}) AND i.identity = %(identity)s
                OR i.file_sha256 = %(file)s OR i.content_sha256 = %(content)s{duplicates})
         ORDER BY i.id
    """).format(
        past=selected_columns(missing),
        beside=companion_exists(),
        rule=sql.SQL("NULL::jsonb") if "rank_key" in missing else rule_subquery(history_schema),
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
    described = columns.fetchall()
    schema = catalog.table_of(table, described)
    row = known.fetchone()
    if schema is None:
        return None
    return LockedTable(schema=schema, knows_others=bool(row and row[0]), triggered=described[0].triggered)
