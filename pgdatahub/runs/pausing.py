"""Pause files of runs: written when a run ends early, removed when nothing is left, checked before a resume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone

from pgdatahub.config import Config
from pgdatahub.errors import PauseFileError
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.results import FileResult, Outcome, RunReport
from pgdatahub.postgres.database import SHARED_REMARK, Database
from pgdatahub.runs.pause_file import PausedFile, PauseState, options_of, pause_file, remove_pause, write_pause


def leave_pause_file(
    report: RunReport,
    config: Config,
    reporter: Reporter,
    *,
    paused: PauseState | None,
    forget: bool,
    database: Database | None,
) -> RunReport:
    """Write the pause file of a run that ended early, or remove the one that is done with.

    Args:
        report: The run's report.
        config: The settings.
        reporter: Receives a warning if the file cannot be written.
        paused: The paused run that this run resumed.
        forget: Remove the pause file of an older run.
        database: The database that the run loaded into; None for a dry run.

    Returns:
        The report, with the path of the pause file.
    """
    if report.stopped is None or config.skip_db:
        if paused is not None or forget:
            remove_pause(config)
        return report
    try:
        path = write_pause(config, _state(report, config, paused, database))
    except OSError as error:
        warning = (
            f"{pause_file(config)} cannot be written: {error.strerror or error}; nothing is lost, "
            "pgdatahub run loads what is left"
        )
        reporter(Notice(text=warning, warning=True))
        return replace(report, warnings=(*report.warnings, warning))
    return replace(report, pause_file=str(path))


def refuse_other_database(paused: PauseState, database: Database, config: Config) -> None:
    """Refuse to resume a run into a database other than the one it began with.

    The descriptions may differ by the version of a server that was upgraded in the meantime, or by a remark on the database; the
    addresses are equal then. Pause files of older versions have no address.

    Raises:
        PauseFileError: The databases differ.
    """
    upgraded = paused.address == database.address and paused.server_version != database.server_version
    described = database.description.removesuffix(SHARED_REMARK)
    if paused.destination.removesuffix(SHARED_REMARK) != described and not upgraded:
        raise PauseFileError(
            f"the paused run loaded into {paused.destination}, and this one would load into {database.description}",
            where=str(pause_file(config)),
            hint="set DATABASE_URL as it was, or forget the paused run with run --force",
        )


def _state(report: RunReport, config: Config, paused: PauseState | None, database: Database | None) -> PauseState:
    loaded = (result.source.identity for result in report.results if result.outcome is Outcome.LOADED)
    reason = report.stopped.value if report.stopped else ""
    return PauseState(
        run_id=report.run_id,
        paused_at=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
        reason=f"{reason}: {report.problem}" if report.problem else reason,
        destination=report.destination,
        address=database.address if database else None,
        server_version=database.server_version if database else None,
        options=options_of(config),
        config_file=str(config.config_file) if config.config_file else None,
        loaded=(*(paused.loaded if paused else ()), *loaded),
        skipped=sum(result.outcome is Outcome.SKIPPED for result in report.results),
        failed=tuple(_failed(report.results)),
        remaining=tuple(map(PausedFile.of, report.remaining)),
    )


def _failed(results: Iterable[FileResult]) -> Iterator[PausedFile]:
    for result in results:
        if result.failure is not None:
            failure = result.failure
            problem = f"{failure.where}: {failure.message}" if failure.where else failure.message
            yield PausedFile.of(result.source, problem)
