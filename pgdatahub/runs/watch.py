"""Watching a data root: what arrives is loaded when it is whole, by the same runs as ever, until somebody stops it.

The system says when something changes (through watchfiles, where it is installed and the root is a folder); besides, and
everywhere else, the root is listed every now and then. Either way, what there is to do is found out by looking.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.config import Config
from pgdatahub.errors import (
    ConfigError,
    DatabaseError,
    FileChangedError,
    FileError,
    TableBusyError,
    TransientDatabaseError,
    WorkerDiedError,
)
from pgdatahub.model.events import Event, Notice, NullReporter, Reporter, RunFinished, RunStarted
from pgdatahub.model.flow import Outcome, RunReport, SourceFile, StopReason
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import keep_running
from pgdatahub.runs.changes import changes, sleep
from pgdatahub.runs.pause_file import read_pause
from pgdatahub.runs.run import run
from pgdatahub.runs.selection import Selection
from pgdatahub.runs.signals import Interruption, Leave
from pgdatahub.runs.stability import Seen, StabilityTracker
from pgdatahub.system.storage import is_url

SETTLE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 10.0
"""How often a folder is listed where nothing tells of changes, network folders included."""
LOOK_REMOTE_SECONDS: Final = 60.0
"""Listing a bucket costs requests."""
AWAY_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits for a database that is away; the last one again and again."""
AGAIN_SECONDS: Final = 60.0
"""After how long a file is tried again whose failure was not its own."""
_PASSING: Final = frozenset({kind.__name__ for kind in (WorkerDiedError, TableBusyError, FileChangedError)})
"""Failures that are not the file's own."""
_SIGNED_OFF: Final = (None, StopReason.INTERRUPTED, StopReason.TERMINATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """What was done while watching.

    Attributes:
        runs: How many runs had something to do.
        outcomes: How many files were loaded, skipped and failed; a file that came back counts again.
        rows: Rows loaded.
        seconds: How long it was watched.
        stopped: Why it ended.
        unfinished: The last run was cut short; a pause file says what is left.
    """

    runs: int
    outcomes: Counter[Outcome]
    rows: int
    seconds: float
    stopped: StopReason
    unfinished: bool


def watch(
    config: Config,
    *,
    reporter: Reporter | None = None,
    interruption: Interruption | None = None,
    settle_seconds: float = SETTLE_SECONDS,
    look_seconds: float | None = None,
    log_json: bool = False,
) -> WatchReport:
    """Load what is there and what arrives, until interrupted.

    Files that do not load are told of and tried again when they change. While the database is away, files wait.

    Args:
        config: The settings.
        reporter: Is told what happens; never of single runs' beginnings and ends.
        interruption: Says when somebody wants the end.
        settle_seconds: How long a file must stay as it is before it is loaded.
        look_seconds: How often the root is listed; by default 10 s for a folder and 60 s for a URL.
        log_json: Write the log's lines as JSON.

    Raises:
        ConfigError: The settings are wrong, or the data root is not there at the beginning.
        PluginError: A plugin cannot be used.
    """
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
        # One file that fails is no reason to leave those that are still to come.
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
        self._look(stages, tracker)  # whatever is wrong with the settings is the caller's, now
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
                pass  # between two runs: nothing was in work
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
                # A listing that tells versions spares a request for each file.
                version = source.stamp or source.version()
            except (OSError, FileError):
                continue  # gone since it was listed, or out of reach: the next look tells
            seen.append(Seen(location=source.location, version=version, open=not present.isdisjoint(_locks(source))))
        tracker.look(seen, time.monotonic())
        left_open = frozenset(tracker.left_open())
        for location in sorted(left_open - self._told):
            self._say(f"{candidates[location].identity} is open in another program; it is loaded when it is closed")
        self._told = left_open

    def _look_again(self, stages: Stages, tracker: StabilityTracker) -> None:
        try:
            self._look(stages, tracker)
        except ConfigError as error:
            # A network folder that is away for a while comes back.
            if self._told != (told := frozenset({str(error)})):
                self._reporter(Notice(text=f"{error}; waiting for it", warning=True))
            self._told = told

    # ── loading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _load(self, tracker: StabilityTracker) -> None:
        """Load the files that are whole, and what a run before has left."""
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
            # What was listed and is gone is in no report.
            if not done and report.stopped is None and read_pause(self._config) is None:
                return

    def _run(self, locations: tuple[str, ...]) -> RunReport | None:
        """Return the report of a run over some files, or over what is left of one before; None if nobody waits for it."""
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
                    raise  # a wrong password does not become right by waiting
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
        # Single runs are the watch's own affair, and what is wrong with a folder need not be said with each of them.
        if isinstance(event, RunStarted | RunFinished):
            return
        if isinstance(event, Notice) and event.warning:
            if event.text in self._warned:
                return
            self._warned.add(event.text)
        self._reporter(event)

    def _say(self, text: str) -> None:
        self._reporter(Notice(text=text))


def _locks(source: SourceFile) -> tuple[str, str]:
    """Return the files that Excel and LibreOffice put beside a workbook for as long as somebody has it open."""
    folder, _, name = source.location.rpartition("/")
    return f"{folder}/~${name}", f"{folder}/.~lock.{name}#"
