"""A run from start to report: skip loaded files, distribute the others to workers, leave a pause file on an early end."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from pgdatahub.config import Config
from pgdatahub.config.loading import config_of
from pgdatahub.errors import ConfigError, DatabaseError, PauseFileError, SpoolError
from pgdatahub.load.contracts import column_keys
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import Notice, NullReporter, Reporter, RunFinished, RunStarted
from pgdatahub.model.missing import MissingFile
from pgdatahub.model.results import RunReport, StopReason
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import open_database
from pgdatahub.runs.checks.report_folder import mark_results
from pgdatahub.runs.failures import FailureRecorder
from pgdatahub.runs.files.files_to_load import FilesToLoad
from pgdatahub.runs.files.left_tables import find_left, mark_leaving, warn_of_left
from pgdatahub.runs.files.selection import Discovery, Selection, find_files
from pgdatahub.runs.logs.log import run_log
from pgdatahub.runs.pause_file import PauseState, pause_file, read_pause
from pgdatahub.runs.pausing import leave_pause_file, refuse_other_database
from pgdatahub.runs.plans.missing_files import treat_missing
from pgdatahub.runs.run_id import new_run_id
from pgdatahub.runs.signals import Interruption, Leave
from pgdatahub.runs.workers.executors import LOCAL, refuse_embedded
from pgdatahub.runs.workers.pool_choice import open_pool
from pgdatahub.runs.workers.scheduler import Scheduler
from pgdatahub.runs.workers.units import make_units
from pgdatahub.system import failpoints
from pgdatahub.values.counting import count

__all__ = ["Selection", "find_files", "resume", "run"]


def run(
    config: Config | None = None,
    *,
    selection: Selection | None = None,
    reporter: Reporter | None = None,
    resume: bool = False,
    force: bool = False,
    adopt: bool = False,
    interruption: Interruption | None = None,
    log_json: bool = False,
    **settings: Any,
) -> RunReport:
    """Load the files that are not loaded yet.

    Args:
        config: The settings, or None for those of the environment and the files. With ``skip_db`` everything is read and
            nothing is written.
        selection: The files to load; all by default.
        reporter: Receives events.
        resume: If a run is paused, load its remaining files instead.
        force: If a run is paused, forget its remaining files.
        adopt: Rebuild lost history for tables whose rows the files prove.
        interruption: Asked whether the user wants the run to end.
        log_json: Write the log's lines as JSON.
        settings: Instead of ``config``, single settings by field, such as ``data_root`` and ``database_url``.

    Returns:
        The report. If the run ended early, ``stopped`` has the reason and a pause file has the remaining files.

    Raises:
        ConfigError: The settings or the selection are wrong.
        PluginError: A plugin cannot be used.
        DatabaseError: The database does not answer.
        PauseFileError: A run is paused.
        KeyboardInterrupt: The user interrupted the run before it knew its files (then a ``Leave``), or at any time if
            ``interruption`` is not given or not listening; the pause file is written before.
    """
    config = config_of(config, settings)
    # A damaged pause file is an error too, unless --force forgets it.
    paused = None if force or config.skip_db else read_pause(config)
    if paused is not None and not resume:
        raise PauseFileError(
            f"a run was paused {paused.paused_at} with {count(len(paused.left), 'file')} left: {paused.reason}",
            where=str(pause_file(config)),
            hint="pgdatahub resume, or run --resume, finishes it; run --force forgets it",
        )
    job = _Run(config, reporter or NullReporter(), interruption or Interruption(), log_json=log_json, adopt=adopt)
    return job.report(selection or Selection(), paused, forget=force)


def resume(
    config: Config | None = None,
    *,
    reporter: Reporter | None = None,
    interruption: Interruption | None = None,
    log_json: bool = False,
    **settings: Any,
) -> RunReport:
    """Load the remaining files of a paused run, and remove the pause file when none is left.

    The caller gives the settings; :data:`PauseState.options` holds those of the paused run.

    Args:
        config: The settings, or None for those of the environment and the files.
        reporter: Receives events.
        interruption: Asked whether the user wants the run to end.
        log_json: Write the log's lines as JSON.
        settings: Instead of ``config``, single settings by field, such as ``data_root`` and ``database_url``.

    Raises:
        ConfigError: No run is paused, or the settings are wrong.
        PauseFileError: The pause file is damaged, or of a run into another database.
        PluginError: A plugin cannot be used.
        DatabaseError: The database does not answer.
        Leave: The user interrupted the run before it knew its files.
    """
    config = config_of(config, settings)
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
        self.began_at = time.time()
        self._outer_reporter = reporter
        self._log_json = log_json
        self._interrupt: KeyboardInterrupt | None = None

    def report(self, selection: Selection, paused: PauseState | None, *, forget: bool) -> RunReport:
        """Run, and return the report."""
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
                try:
                    database = None if config.skip_db else resources.enter_context(open_database(config, self._say))
                except DatabaseError as error:
                    self._tell(stages, self._without_database(discovery, error))
                    raise
                destination = (
                    "nowhere: everything is read, nothing is written" if database is None else database.description
                )
                if paused is not None and database is not None:
                    refuse_other_database(paused, database, config)
                reporter(
                    RunStarted(
                        destination=destination,
                        files=len(discovery.files),
                        bytes=sum(source.size for source in discovery.files),
                    )
                )
                pipeline = Pipeline(
                    stages=stages,
                    config=config,
                    reporter=reporter,
                    run_id=self.run_id,
                    database=database,
                    ending=lambda: self.interruption.reason is not None,
                )
                report = self._work(discovery, pipeline, destination, complete=selection.everything)
                report = leave_pause_file(
                    report,
                    config,
                    reporter,
                    paused=paused,
                    forget=forget,
                    database=database,
                )
                report = self._tell(stages, report)
                reporter(RunFinished(report=report))
        if self._interrupt is not None:
            raise self._interrupt
        return report

    def _tell(self, stages: Stages, report: RunReport) -> RunReport:
        """Tell the plugins of the end of the run; return the report, with their failures as warnings."""
        failed = tuple(stages.finished(report, self.config))
        for text in failed:
            self.reporter(Notice(text=text, warning=True))
        return replace(report, warnings=(*report.warnings, *failed))

    def _without_database(self, discovery: Discovery, error: DatabaseError) -> RunReport:
        """Return the report, for plugins, of a run that ends because the database does not answer."""
        return RunReport(
            run_id=self.run_id,
            destination=error.where or "",
            results=(),
            ignored=discovery.ignored,
            unreadable=discovery.unreadable,
            warnings=discovery.warnings,
            seconds=time.monotonic() - self.began,
            stopped=StopReason.of_database(error),
            problem=self.config.secrets.mask(str(error)),
            remaining=discovery.files,
        )

    def _say(self, line: str) -> None:
        self.reporter(Notice(text=line))

    def _work(self, discovery: Discovery, pipeline: Pipeline, destination: str, *, complete: bool) -> RunReport:
        recorder = FailureRecorder(
            self.config, pipeline.database, self.run_id, self.reporter, pipeline.queries.gave_way
        )
        scheduler = Scheduler(self.config, self.reporter, self.interruption, pipeline.committed.look_up, recorder.take)
        missing: tuple[MissingFile, ...] = ()
        # No file has started yet, so there is nothing to resume: the caller gets the errors.
        if self._adopt:
            pipeline.lookup.restore_metadata(discovery.files)
        known = pipeline.known(discovery.files)
        recorder.begin()
        try:
            if self._adopt:
                known = pipeline.lookup.adopt(discovery.files, known)
            choice = FilesToLoad(lookup=pipeline.lookup, scheduler=scheduler, reporter=self.reporter)
            left, warnings = choice.skip_known(discovery.files, known)
            discovery = replace(discovery, warnings=(*discovery.warnings, *warnings))
            left = choice.mark_older(choice.refuse_unknown(left))
            left = mark_leaving(left, find_left(pipeline, left))
            units = make_units(left, by_folder=self.config.sectional_commit)
            with open_pool(units, pipeline) as (pool, ordered):
                scheduler.work(ordered, pool)
            if scheduler.stopped is None and self.interruption.reason is None:
                missing = treat_missing(self.config, discovery, pipeline, scheduler.results, self.reporter)
            pipeline.keep_up(scheduler.results)
            pipeline.describe(scheduler.results)
        except DatabaseError as error:
            scheduler.stopped, scheduler.problem = StopReason.of_database(error), str(error)
        except SpoolError as error:
            scheduler.stopped, scheduler.problem = StopReason.DISK_FULL, str(error)
        except Leave as leave:
            scheduler.stopped = leave.reason
        except KeyboardInterrupt as interrupt:
            # A program that handles signals itself gets its interrupt after the pause file is written.
            scheduler.stopped, self._interrupt = StopReason.INTERRUPTED, interrupt
        if self.config.executor != LOCAL:
            # A remote worker may have died after COMMIT, or loaded a file that another worker loaded too.
            with suppress(DatabaseError):
                scheduler.results = pipeline.committed.confirm(scheduler.results, discovery.files)
        discovery = self._check_keys(discovery, pipeline, scheduler)
        with suppress(DatabaseError):
            stayed = warn_of_left(find_left(pipeline, discovery.files), self.reporter)
            discovery = replace(discovery, warnings=(*discovery.warnings, *stayed))
        with suppress(DatabaseError):
            recorder.finish(discovery, scheduler.results, complete=complete)
        results = () if self.config.skip_db else scheduler.results
        marks = mark_results(self.config, pipeline.stages, results, self.reporter, began=self.began_at)
        done = {result.source.location for result in scheduler.results}
        remaining = tuple(source for source in discovery.files if source.location not in done)
        return RunReport(
            run_id=self.run_id,
            destination=destination,
            results=tuple(scheduler.results),
            ignored=discovery.ignored,
            unreadable=discovery.unreadable,
            warnings=(*discovery.warnings, *marks.warnings),
            seconds=time.monotonic() - self.began,
            stopped=scheduler.stopped,
            problem=scheduler.problem,
            remaining=remaining if scheduler.stopped else (),
            dry=self.config.skip_db,
            missing=missing,
            marked=marks.marked,
            repeated=frozenset(recorder.repeated),
            recovered=tuple(recorder.recovered),
        )

    def _check_keys(self, discovery: Discovery, pipeline: Pipeline, scheduler: Scheduler) -> Discovery:
        """Warn of keys under ``columns:`` that mean no column."""
        warnings: tuple[str, ...] = ()
        with suppress(DatabaseError):
            warnings = column_keys.warnings(self.config, scheduler.results, pipeline.lookup.columns_of)
        for text in warnings:
            self.reporter(Notice(text=text, warning=True))
        return replace(discovery, warnings=(*discovery.warnings, *warnings))
