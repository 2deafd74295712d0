"""Any executor at work on the units of a run: a window of futures that slides over the list."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from pgdatahub.errors import ExecutorError
from pgdatahub.model.events import Reporter
from pgdatahub.runs.executors import ExecutorPlugin
from pgdatahub.runs.remote_worker import Assignment, Done, greet, perform_remotely
from pgdatahub.runs.units import Unit, UnitOutcome

WINDOW: Final = 2
"""Units given out for each slot: one in work and one waiting, so that no worker idles while an outcome travels. More
would only make a run that is to end take longer over it."""
GREETING_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.5
"""How long a wait lasts at most: on some systems a signal does not interrupt one."""
_COUNT_SECONDS: Final = 2.0
"""How often the executor is asked for its slots."""
_NO_WORKER_SECONDS: Final = 60.0
"""How long there may be no worker at all: a cluster may be starting others."""


class ExecutorPool:
    """Whoever an executor has work on units.

    Args:
        executor: Is given the units.
        plugin: Knows the executor.
        assignment: What workers need to know.
        reporter: Is told of what workers tell, in the thread that calls :meth:`wait`.
        patience: Seconds that there may be no worker.
    """

    def __init__(
        self,
        executor: Executor,
        plugin: ExecutorPlugin,
        assignment: Assignment,
        reporter: Reporter,
        *,
        patience: float = _NO_WORKER_SECONDS,
    ) -> None:
        self._executor = executor
        self._plugin = plugin
        self._assignment = assignment
        self._reporter = reporter
        self._patience = patience
        self._units: dict[Future[Done], Unit] = {}
        self._suspects: list[Unit] = []
        self._on_trial = False
        self._slots = 1
        self._counted = self._had_workers = time.monotonic()

    def greet(self) -> None:
        """Have a worker say that it is able to work, before anything is begun.

        Raises:
            ExecutorError: It is not, or nobody answers.
            DatabaseError: It does not reach the database.
        """
        try:
            problem = self._executor.submit(greet, self._assignment).result(timeout=GREETING_SECONDS)
        except FutureTimeoutError:
            raise ExecutorError(
                f"no worker answered within {GREETING_SECONDS:.0f} seconds", hint="are they running, and free?"
            ) from None
        except Exception as error:  # an executor may raise anything
            raise ExecutorError(
                f"no worker can begin: {_one_line(error)}",
                hint="is the same version of pgdatahub installed for them?",
            ) from error
        if problem is not None:
            raise problem
        self._count()

    @property
    def free(self) -> bool:
        """The window has room."""
        if self._on_trial:
            return False
        if time.monotonic() - self._counted > _COUNT_SECONDS:
            self._count()
        return len(self._units) < WINDOW * max(1, self._slots)

    @property
    def busy(self) -> bool:
        """A unit was given out and its outcome is not known."""
        return bool(self._units or self._suspects)

    def start(self, unit: Unit) -> None:
        """Give a unit out."""
        try:
            future = self._executor.submit(perform_remotely, unit, self._assignment)
        except Exception as error:  # noqa: BLE001 - an executor may raise anything when it is gone
            future = Future()
            future.set_exception(_GoneError(_one_line(error)))
        self._units[future] = unit

    def wait(self) -> UnitOutcome:
        """Return the next outcome."""
        while True:
            if not self._units:
                self._on_trial = True
                self.start(self._suspects.pop())
            done, _ = wait(self._units, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = self._outcome(future)
                if outcome.died is None or self._on_trial:
                    self._on_trial = False
                    return outcome
                # A worker that dies takes all that it was given with it. Which file it was shows when each is alone.
                self._suspects.append(outcome.unit)
            if done:
                continue
            self._count()
            if time.monotonic() - self._had_workers > self._patience:
                # One problem ends the run; the rest of the window is given up with it.
                future, unit = self._units.popitem()
                future.cancel()
                for other in self._units:
                    other.cancel()
                problem = ExecutorError(f"there was no worker for {self._patience:.0f} seconds")
                return UnitOutcome(unit=unit, problem=problem)

    def close(self, *, at_once: bool = False) -> None:
        """Forget what was given out; what a worker has in work it may still finish."""
        if at_once:
            for future in self._units:
                future.cancel()
        self._units.clear()
        self._suspects.clear()

    def _outcome(self, future: Future[Done]) -> UnitOutcome:
        unit = self._units.pop(future)
        try:
            done = future.result()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if isinstance(error, _GoneError) or self._plugin.lost(error):
                problem = ExecutorError(f"the executor is gone: {_one_line(error)}")
                return UnitOutcome(unit=unit, problem=problem)
            # The first sentence: what follows is about the executor.
            return UnitOutcome(unit=unit, died=_one_line(error).partition(". ")[0])
        for event in done.events:
            self._reporter(event)
        return done.outcome

    def _count(self) -> None:
        self._counted = time.monotonic()
        self._slots = self._plugin.slots(self._executor)
        if self._slots:
            self._had_workers = self._counted


class _GoneError(Exception):
    """The executor takes no work any more."""


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
