"""Watching a data root: arriving files are loaded by ordinary runs when they are stable, until the user stops the watch.

The system reports changes (through watchfiles, where it is installed and the root is a folder), and the root is listed at
intervals. After both, listing the root finds the files to load.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from pgdatahub.config import Config
from pgdatahub.config.loading import config_of
from pgdatahub.errors import (
    ConfigError,
    DatabaseError,
    FileChangedError,
    FileError,
    TableBusyError,
    TransientDatabaseError,
    WorkerDiedError,
)
from pgdatahub.model.events import Event, Notice, NullReporter, Reporter, RunStarted
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Outcome, RunReport, StopReason
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import keep_running
from pgdatahub.runs.files.changes import changes, sleep
from pgdatahub.runs.files.selection import Selection
from pgdatahub.runs.files.stability import Seen, StabilityTracker
from pgdatahub.runs.pause_file import read_pause
from pgdatahub.runs.run import run
from pgdatahub.runs.signals import Interruption, Leave
from pgdatahub.system.storage import is_url

SETTLE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 10.0
"""Interval between two listings of a folder; network folders report no changes."""
LOOK_REMOTE_SECONDS: Final = 60.0
"""Interval between two listings of a bucket, longer because listing costs requests."""
AWAY_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits for a database that does not answer; the last wait repeats."""
AGAIN_SECONDS: Final = 60.0
"""Time until the retry of a file whose failure had an outside cause."""
_PASSING: Final = frozenset({kind.__name__ for kind in (WorkerDiedError, TableBusyError, FileChangedError)})
"""Failures with an outside cause, such as a lock."""
_SIGNED_OFF: Final = (None, StopReason.INTERRUPTED, StopReason.TERMINATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """Report of a watch.

    Attributes:
        runs: Number of runs that had files.
        outcomes: Number of files loaded, skipped and failed; a file that changed counts again.
        rows: Number of loaded rows.
        seconds: Duration of the watch.
        stopped: Reason of the end.
        unfinished: True if the last run was interrupted; a pause file names the remaining files.
    """

    runs: int
    outcomes: Counter[Outcome]
    rows: int
    seconds: float
    stopped: StopReason
    unfinished: bool


def watch(
    config: Config | None = None,
    *,
    reporter: Reporter | None = None,
    interruption: Interruption | None = None,
    settle_seconds: float = SETTLE_SECONDS,
    look_seconds: float | None = None,
    log_json: bool = False,
    **settings: Any,
) -> WatchReport:
    """Load the present files and those that arrive, until interrupted.

    Files that fail are reported, and retried when they change. Files wait while the database does not answer.

    Args:
        config: The settings, or None for those of the environment and the files.
        reporter: Receives events, except starts of single runs.
        interruption: Asked whether the user wants the watch to end.
        settle_seconds: Time without changes after which a file is loaded.
        look_seconds: Interval between two listings; by default 10 s for a folder and 60 s for a URL.
        log_json: Write the log's lines as JSON.
        settings: Instead of ``config``, single settings by field, such as ``data_root`` and ``database_url``.

    Raises:
        ConfigError: The settings are wrong, or the data root is not found at the start.
        PluginError: A plugin cannot be used.
    """
    config = config_of(config, settings)
    if settle_seconds < 0 or (look_seconds is not None and look_seconds <= 0):
        raise ConfigError("a number of seconds must be more than 0")
    watcher = _Watcher(config, reporter or NullReporter(), interruption or Interruption(), log_json=log_json)
    return watcher.watch(
        settle_seconds, look_seconds or (LOOK_REMOTE_SECONDS if is_url(config.data_root) else LOOK_SECONDS)
    )


@dataclass(slots=True)
class _Totals:
    runs: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    rows: int = 0
    unfinished: bool = False

    def add(self, report: RunReport) -> None:
        self.runs += bool(report.results)
        self.outcomes.update(result.outcome for result in report.results)
        self.rows += sum(result.rows for result in report.results)
        self.unfinished = report.stopped is not None


class _Watcher:
    """One watch."""

    def __init__(self, config: Config, reporter: Reporter, interruption: Interruption, *, log_json: bool) -> None:
        # A file that fails must not end the watch.
        self._config = config.model_copy(update={"on_error": "continue"})
        self._reporter = reporter
        self._interruption = interruption
        self._log_json = log_json
        self._totals = _Totals()
        self._told: frozenset[str] = frozenset()
        self._unreadable: dict[str, str] = {}
        self._warned: set[str] = set()
        self._was_there = False

    def watch(self, settle_seconds: float, look_seconds: float) -> WatchReport:
        began = time.monotonic()
        tracker = StabilityTracker(settle_seconds)
        stages = Stages(create_plugin_manager())
        self._look(stages, tracker)  # the caller gets errors of the settings, now
        with ExitStack() as resources:
            try:
                resources.enter_context(keep_running(self._config, self._say))
                wait_for_change = resources.enter_context(changes(self._config, self._interruption, self._say))
                self._say(f"watching {self._config.data_root}; Ctrl-C ends it")
                while self._interruption.reason is None:
                    self._load(tracker)
                    wait = min(look_seconds, max(0.05, tracker.next_look(time.monotonic())))
                    if self._interruption.reason is None:
                        wait_for_change(wait)
                        self._look_again(stages, tracker)
            except Leave:
                pass  # between two runs: no file was in work
        return WatchReport(
            runs=self._totals.runs,
            outcomes=self._totals.outcomes,
            rows=self._totals.rows,
            seconds=time.monotonic() - began,
            stopped=self._interruption.reason or StopReason.INTERRUPTED,
            unfinished=self._totals.unfinished,
        )

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, stages: Stages, tracker: StabilityTracker) -> None:
        sources = list(stages.discover(self._config))
        present = {source.location for source in sources}
        candidates = {source.location: source for source in sources if not source.ignored}
        unreadable = {source.identity: str(source.ignored) for source in sources if source.unreadable}
        for folder in sorted(unreadable.keys() - self._unreadable.keys()):
            self._reporter(
                Notice(text=f"{folder}: {unreadable[folder]}; its files wait until it can be read", warning=True)
            )
        self._unreadable = unreadable
        seen = []
        for source in candidates.values():
            try:
                # A listing with versions saves a request for each file.
                version = source.stamp or source.version()
            except (OSError, FileError):
                continue  # deleted since the listing, or not reachable: the next look decides
            seen.append(Seen(location=source.location, version=version, open=not present.isdisjoint(_locks(source))))
        tracker.look(seen, time.monotonic())
        left_open = frozenset(tracker.left_open())
        for location in sorted(left_open - self._told):
            self._say(
                f"{candidates[location].identity} is open in another program; it is loaded when that program closes it"
            )
        self._told = left_open

    def _look_again(self, stages: Stages, tracker: StabilityTracker) -> None:
        try:
            self._look(stages, tracker)
        except ConfigError as error:
            # A network folder may be unreachable for a while.
            if self._told != (told := frozenset({str(error)})):
                self._reporter(Notice(text=f"{error}; waiting for it", warning=True))
            self._told = told

    # ── loading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _load(self, tracker: StabilityTracker) -> None:
        """Load the stable files, and the files that an earlier run left."""
        whole = tracker.whole(time.monotonic())
        while whole and self._interruption.reason is None:
            report = self._run(tuple(whole))
            if report is None:
                return
            self._totals.add(report)
            done = {result.source.location for result in report.results}
            again = {
                result.source.location: time.monotonic() + AGAIN_SECONDS
                for result in report.results
                if result.failure is not None and result.failure.kind in _PASSING
            }
            taken = {location: version for location, version in whole.items() if location in done}
            tracker.done(taken, again_at={location: moment for location, moment in again.items() if location in taken})
            if report.stopped in (StopReason.INTERRUPTED, StopReason.TERMINATED):
                return
            whole = {location: version for location, version in whole.items() if location not in done}
            # A file that was deleted since the listing is in no report.
            if not done and report.stopped is None and read_pause(self._config) is None:
                return

    def _run(self, locations: tuple[str, ...]) -> RunReport | None:
        """Run over the given files, or over those that a paused run left; return None if interrupted."""
        waits = iter(AWAY_SECONDS)
        away = False
        while self._interruption.reason is None:
            try:
                report = run(
                    self._config,
                    selection=Selection(locations=locations),
                    reporter=self._pass_on,
                    resume=True,
                    interruption=self._interruption,
                    log_json=self._log_json,
                )
            except DatabaseError as error:
                if not self._was_there and not isinstance(error, TransientDatabaseError):
                    raise  # such as a wrong password, which waiting does not fix
                problem = str(error)
            else:
                self._was_there = True
                if report.stopped in _SIGNED_OFF:
                    if away:
                        self._say("going on")
                    return report
                self._totals.add(report)
                problem = f"{report.stopped.value}: {report.problem}" if report.stopped else ""
            if not away:
                self._reporter(Notice(text=f"{problem}; the files wait until it is better", warning=True))
            away = True
            sleep(next(waits, AWAY_SECONDS[-1]), self._interruption)
        return None

    def _pass_on(self, event: Event) -> None:
        # The user sees one watch, not its runs, and each warning once.
        if isinstance(event, RunStarted):
            return
        if isinstance(event, Notice) and event.warning:
            if event.text in self._warned:
                return
            self._warned.add(event.text)
        self._reporter(event)

    def _say(self, text: str) -> None:
        self._reporter(Notice(text=text))


def _locks(source: SourceFile) -> tuple[str, str]:
    """Return the lock files that Excel and LibreOffice put beside an open workbook."""
    folder, _, name = source.location.rpartition("/")
    return f"{folder}/~${name}", f"{folder}/.~lock.{name}#"
