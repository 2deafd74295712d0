"""Rows of ``etl_quarantine`` on their way into the table of their import, and what the history keeps of that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.model.aside import ROW
from pgdatahub.model.imports import Replay
from pgdatahub.model.schema import IMPORTS, QUARANTINE, TableName, TableSchema
from pgdatahub.postgres.history.aside_json import cells_in, damaged_aside, layout_in
from pgdatahub.postgres.history.damaged_rows import PARSING_ERRORS, as_object, parsed
from pgdatahub.postgres.history.import_columns import replay_to_json
from pgdatahub.postgres.history.observed_json import observed_in, observed_to_json
from pgdatahub.postgres.rows.import_rows import rows_with
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import fitted

Place = tuple[int, int]
"""The section and the number of a row in its sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """A row in ``etl_quarantine``: its place, its cells, and a letter for the kind of each."""

    place: Place
    cells: Mapping[str, str]
    kinds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRows:
    """The rows of an import that are set aside.

    Attributes:
        rows: Those that are not in the table, in their order.
        emptied: The number of rows in the table with emptied cells.
        layout: The places of the tables that they come from.
        modified_at: The time when the file was changed last, if known.
    """

    rows: tuple[WaitingRow, ...]
    emptied: int
    layout: Mapping[str, Any]
    modified_at: datetime | None


