"""Worker pool for any executor: a sliding window of futures over the units of a run.

The executor starts, watches and limits its workers. The rules of :mod:`pgdatahub.system.child_process` that remain for the
pool: a first worker is greeted before the run, the number of slots is the heartbeat, a future's error is a death, and no
secret travels.
"""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from pgdatahub.errors import ExecutorError
from pgdatahub.model.events import Reporter
from pgdatahub.runs.workers.executors import ExecutorPlugin
from pgdatahub.runs.workers.remote_worker import Assignment, greet, perform_remotely
from pgdatahub.runs.workers.units import Unit, UnitOutcome
from pgdatahub.runs.workers.worker_pool import LOOK_SECONDS

WINDOW: Final = 2
"""Units submitted for each slot: one in work and one waiting, so that no worker idles while an outcome travels. A larger
window would delay the end of an interrupted run."""
GREETING_SECONDS: Final = 60.0
_COUNT_SECONDS: Final = 2.0
"""Time between two counts of the executor's slots."""
_NO_WORKER_SECONDS: Final = 60.0
"""Longest time without any worker; a cluster may be starting new workers."""


class ExecutorPool:
    """Worker pool of an executor.

    Args:
        executor: Receives the units.
        plugin: Counts the executor's slots and recognizes its loss.
        assignment: Data that workers need.
        reporter: Receives the workers' events, in the thread that calls :meth:`wait`.
        timeout: Longest time in seconds without any worker.
    """

    def __init__(
        self,
        executor: Executor,
        plugin: ExecutorPlugin,
        assignment: Assignment,
        reporter: Reporter,
        *,
        timeout: float = _NO_WORKER_SECONDS,
    ) -> None:
        self._executor = executor
        self._plugin = plugin
        self._assignment = assignment
        self._reporter = reporter
        self._timeout = timeout
        self._units: dict[Future[UnitOutcome], Unit] = {}
        self._suspects: list[Unit] = []
        self._without_worker: list[UnitOutcome] = []
        self._on_trial = False
        self._slots = 1
        self._counted = self._had_workers = time.monotonic()

    def greet(self) -> None:
        """Check that a worker is able to work, before any unit starts.

        Raises:
            ExecutorError: The worker is not able to work, or no worker answers.
            DatabaseError: The worker does not reach the database.
        """
        try:
            problem = self._executor.submit(greet, self._assignment).result(timeout=GREETING_SECONDS)
        except FutureTimeoutError:
            raise ExecutorError(
                f"no worker answered within {GREETING_SECONDS:.0f} seconds",
                hint="check that workers are running and idle",
            ) from None
        except Exception as error:  # an executor may raise anything
            raise ExecutorError(
                f"no worker can start: {_one_line(error)}",
                hint="install the same version of pgdatahub for the workers",
            ) from error
        if problem is not None:
            raise problem
        self._count()

    @property
    def free(self) -> bool:
        """Return whether the window has room."""
        if self._on_trial:
            return False
        if time.monotonic() - self._counted > _COUNT_SECONDS:
            self._count()
        return len(self._units) < WINDOW * max(1, self._slots)

    @property
    def busy(self) -> bool:
        """Return whether the outcome of a submitted unit is unknown."""
        return bool(self._units or self._suspects or self._without_worker)

    def start(self, unit: Unit) -> None:
        """Submit a unit."""
        try:
            self._units[self._executor.submit(perform_remotely, unit, self._assignment)] = unit
        except Exception as error:  # noqa: BLE001 - an executor may raise anything when it is gone
            self._without_worker.append(_gone(unit, error))

    def wait(self) -> UnitOutcome:
        """Return the next outcome."""
        while not self._without_worker:
            if not self._units:
                self._on_trial = True
                self.start(self._suspects.pop())
                continue
            done, _ = wait(self._units, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = self._outcome(future)
                if outcome.died is None or self._on_trial:
                    self._on_trial = False
                    return outcome
                # A dying worker takes all its units with it. Each unit is retried alone, which shows the file that killed the worker.
                self._suspects.append(outcome.unit)
            if done:
                continue
            self._count()
            if time.monotonic() - self._had_workers > self._timeout:
                # One problem ends the run, so the rest of the window is cancelled.
                future, unit = self._units.popitem()
                future.cancel()
                for other in self._units:
                    other.cancel()
                problem = ExecutorError(f"no worker for {self._timeout:.0f} seconds")
                return UnitOutcome(unit=unit, problem=problem)
        self._on_trial = False
        return self._without_worker.pop()

    def close(self, *, at_once: bool = False) -> None:
        """Cancel the submitted units; a worker may still finish the unit it works on."""
        if at_once:
            for future in self._units:
                future.cancel()
        self._units.clear()
        self._suspects.clear()

    def _outcome(self, future: Future[UnitOutcome]) -> UnitOutcome:
        unit = self._units.pop(future)
        try:
            outcome = future.result()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if self._plugin.lost(error):
                return _gone(unit, error)
            # Only the first sentence: the rest describes the executor.
            return UnitOutcome(unit=unit, died=_one_line(error).partition(". ")[0])
        for event in outcome.events:
            self._reporter(event)
        return outcome

    def _count(self) -> None:
        self._counted = time.monotonic()
        self._slots = self._plugin.slots(self._executor)
        if self._slots:
            self._had_workers = self._counted


def _gone(unit: Unit, error: BaseException) -> UnitOutcome:
    return UnitOutcome(unit=unit, problem=ExecutorError(f"the executor is gone: {_one_line(error)}"))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
