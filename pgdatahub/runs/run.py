"""A run from its beginning to its report: what is taken up, by whom, and what is left for ``resume`` if it ends early."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from typing import Final

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, DatabaseError, PauseFileError, SpoolError
from pgdatahub.load.dedup import KnownFiles
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.load.results import unknown_rows
from pgdatahub.model.events import FileFinished, FileStarted, Notice, NullReporter, Reporter, RunFinished, RunStarted
from pgdatahub.model.flow import FileResult, Outcome, RunReport, SourceFile, StopReason
from pgdatahub.model.imports import PastImport
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import Database, open_database
from pgdatahub.readers.xlsx.reader_choice import choose_reader
from pgdatahub.runs.executors import LOCAL, find_executor, refuse_embedded
from pgdatahub.runs.log import run_log
from pgdatahub.runs.pause_file import (
    PausedFile,
    PauseState,
    options_of,
    pause_file,
    read_pause,
    remove_pause,
    write_pause,
)
from pgdatahub.runs.scheduler import Dispatch
from pgdatahub.runs.selection import Discovery, Selection, find_files
from pgdatahub.runs.signals import Interruption, Leave
from pgdatahub.runs.units import Unit, largest_first, make_units
from pgdatahub.runs.worker import WorkerSetup
from pgdatahub.runs.worker_pool import Alone, Crew, Pool
from pgdatahub.system import failpoints
from pgdatahub.system.processes import available_processors

__all__ = ["Selection", "find_files", "new_run_id", "resume", "run"]

WORTH_WORKERS_BYTES: Final = 4 * 2**20
"""Less than this is loaded sooner than worker processes are started (some 0.7 s of computing each), so that only who asks
for workers gets them."""
EAGER_BYTES: Final = 8 * 2**20
"""So many bytes of rows are staged before a file is loaded while the rest is read: enough for a beginning to show the types
of nearly every file (some 40,000 rows of 20 columns), and for what is smaller not to be worth it: the server takes them in
a fifth of a second."""


def new_run_id() -> str:
    """Return a name for a run: the moment it began (UTC) and a little chance."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run(
    config: Config,
    *,
    selection: Selection | None = None,
    reporter: Reporter | None = None,
    resume: bool = False,
    force: bool = False,
    adopt: bool = False,
    interruption: Interruption | None = None,
    log_json: bool = False,
) -> RunReport:
    """Load what is not loaded yet.

    Args:
        config: The settings; with ``skip_db`` everything is read and nothing is written.
        selection: Which files; all by default.
        reporter: Is told what happens.
        resume: If a run was paused, do what is left of that instead.
        force: If a run was paused, forget that.
        adopt: Rebuild the history of tables that have rows it does not know, where the files prove them.
        interruption: Says when somebody wants the run to end.
        log_json: Write the log's lines as JSON.

    Returns:
        What was done. Where the run ended early, ``stopped`` says why, and a pause file what is left.

    Raises:
        ConfigError: The settings or the selection are wrong.
        PluginError: A plugin cannot be used.
        DatabaseError: There is no database.
        PauseFileError: A run was paused.
        KeyboardInterrupt: Somebody wanted the run to end before it knew its files (then a ``Leave``), or at any time
            if ``interruption`` is not given or not listening; the pause file is written before.
    """
    # A damaged pause file stands in the way as well, except of who wants to forget it.
    paused = None if force or config.skip_db else read_pause(config)
    if paused is not None and not resume:
        raise PauseFileError(
            f"a run was paused {paused.paused_at} with {len(paused.left)} files left: {paused.reason}",
            where=str(pause_file(config)),
            hint="pgdatahub resume, or run --resume, finishes it; run --force forgets it",
        )
    job = _Run(config, reporter or NullReporter(), interruption or Interruption(), log_json=log_json, adopt=adopt)
    return job.report(selection or Selection(), paused, forget=force)


def resume(
    config: Config,
    *,
    reporter: Reporter | None = None,
    interruption: Interruption | None = None,
    log_json: bool = False,
) -> RunReport:
    """Do what is left of a run that was paused; the pause file goes when nothing is left.

    The settings are the caller's; :data:`PauseState.options` has those that the run was started with.

    Args:
        config: The settings.
        reporter: Is told what happens.
        interruption: Says when somebody wants the run to end.
        log_json: Write the log's lines as JSON.

    Raises:
        ConfigError: No run was paused, or the settings are wrong.
        PauseFileError: The pause file is damaged, or of a run with another destination.
        PluginError: A plugin cannot be used.
        DatabaseError: There is no database.
        Leave: Somebody wanted the run to end before it knew its files.
    """
    if read_pause(config) is None:
        raise ConfigError("no run was paused", where=str(pause_file(config)), hint="pgdatahub run loads what is left")
    return run(config, reporter=reporter, resume=True, interruption=interruption, log_json=log_json)


