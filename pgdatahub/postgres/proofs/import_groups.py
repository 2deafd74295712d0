"""Present rows of a table by the import that they name, beside the history, in one statement.

One statement is one snapshot: a load that commits meanwhile is in both the table and the history, or in neither. The
statement reads the table once and returns one row for each import.

``xmin`` is the number of the transaction that wrote a row. A load writes its rows and its row in ``etl_imports`` in one
transaction (or one savepoint, which has a number of its own). So rows with the number of their history row are as the
load wrote them. The reverse does not hold: a wider type, a restored dump and a later record in the history give one side
a new number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import LOAD_TIMESTAMP, SOURCE_FILE, TableName, TableSchema
from pgdatahub.postgres.history.damaged_rows import MOMENTS, as_object, parsed, readable_rows
from pgdatahub.postgres.history.import_columns import import_row, selected_columns, texts_in
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.observed_json import observed_in
from pgdatahub.postgres.keyed.both import all_rows
from pgdatahub.postgres.keyed.rows import known_writers
from pgdatahub.postgres.keyed.rules import find_rule
from pgdatahub.postgres.rows.import_rows import readable_time
from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportGroup:
    """The rows of a table that name one import.

    Attributes:
        past: The import; None if the history does not know it, or if its row there is damaged.
        source_file: The file that the rows name; None without rows, or if they name none.
        load_timestamp: The time that the rows name, UTC.
        rows: Their number.
        original: The rows with the transaction number of the import's history row, of one of its replays, or before one.
        others: The rows that most others of the import were not written with.
        version: The transaction number of the history row, which changes with each change of that row.
        damage: A user changed the history row, so that nothing more is known about the import.
    """

    past: ImportRow | None
    source_file: str | None
    load_timestamp: datetime | None
    rows: int
    original: int
    others: int
    version: str | None
    damage: HistoryDamagedError | None = None

    @property
    def is_original(self) -> bool:
        """All rows of the import are there, and all are as the load wrote them."""
        return self.past is not None and self.rows == self.original == self.past.row_count


_GROUPS = sql.SQL("""
    WITH written AS (
        SELECT t.{file}::text AS file, t.{moment}::timestamp AS moment, t.xmin::text AS writer, count(*) AS rows
          FROM (SELECT xmin, {file}, {moment} FROM {rows}) t GROUP BY 1, 2, t.xmin
    ), counted AS (
        SELECT i.id, w.file, w.moment, i.xmin::text AS version,
               coalesce(sum(w.rows), 0)::bigint AS rows,
               {written}
          FROM written w
     FULL JOIN (SELECT id, xmin, source_file, imported_at, status, {replays} AS replays FROM {imports}
                 WHERE table_schema = {schema} AND table_name = {name}) i
            ON i.source_file = w.file AND i.imported_at = w.moment
         WHERE w.rows IS NOT NULL OR i.status <> ALL ({gone})
      GROUP BY i.id, w.file, w.moment, i.xmin::text
    )
    SELECT c.file AS named_file, {time} AS named_moment, c.version, c.rows, c.original, c.others, {past}
      FROM counted c LEFT JOIN {imports} i ON i.id = c.id ORDER BY i.id, c.moment, c.file
""")
_WRITTEN = sql.SQL("""
    coalesce(sum(w.rows) FILTER (WHERE w.writer = i.xmin::text OR {replayed} OR {before}), 0)::bigint AS original,
    coalesce(sum(w.rows) FILTER (WHERE NOT {replayed}) - max(w.rows) FILTER (WHERE NOT {replayed}), 0)::bigint AS others
""")
_IS_REPLAY = sql.SQL(
    "coalesce(i.replays @> jsonb_build_array(jsonb_build_object({key}::text, w.writer::bigint)), false)"
)
"""Rows of an import from the quarantine have the numbers of their replays; those of its load that of its history row before."""
_KEYED_WRITTEN = sql.SQL("""
    coalesce(sum(w.rows) FILTER (WHERE w.writer IN ({known})), 0)::bigint AS original,
    CASE WHEN bool_or(w.writer IN ({known})) THEN coalesce(sum(w.rows) FILTER (WHERE w.writer NOT IN ({known})), 0) ELSE 0
     END::bigint AS others
