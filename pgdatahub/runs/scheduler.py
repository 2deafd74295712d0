"""The course of a run: units are given out, outcomes taken in, with pauses, until the list is done or the run must end."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError, ExecutorError, SpoolError, WorkerDiedError
from pgdatahub.load.results import failed
from pgdatahub.model.events import FileFinished, PauseTick, Reporter
from pgdatahub.model.flow import FileResult, Outcome, SourceFile, StopReason
from pgdatahub.runs.signals import Interruption
from pgdatahub.runs.units import Unit, UnitOutcome
from pgdatahub.runs.worker_pool import WorkerPool

TICK_SECONDS = 1.0


class Scheduler:
    """The list of a run and what has become of it.

    Args:
        config: The settings.
        reporter: Is told of pauses, and of files whose worker died.
        interruption: Says when somebody wants the run to end.
        look_up: Finds out whether a file whose worker died is loaded.
    """

    def __init__(
        self,
        config: Config,
        reporter: Reporter,
        interruption: Interruption,
        look_up: Callable[[SourceFile], FileResult | None],
    ) -> None:
        self._config = config
        self._reporter = reporter
        self._interruption = interruption
        self._look_up = look_up
        self.results: list[FileResult] = []
        self.stopped: StopReason | None = None
        self.problem: str | None = None

    def add(self, results: Iterable[FileResult]) -> None:
        """Take in results; a failed one ends the run if the settings say so."""
        for result in results:
            self.results.append(result)
            if result.outcome is Outcome.FAILED and self._config.on_error == "stop":
                self.stopped = self.stopped or StopReason.FAILURE

    def work(self, units: Sequence[Unit], pool: WorkerPool) -> None:
        """Have units worked on, until all are done or the run must end; what is in work then is finished.

        Raises:
            Leave: Somebody wants the run to end at once.
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
                    # Nothing is in work, so no transaction is open.
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
            # What was in work may be loaded all the same.
            with suppress(DatabaseError):
                self.add(filter(None, map(self._found, outcome.unit.sources)))
        if problem is not None:
            self.stopped = self.stopped or _reason(problem)
            self.problem = self.problem or str(problem)

    def _settle(self, source: SourceFile, died: str) -> FileResult:
        """Find out what became of a file whose worker died; it may have died after COMMIT."""
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
        """Return the result of a file that is loaded though nobody said so, and tell it."""
        result = self._look_up(source)
        if result is not None:
            self._reporter(FileFinished(result=result))
        return result

    def _pause(self) -> None:
        end = time.monotonic() + self._config.pause_seconds
        while (left := end - time.monotonic()) > 0 and not self._ending:
            self._reporter(PauseTick(seconds_left=left))
            time.sleep(min(TICK_SECONDS, left))


def _reason(problem: DatabaseError | SpoolError | ExecutorError) -> StopReason:
    if isinstance(problem, SpoolError):
        return StopReason.DISK_FULL
    return StopReason.EXECUTOR_LOST if isinstance(problem, ExecutorError) else StopReason.DATABASE_LOST