class _Run:
    """One run."""

    def __init__(
        self, config: Config, reporter: Reporter, interruption: Interruption, *, log_json: bool, adopt: bool
    ) -> None:
        self.config = config
        self._adopt = adopt
        self.interruption = interruption
        self.run_id = new_run_id()
        self.began = time.monotonic()
        self._outer_reporter = reporter
        self._log_json = log_json
        self._interrupt: KeyboardInterrupt | None = None

    def report(self, selection: Selection, paused: PauseState | None, *, forget: bool) -> RunReport:
        """Do it, and return what was done."""
        config = self.config
        log = run_log(
            config.state_dir, self.run_id, as_json=self._log_json, debug=config.debug, reporter=self._outer_reporter
        )
        with log as reporter:
            self.reporter = reporter
            stages = Stages(create_plugin_manager())
            if paused is not None:
                selection = replace(selection, locations=paused.left, reload_locations=paused.reload)
            discovery = find_files(config, stages, selection)
            for warning in (*discovery.warnings, *discovery.failures):
                reporter(Notice(text=warning, warning=True))
            failpoints.reach("discovered")
            if config.executor != LOCAL:
                refuse_embedded(config)
            with ExitStack() as resources:
                database = None if config.skip_db else resources.enter_context(open_database(config, self._say))
                destination = (
                    "nowhere: everything is read, nothing is written" if database is None else database.description
                )
                if paused is not None and database is not None:
                    _refuse_elsewhere(paused, database, pause_file(config))
                reporter(
                    RunStarted(
                        destination=destination,
                        files=len(discovery.files),
                        bytes=sum(source.size for source in discovery.files),
                    )
                )
                pipeline = Pipeline(
                    stages=stages, config=config, reporter=reporter, run_id=self.run_id, database=database
                )
                report = self._work(discovery, pipeline, destination)
                report = self._leave_pause_file(report, paused, forget=forget)
                reporter(RunFinished(report=report))
        if self._interrupt is not None:
            raise self._interrupt
        return report

    def _say(self, line: str) -> None:
        self.reporter(Notice(text=line))

    def _work(self, discovery: Discovery, pipeline: Pipeline, destination: str) -> RunReport:
        dispatch = Dispatch(self.config, self.reporter, self.interruption, pipeline.lookup.look_up)
        left: Sequence[SourceFile] = discovery.files
        # No file is begun before this has answered, so there would be nothing to resume: its errors are the caller's.
        known = pipeline.known(discovery.files)
        try:
            if self._adopt:
                known = pipeline.lookup.adopt(discovery.files, known)
            left, warnings = self._skip_known(discovery.files, pipeline, known, dispatch)
            discovery = replace(discovery, warnings=(*discovery.warnings, *warnings))
            left = self._refuse_unknown(left, pipeline, dispatch)
            older = pipeline.lookup.tables_of_older_readings({source.table for source in left})
            left = [replace(source, compare_older=source.table in older and not source.reload) for source in left]
            units = make_units(left, by_folder=self.config.sectional_commit)
            with self._crew(units, pipeline) as (crew, ordered):
                dispatch.work(ordered, crew)
            pipeline.keep_up(dispatch.results)
        except DatabaseError as error:
            dispatch.stopped, dispatch.problem = StopReason.DATABASE_LOST, str(error)
        except SpoolError as error:
            dispatch.stopped, dispatch.problem = StopReason.DISK_FULL, str(error)
        except Leave as leave:
            dispatch.stopped = leave.reason
        except KeyboardInterrupt as interrupt:
            # Of a program that handles signals itself: it gets its interrupt when the pause file is written.
            dispatch.stopped, self._interrupt = StopReason.INTERRUPTED, interrupt
        if self.config.executor != LOCAL:
            # Whoever works elsewhere may have died after COMMIT, or worked on a file twice.
            with suppress(DatabaseError):
                dispatch.results = pipeline.lookup.confirm(dispatch.results, discovery.files)
        done = {result.source.location for result in dispatch.results}
        remaining = tuple(source for source in discovery.files if source.location not in done)
        return RunReport(
            run_id=self.run_id,
            destination=destination,
            results=tuple(dispatch.results),
            ignored=discovery.ignored,
            unreadable=discovery.unreadable,
            warnings=discovery.warnings,
            seconds=time.monotonic() - self.began,
            stopped=dispatch.stopped,
            problem=dispatch.problem,
            remaining=remaining if dispatch.stopped else (),
            dry=self.config.skip_db,
        )

    def _skip_known(
        self, files: Sequence[SourceFile], pipeline: Pipeline, known: KnownFiles, dispatch: Dispatch
    ) -> tuple[list[SourceFile], tuple[str, ...]]:
        """Skip the files whose bytes are loaded.

        Returns:
            The others, and messages on files that an older version read by other rules.
        """
        left: list[SourceFile] = []
        imports: list[tuple[SourceFile, PastImport]] = []
        for found in files:
            began = time.monotonic()
            source, result = (found, None) if dispatch.stopped else pipeline.lookup.skip_known(found, known)
            if result is None:
                left.append(source)
                continue
            self.reporter(FileStarted(source=source))
            result = replace(result, seconds=time.monotonic() - began)
            self.reporter(FileFinished(result=result))
            dispatch.add((result,))
            past = known.own_import(source, source.hashed.sha256) if source.hashed is not None else None
            if past is not None:
                imports.append((source, past))
        messages = pipeline.lookup.check_readings(imports)
        for text in messages:
            self.reporter(Notice(text=text, warning=True))
        return left, messages

    def _refuse_unknown(self, files: Sequence[SourceFile], pipeline: Pipeline, dispatch: Dispatch) -> list[SourceFile]:
        """Fail the files whose rows their table may have though the history does not know; return the others."""
        unknown = pipeline.lookup.unknown_rows({source.table for source in files})
        left = []
        for source in files:
            result = None
            if source.table in unknown and not dispatch.stopped:
                result = unknown_rows(source, unknown[source.table], self.config.schema_name)
            if result is None:
                left.append(source)
                continue
            self.reporter(FileStarted(source=source))
            self.reporter(FileFinished(result=result))
            dispatch.add((result,))
        return left

    @contextmanager
    def _crew(self, units: list[Unit], pipeline: Pipeline) -> Iterator[tuple[Crew, list[Unit]]]:
        """Yield who works on the units, and the units in the order that suits them."""
        if units and self.config.executor != LOCAL:
            with self._elsewhere(pipeline.database) as crew:
                yield crew, largest_first(units)
            return
        size = self._workers(units)
        if size == 1:
            yield Alone(replace(pipeline, eager_bytes=EAGER_BYTES)), units
            return
        database = pipeline.database
        setup = WorkerSetup(
            config=self.config,
            run_id=self.run_id,
            conninfo=database.conninfo if database else None,
            embedded=database is not None and database.embedded,
        )

        def revive() -> None:
            if database is not None:
                with suppress(DatabaseError):
                    database.revive()

        pool = Pool(setup, size, self.reporter, revive)
        try:
            yield pool, largest_first(units)
        except BaseException:
            pool.close(at_once=True)
            raise
        pool.close()

    @contextmanager
    def _elsewhere(self, database: Database | None) -> Iterator[Crew]:
        """Yield the workers of an executor that somebody else looks after."""
        # Here, so that who loads on one machine does not import the machinery.
        from pgdatahub.runs.executor_pool import Futures
        from pgdatahub.runs.remote_worker import Assignment

        config = self.config
        plugin = find_executor(config.executor)
        assignment = Assignment.of(config, self.run_id, database)
        with plugin.open(
            config.executor_options, workers=config.workers, insecure=config.insecure_executor
        ) as executor:
            crew = Futures(executor, plugin, assignment, self.reporter)
            try:
                crew.greet()
                yield crew
            except BaseException:
                crew.close(at_once=True)
                raise
            crew.close()

    def _workers(self, units: Sequence[Unit]) -> int:
        if self.config.workers is None and sum(unit.size for unit in units) < WORTH_WORKERS_BYTES:
            return 1
        return max(1, min(self.config.workers or self._worth_workers(), len(units)))

    def _worth_workers(self) -> int:
        """Return how many workers make a run faster: with the compiled core, the server needs a processor for itself."""
        return available_processors() - (1 if choose_reader(self.config.reader) == "native" else 0)

    def _leave_pause_file(self, report: RunReport, paused: PauseState | None, *, forget: bool) -> RunReport:
        if report.stopped is None or self.config.skip_db:
            if paused is not None or forget:
                remove_pause(self.config)
            return report
        try:
            path = write_pause(self.config, self._state(report, paused))
        except OSError as error:
            warning = (
                f"{pause_file(self.config)} cannot be written: {error.strerror or error}; nothing is lost, "
                "pgdatahub run loads what is left"
            )
            self.reporter(Notice(text=warning, warning=True))
            return replace(report, warnings=(*report.warnings, warning))
        return replace(report, pause_file=str(path))

    def _state(self, report: RunReport, paused: PauseState | None) -> PauseState:
        loaded = (result.source.identity for result in report.results if result.outcome is Outcome.LOADED)
        reason = report.stopped.value if report.stopped else ""
        return PauseState(
            run_id=report.run_id,
            paused_at=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
            reason=f"{reason}: {report.problem}" if report.problem else reason,
            destination=report.destination,
            options=options_of(self.config),
            config_file=str(self.config.config_file) if self.config.config_file else None,
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


def _refuse_elsewhere(paused: PauseState, database: Database, path: object) -> None:
    if _place(paused.destination) != _place(database.description):
        raise PauseFileError(
            f"the paused run loaded into {paused.destination}, and this one would load into {database.description}",
            where=str(path),
            hint="set DATABASE_URL as it was, or forget the paused run with run --force",
        )


def _place(destination: str) -> str:
    # A server that was upgraded in the meantime is the same place.
    return re.sub(r" \(PostgreSQL [0-9.]+\)", "", destination)