""")
"""Rows of a keyed table move between it and its companion; the history has the numbers of these transactions."""
_FACTS = sql.SQL("SELECT id, identity, observed, sheets, counts FROM {} WHERE id = ANY (%s)")
_VERSION = sql.SQL("SELECT xmin::text FROM {} WHERE id = %s")


def find_groups(connection: Connection, history: History, table: TableName) -> list[ImportGroup]:
    """Return the rows of a table by import, and the loaded imports without rows; unknown imports come last.

    Args:
        connection: A connection in a transaction, which may be read-only.
        history: The history.
        table: A table with the two columns that name an import.
    """
    rule = find_rule(connection, history.schema, table)
    query = _GROUPS.format(
        rows=all_rows(connection, table, (SOURCE_FILE, LOAD_TIMESTAMP)),
        written=_WRITTEN.format(replayed=_IS_REPLAY.format(key="xid"), before=_IS_REPLAY.format(key="before"))
        if rule is None
        else _KEYED_WRITTEN.format(known=known_writers(history.schema, table)),
        replays=sql.SQL("NULL::jsonb" if "replays" in history.missing else "replays"),
        imports=history.imports,
        file=sql.Identifier(SOURCE_FILE),
        moment=sql.Identifier(LOAD_TIMESTAMP),
        schema=sql.Literal(table.schema),
        name=sql.Literal(table.name),
        gone=sql.Literal([status.value for status in Status if status is not Status.LOADED]),
        time=readable_time(sql.SQL("c.moment")),
        past=selected_columns(history.missing),
    )
    rows = readable_rows(connection, connection.execute(query), history.name, MOMENTS)
    return [
        _with_import(
            ImportGroup(
                past=None,
                source_file=row.named_file,
                load_timestamp=row.named_moment,
                rows=row.rows,
                original=row.original,
                others=row.others,
                version=row.version,
            ),
            row,
        )
        for row in rows
    ]


def _with_import(group: ImportGroup, row: Any) -> ImportGroup:
    if row.id is None:
        return group
    try:
        return replace(group, past=import_row(row._asdict()))
    except HistoryDamagedError as error:
        return replace(group, damage=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFacts:
    """Facts about an import that a comparison of its values needs.

    Attributes:
        observed: The columns of its file.
        sheets: The sheets that its rows come from.
        complete: The table took all rows of the file.
    """

    observed: TableSchema
    sheets: tuple[str, ...]
    complete: bool

    @classmethod
    def of(cls, table: TableName, row: Mapping[str, Any], left_out: str) -> ImportFacts:
        """Return the facts in a row of ``etl_imports``.

        Raises:
            HistoryDamagedError: A user changed the row.
        """
        return cls(
            observed=observed_in(table, row),
            sheets=parsed(row, "sheets", lambda: texts_in(row["sheets"])),
            complete=left_out not in parsed(row, "counts", lambda: as_object(row["counts"])),
        )


def import_facts(
    connection: Connection, history: History, table: TableName, ids: Iterable[int], *, left_out: str
) -> tuple[dict[int, ImportFacts], dict[int, HistoryDamagedError]]:
    """Return the facts about imports of a table by id, and the errors of rows that a user changed.

    Args:
        connection: A connection in any transaction.
        history: The history.
        table: The table.
        ids: The imports.
        left_out: The key of ``counts`` for rows that the table did not take.
    """
    facts, damage = {}, {}
    for row in connection.execute(_FACTS.format(history.imports), (list(ids),)):
        try:
            facts[row.id] = ImportFacts.of(table, row._asdict(), left_out)
        except HistoryDamagedError as error:
            damage[row.id] = error
    return facts, damage


def version_of(connection: Connection, history: History, import_id: int) -> str | None:
    """Return the transaction number of an import's history row now."""
    found = connection.scalar(_VERSION.format(history.imports), (import_id,))
    return None if found is None else str(found)
