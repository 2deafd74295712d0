"""Scheduler of a run: starts units, receives outcomes and pauses, until all units are done or the run must end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError, ExecutorError, SpoolError, WorkerDiedError
from pgdatahub.load.pauses import pause
from pgdatahub.load.results import failed
from pgdatahub.model.events import FileFinished, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome, StopReason
from pgdatahub.runs.signals import Interruption
from pgdatahub.runs.workers.units import Unit, UnitOutcome
from pgdatahub.runs.workers.worker_pool import WorkerPool


class Scheduler:
    """Scheduler of the units of a run, with their results.

    Args:
        config: The settings.
        reporter: Receives pauses, and results of files whose worker died.
        interruption: Asked whether the user wants the run to end.
        look_up: Returns the result of a file that is loaded, else None.
        record: Records results in the database as soon as they are known.
    """

    def __init__(
        self,
        config: Config,
        reporter: Reporter,
        interruption: Interruption,
        look_up: Callable[[SourceFile], FileResult | None],
        record: Callable[[Sequence[FileResult]], None],
    ) -> None:
        self._config = config
        self._reporter = reporter
        self._interruption = interruption
        self._look_up = look_up
        self._record = record
        self.results: list[FileResult] = []
        self.stopped: StopReason | None = None
        self.problem: str | None = None

    def add(self, results: Iterable[FileResult]) -> None:
        """Add results, and record them; a failure ends the run under ``on_error: stop``.

        Raises:
            DatabaseError: The database is gone.
        """
        added = tuple(results)
        self.results += added
        for result in added:
            if result.outcome is Outcome.FAILED and self._config.on_error == "stop":
                self.stopped = self.stopped or StopReason.FAILURE
        self._record(added)

    def work(self, units: Sequence[Unit], pool: WorkerPool) -> None:
        """Work through units until all are done or the run must end; units in work are finished.

        Raises:
            Leave: The user wants the run to end at once.
        """
        waiting = deque(units)
        files = self._config.pause_every or math.inf
        begun = 0
        with self._interruption.finishing():
            while True:
                while waiting and pool.free and begun < files and not self._ending:
                    unit = waiting.popleft()
                    begun += len(unit.sources)
                    pool.start(unit)
                if pool.busy:
                    self._take_in(pool.wait())
                elif self._ending or not waiting:
                    break
                else:
                    # No unit is in work, so no transaction is open.
                    self._pause()
                    begun = 0
        self.stopped = self.stopped or (self._interruption.reason if waiting else None)

    @property
    def _ending(self) -> bool:
        return self.stopped is not None or self._interruption.reason is not None

    def _take_in(self, outcome: UnitOutcome) -> None:
        self.add(outcome.results)
        problem = outcome.problem
        if outcome.died is not None:
            try:
                self.add(self._settle(source, outcome.died) for source in outcome.unit.sources)
            except DatabaseError as error:
                problem = error
        if isinstance(problem, ExecutorError):
            # Units in work may be loaded nevertheless.
            with suppress(DatabaseError):
                self.add(filter(None, map(self._found, outcome.unit.sources)))
        if problem is not None:
            self.stopped = self.stopped or _reason(problem)
            self.problem = self.problem or str(problem)

    def _settle(self, source: SourceFile, died: str) -> FileResult:
        """Return the result of a file whose worker died; the worker may have died after COMMIT."""
        result = self._found(source)
        if result is None:
            error = WorkerDiedError(
                f"the process that was loading it died ({died})",
                hint="was memory short? the next run tries it again",
            )
            result = failed(source, error)
            self._reporter(FileFinished(result=result))
        return result

    def _found(self, source: SourceFile) -> FileResult | None:
        """Return the result if this run committed the file before its worker died, else None."""
        result = self._look_up(source)
        if result is not None:
            self._reporter(FileFinished(result=result))
        return result

    def _pause(self) -> None:
        pause(self._config.pause_seconds, self._reporter, lambda: self._ending)


def _reason(problem: DatabaseError | SpoolError | ExecutorError) -> StopReason:
    if isinstance(problem, SpoolError):
        return StopReason.DISK_FULL
    return StopReason.EXECUTOR_LOST if isinstance(problem, ExecutorError) else StopReason.of_database(problem)