class Replays:
    """Replays in the metadata tables of one schema.

    Args:
        schema: The schema of the metadata tables.
    """

    def __init__(self, schema: str) -> None:
        self._table = sql.Identifier(schema, QUARANTINE)
        self._imports = sql.Identifier(schema, IMPORTS)

    def waiting(self, connection: Connection, import_id: int) -> WaitingRows:
        """Return the rows of an import that are set aside."""
        facts = connection.one(
            sql.SQL("SELECT id, identity, layout, modified_at FROM {} WHERE id = {}").format(self._imports, import_id)
        )
        query = sql.SQL("""
            SELECT section, row_number, action, cells, kinds, sheet FROM {} WHERE import_id = %s ORDER BY section, row_number
        """).format(self._table)
        found = connection.execute(query, (import_id,)).fetchall()
        return WaitingRows(
            rows=tuple(
                _waiting_row(row, f"import {facts.id} ({facts.identity})") for row in found if row.action == ROW
            ),
            emptied=sum(row.action != ROW for row in found),
            layout=layout_in(facts._asdict()),
            modified_at=facts.modified_at,
        )

    def leave(self, connection: Connection, import_id: int, places: Sequence[Place]) -> None:
        """Delete rows that are in their table now."""
        query = sql.SQL("""
            DELETE FROM {} q USING unnest(%s::int[], %s::bigint[]) AS gone (section, row_number)
             WHERE q.import_id = %s AND q.section = gone.section AND q.row_number = gone.row_number
        """).format(self._table)
        connection.execute(query, (*_columns(places), import_id))

    def set_faults(
        self, connection: Connection, import_id: int, faults: Mapping[Place, Sequence[tuple[str, str, str]]]
    ) -> None:
        """Replace the faults of rows that stay: cell, column and rule of each."""
        if not faults:
            return
        query = sql.SQL("""
            UPDATE {} q SET faults = fresh.faults::jsonb
              FROM unnest(%s::int[], %s::bigint[], %s::text[]) AS fresh (section, row_number, faults)
             WHERE q.import_id = %s AND q.section = fresh.section AND q.row_number = fresh.row_number
               AND q.faults <> fresh.faults::jsonb
        """).format(self._table)
        texts = [
            json.dumps(
                [{"cell": cell, "column": column, "rule": rule} for cell, column, rule in one], ensure_ascii=False
            )
            for one in faults.values()
        ]
        connection.execute(query, (*_columns(list(faults)), texts, import_id))

    def record(
        self,
        connection: Connection,
        import_id: int,
        *,
        table: TableName,
        replay: Replay,
        gone: int,
        observed: TableSchema,
        counts: Mapping[str, int],
    ) -> None:
        """Record a replay, in the transaction, or the savepoint, that wrote its rows.

        Args:
            connection: The connection.
            import_id: The import.
            table: Its table.
            replay: The replay; its numbers of transactions are found here.
            gone: The number of rows that left the quarantine.
            observed: The columns that its rows needed.
            counts: Further counts.
        """
        past = connection.one(
            sql.SQL(
                "SELECT id, identity, observed, counts, replays, xmin::text::bigint AS version FROM {} WHERE id = {}"
            ).format(self._imports, import_id)
        )
        # The number of this transaction is that of each row which it writes.
        version = connection.scalar(
            sql.SQL("UPDATE {} SET status = status WHERE id = {} RETURNING xmin::text::bigint").format(
                self._imports, import_id
            )
        )
        joined = joined_columns(observed_in(table, past._asdict()), observed)
        entry = replay_to_json(replay) | {"xid": version, "before": past.version}
        total = dict(parsed(past._asdict(), "counts", lambda: as_object(past.counts)))
        for key, count in counts.items():
            total[key] = total.get(key, 0) + count
        self._set(
            connection,
            import_id,
            "row_count = row_count + %(rows)s, quarantined = quarantined - %(gone)s, observed = %(observed)s,"
            " counts = %(counts)s, replays = %(replays)s",
            {
                "rows": replay.rows,
                "gone": gone,
                "observed": _jsonb(fitted(connection, observed_to_json(joined))),
                "counts": _jsonb(fitted(connection, total)),
                "replays": _jsonb([*(past.replays or ()), entry]),
            },
        )

    def trust(
        self, connection: Connection, table: TableName, source_file: str, load_timestamp: datetime, run_id: str
    ) -> None:
        """Record the transactions that wrote rows of an import after most others, once a proof showed that all are right."""
        writers = sql.SQL("""
            SELECT xmin::text::bigint AS xid, count(*) AS rows FROM {} WHERE {} GROUP BY xmin::text ORDER BY 2 DESC, 1
        """).format(sql.Identifier(table.schema, table.name), rows_with(source_file, load_timestamp))
        _, *later = connection.execute(writers).fetchall() or [None]
        if not later:
            return
        past = connection.one(
            sql.SQL("""
                SELECT id, settings, timezone('UTC', clock_timestamp()) AS now FROM {}
                 WHERE table_schema = {} AND table_name = {} AND source_file = {} AND imported_at = {}
            """).format(self._imports, table.schema, table.name, source_file, load_timestamp)
        )
        entries = [
            replay_to_json(
                Replay(at=past.now, run_id=run_id, rows=row.rows, xid=row.xid, before=None, settings=past.settings)
            )
            for row in later
        ]
        self._set(connection, past.id, "replays = %(replays)s", {"replays": _jsonb(entries)})

    def _set(self, connection: Connection, import_id: int, settings: Any, values: Mapping[str, Any]) -> None:
        query = sql.SQL("UPDATE {} SET {} WHERE id = %(id)s").format(self._imports, sql.SQL(settings))
        connection.execute(query, {**values, "id": import_id})


def _waiting_row(row: Any, file: str) -> WaitingRow:
    try:
        cells = cells_in(row.cells, row.kinds)
    except PARSING_ERRORS as error:
        raise damaged_aside(row.row_number, row.sheet, file, error) from error
    return WaitingRow(place=(row.section, row.row_number), cells=cells, kinds=row.kinds)


def joined_columns(past: TableSchema, further: TableSchema) -> TableSchema:
    """Return the columns that the rows of two loads of one import need together."""
    columns = dict(past.by_name)
    for column in further.columns:
        known = columns.get(column.name)
        columns[column.name] = column if known is None else replace(known, created_as=column.created_as).join(column)
    return TableSchema(table=past.table, columns=tuple(columns.values()))


def _columns(places: Sequence[Place]) -> tuple[list[int], list[int]]:
    return [section for section, _ in places], [row for _, row in places]


def _jsonb(value: Any) -> Jsonb:
    return Jsonb(value, dumps=partial(json.dumps, ensure_ascii=False))
