"""The table ``etl_failures``: files that runs could not load.

A file has at most one standing failure, whose ``cleared_at`` is NULL. A repeated failure with the same bytes and the same
reason counts its attempts; another failure of the file clears the earlier one.
:func:`~pgdatahub.postgres.history.history_inserts.add_import` clears a failure in the transaction that loads the file. Rows are
never deleted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.failures import FailureRow
from pgdatahub.model.faults import Fault, faults_from_json, faults_to_json
from pgdatahub.model.schema import FAILURES, TableName
from pgdatahub.postgres.history.damaged_rows import PARSING_ERRORS, as_list, as_object, readable_rows, unreadable
from pgdatahub.postgres.history.file_names import file_parameters, of_file
from pgdatahub.postgres.server import server_encoding
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import fitted
from pgdatahub.postgres.tables import catalog

_COLUMNS: Final = (
    "id",
    "table_schema",
    "table_name",
    "source_file",
    "identity",
    "file_sha256",
    "kind",
    "reason",
    "place",
    "hint",
    "faults",
    "failed_at",
    "last_failed_at",
    "attempts",
    "run_id",
    "cleared_at",
)
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_plain_json = partial(json.dumps, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFailure:
    """A failure to record; see :class:`~pgdatahub.model.failures.FailureRow`."""

    table: TableName | None
    source_file: str
    identity: str
    kind: str
    reason: str
    file_sha256: str | None = None
    place: str | None = None
    hint: str | None = None
    faults: tuple[Fault, ...] = ()


class Failures:
    """The table ``etl_failures`` of one schema.

    Args:
        schema: The schema of the metadata tables.
    """

    def __init__(self, schema: str) -> None:
        self._name = TableName(schema=schema, name=FAILURES)
        self._table = sql.Identifier(schema, FAILURES)

    def exists(self, connection: Connection) -> bool:
        """Return whether the table exists; databases of earlier versions get it with the next run."""
        return catalog.is_table(connection, self._name)

    def select(
        self,
        connection: Connection,
        *,
        standing: bool = False,
        file_tail: str | None = None,
        since: datetime | None = None,
    ) -> tuple[FailureRow, ...]:
        """Return failures, oldest first; each given condition narrows them.

        Args:
            connection: A connection in any transaction.
            standing: Only files that are still not loaded.
            file_tail: Only with this ``source_file``, or one that ends with it after a ``/``.
            since: Only failures whose last attempt, or whose end, is at this time or later, UTC.
        """
        if not self.exists(connection) or not server_encoding.storable(connection, [file_tail or ""]):
            return ()
        conditions = {
            "cleared_at IS NULL": standing,
            of_file("source_file"): file_tail is not None,
            "coalesce(cleared_at, last_failed_at) >= %(since)s": since is not None,
        }
        given = [sql.SQL(condition) for condition, applies in conditions.items() if applies]
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY id").format(
            sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
            self._table,
            sql.SQL(" AND ").join([*given, sql.SQL("true")]),
        )
        values = {**file_parameters(file_tail), "since": since}
        rows = readable_rows(
            connection, connection.execute(query, values), self._name, ("failed_at", "last_failed_at", "cleared_at")
        )
        return tuple(_row(row._asdict()) for row in rows)

    def record(self, connection: Connection, run_id: str, failures: Iterable[NewFailure]) -> None:
        """Record failures of a run."""
        for failure in failures:
            self._record(connection, run_id, failure)

    def _record(self, connection: Connection, run_id: str, failure: NewFailure) -> None:
        values = _values(connection, run_id, failure)
        query = sql.SQL("""
            WITH standing AS (
                SELECT id, file_sha256 IS NOT DISTINCT FROM %(file_sha256)s AND reason = %(reason)s
                       AND place IS NOT DISTINCT FROM %(place)s AS same
                  FROM {table}
                 WHERE table_schema IS NOT DISTINCT FROM %(table_schema)s
                   AND table_name IS NOT DISTINCT FROM %(table_name)s
                   AND identity = %(identity)s AND cleared_at IS NULL
            ), again AS (
                UPDATE {table} f
                   SET last_failed_at = timezone('UTC', clock_timestamp()), attempts = attempts + 1, run_id = %(run_id)s
                  FROM standing WHERE f.id = standing.id AND same RETURNING f.id
            ), other AS (
                UPDATE {table} f SET cleared_at = timezone('UTC', clock_timestamp())
                  FROM standing WHERE f.id = standing.id AND NOT same
            )
            INSERT INTO {table} ({columns}, failed_at, last_failed_at, attempts)
            SELECT {values}, moment, moment, 1 FROM timezone('UTC', clock_timestamp()) moment
             WHERE NOT EXISTS (SELECT FROM again)
        """).format(
            table=self._table,
            columns=sql.SQL(", ").join(map(sql.Identifier, values)),
            values=sql.SQL(", ").join(map(_placeholder, values)),
        )
        connection.execute(query, values)

    def rewrite(
        self, connection: Connection, number: int, *, reason: str, hint: str | None, faults: list[dict[str, Any]]
    ) -> None:
        """Replace the texts of a failure; only to remove the values of cells."""
        query = sql.SQL("UPDATE {} SET reason = %s, hint = %s, faults = %s WHERE id = %s").format(self._table)
        connection.execute(query, (reason, hint, Jsonb(faults, dumps=_plain_json), number))

    def clear(self, connection: Connection, ids: Collection[int]) -> None:
        """Record that files are loaded, or are gone."""
        if ids:
            query = sql.SQL(
                "UPDATE {} SET cleared_at = timezone('UTC', clock_timestamp()) WHERE id = ANY (%s) AND cleared_at IS NULL"
            ).format(self._table)
            connection.execute(query, [list(ids)])

    def forget(self, connection: Connection, ids: Collection[int]) -> None:
        """Delete failures; only for ``db move``, which takes them to another database."""
        if ids:
            connection.execute(sql.SQL("DELETE FROM {} WHERE id = ANY (%s)").format(self._table), [list(ids)])


_TYPES: Final = {"file_sha256": "varchar", "faults": "jsonb"}


def _placeholder(name: str) -> sql.Composed:
    # A SELECT list does not tell the server the types of its parameters.
    return sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL(_TYPES.get(name, "text")))


def _values(connection: Connection, run_id: str, failure: NewFailure) -> dict[str, Any]:
    values = {
        "table_schema": failure.table.schema if failure.table is not None else None,
        "table_name": failure.table.name if failure.table is not None else None,
        "source_file": failure.source_file,
        "identity": failure.identity,
        "file_sha256": failure.file_sha256,
        "kind": failure.kind,
        "reason": failure.reason,
        "place": failure.place,
        "hint": failure.hint,
        "run_id": run_id,
    }
    stored = {name: None if value is None else fitted(connection, storable(value)) for name, value in values.items()}
    faults = fitted(connection, _storable_json(faults_to_json(failure.faults)))
    return {**stored, "faults": Jsonb(faults, dumps=_plain_json)}


def storable(text: str) -> str:
    r"""Return a text with ``\x00`` and unpaired surrogates escaped, which PostgreSQL cannot store."""
    return _UNSTORABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def _storable_json(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _storable_json(item) for key, item in value.items()}
    return value


def _row(values: dict[str, Any]) -> FailureRow:
    schema, name = values.pop("table_schema"), values.pop("table_name")
    table = None if name is None else TableName(schema=schema, name=name)
    content = values.pop("faults")
    try:
        faults = faults_from_json([as_object(entry) for entry in as_list(content)])
        return FailureRow(table=table, faults=faults, **values)
    except PARSING_ERRORS as error:
        number = values["id"]
        raise HistoryDamagedError(
            f"the column faults of failure {number} in {FAILURES} was changed by hand: {unreadable(error)}",
            hint=f"delete the row with the id {number}: a run records the failure again if the file still fails",
        ) from error
