"""The report: what the history, the catalog and, on request, the tables themselves tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final

from pgdatahub.config import Config
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.imports import Status
from pgdatahub.postgres.database import UNMADE, is_unmade, open_database
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.reports.page.content import MOST, Listed, Report, Totals
from pgdatahub.reports.page.failures import failure_entries
from pgdatahub.reports.page.folders import Folders
from pgdatahub.reports.page.periods import Calendar
from pgdatahub.reports.page.selection import Choice, select
from pgdatahub.reports.page.tables import TableEntries, skipped_entries
from pgdatahub.system.version import __version__

_NOT_OF_A_RUN: Final = "The history does not tell which run skipped a file; etl.log does."


def make_report(
    config: Config,
    choice: Choice,
    *,
    reporter: Reporter | None = None,
    progress: Callable[[str], None] = lambda _table: None,
) -> Report:
    """Return the report; nothing is written to the database.

    Args:
        config: The settings.
        choice: The part of the history.
        reporter: Receives notices on the embedded server.
        progress: Receives the name of each table before the table is read.

    Raises:
        ConfigError: The history has no such table or run.
        DatabaseError: The database does not answer.
    """
    announce = announcer(reporter)
    if is_unmade(config, announce):
        return empty_report(UNMADE)
    with (
        open_database(config, announce) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        history = History(config.schema_name)
        if not history.exists(connection):
            return empty_report(database.description)
        chosen = select(connection, history, Failures(config.schema_name), choice)
        folders = Folders(config=config)
        calendar = Calendar()
        for past in chosen.imports:
            calendar.load(past.imported_at, rows=past.row_count, aside=past.quarantined)
        for failure in chosen.failures:
            calendar.fail(failure.failed_at)
        entries = TableEntries.read(
            connection,
            history,
            folders,
            chosen,
            scan=choice.scan,
            texts=choice.texts,
        )
        tables = []
        for number, table in enumerate(chosen.tables[:MOST]):
            progress(str(table))
            tables.append(entries.entry(table, number))
        others = chosen.tables[MOST:]
        for moment in entries.change_moments():
            calendar.change(moment)
        unit, periods = calendar.periods()
        loaded = [past for past in chosen.imports if past.status == Status.LOADED]
        return Report(
            destination=database.description,
            made_at=_now(),
            version=__version__,
            scope=chosen.scope,
            is_run=chosen.run is not None,
            unit=unit,
            periods=periods,
            failures=Listed.of(failure_entries(chosen.failures, folders, texts=choice.texts)),
            standing=sum(one.stands for one in chosen.failures),
            tables=Listed(shown=tuple(tables), more=len(others)),
            totals=Totals(
                tables=len(chosen.tables),
                rows=sum(one.rows for one in tables) + sum(past.row_count for past in loaded if past.table in others),
                files=len({past.source_file for past in loaded}),
                skipped=len(skipped_entries(chosen.imports)),
                aside=sum(past.quarantined for past in loaded),
            ),
            notes=(_NOT_OF_A_RUN,) if chosen.run is not None else (),
        )


def empty_report(destination: str) -> Report:
    """Return the report on a database without a history."""
    return Report(
        destination=destination,
        made_at=_now(),
        version=__version__,
        scope=None,
        is_run=False,
        unit="day",
        periods=(),
        failures=Listed(),
        standing=0,
        tables=Listed(),
        totals=Totals(),
    )


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
