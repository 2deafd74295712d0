"""Differences of ``etl_quarantine``: rows that are not those of the load, or whose import is not loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.model.schema import QUARANTINE, TableName
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.quarantine import QuarantineDifference
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.verification.findings import named
from pgdatahub.runs.verification.result import Difference, DifferenceKind, TableCheck
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def check_quarantine(config: Config, database: Database) -> list[TableCheck]:
    """Return the rows in ``etl_quarantine`` whose import is not loaded, as a check of that table; none without any."""
    history = History(config.schema_name)
    with transaction(database.engine, read_only=True) as connection:
        orphans = history.quarantine.orphans(connection) if history.exists(connection) else {}
    if not orphans:
        return []
    table = TableName(schema=config.schema_name, name=QUARANTINE)
    differences = tuple(orphaned_quarantine(number, rows) for number, rows in orphans.items())
    return [TableCheck(table=table, rows=sum(orphans.values()), imports=0, differences=differences)]


def quarantine_differences(connection: Connection, history: History, table: TableName) -> Iterator[Difference]:
    """Yield the difference of each import of a table whose rows in quarantine are not as loaded."""
    yield from map(_difference, history.quarantine.differences(connection, table, missing=history.missing))


def _difference(one: QuarantineDifference) -> Difference:
    parts = [
        f"{told} in etl_quarantine: {now:,}, and {then:,} at its load"
        for told, now, then in (
            ("rows set aside", one.found.rows, one.recorded.rows),
            ("rows with emptied cells", one.found.blanked, one.recorded.blanked),
        )
        if now != then
    ]
    return Difference(
        kind=DifferenceKind.QUARANTINE,
        text="; ".join(parts),
        hint="run --reload FILE loads it again",
        rows=abs(one.found.rows - one.recorded.rows) + abs(one.found.blanked - one.recorded.blanked),
        import_id=one.import_id,
        file=one.identity,
    )


def orphaned_quarantine(import_id: int, rows: int) -> Difference:
    """Return the difference of rows in quarantine whose import is not loaded."""
    return Difference(
        kind=DifferenceKind.QUARANTINE,
        text=f"{count(rows, 'row')} in etl_quarantine {named(rows)} the import {import_id}, which is not loaded",
        hint="delete them by their import_id",
        rows=rows,
        import_id=import_id,
    )
