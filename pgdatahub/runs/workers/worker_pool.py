"""Worker pools of a run: this process, or worker processes that are replaced if they die.

Processes, not threads, because reading is computation. :mod:`pgdatahub.system.child_process` starts them, not
``multiprocessing``, whose children need a ``__main__`` guard in every script.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from pgdatahub.errors import ExecutorError
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import Reporter
from pgdatahub.runs.workers.units import Unit, UnitOutcome, perform
from pgdatahub.runs.workers.worker import ConnectionLost, WorkerSetup
from pgdatahub.system.child_process import ChildProcess, Death

SILENCE_SECONDS: Final = 300.0
"""Longest time without a heartbeat of a worker; the rest of the machine may be very busy."""
LOOK_SECONDS: Final = 0.5
"""Longest wait for messages; on some systems a signal does not interrupt a wait."""
_GOODBYE_SECONDS: Final = 10
"""Time that an idle worker has to exit."""


class WorkerPool(Protocol):
    """Workers for the units of a run."""

    @property
    def free(self) -> bool:
        """Return whether a unit can start now."""

    @property
    def busy(self) -> bool:
        """Return whether a unit is in work."""

    def start(self, unit: Unit) -> None:
        """Start a unit."""

    def wait(self) -> UnitOutcome:
        """Return the outcome of the next finished unit, and report events in the meantime."""

    def close(self, *, at_once: bool = False) -> None:
        """End all workers; with ``at_once``, units in work are rolled back."""


class InProcessWorker:
    """Pool of one worker: this process, which works on one unit at a time.

    Args:
        pipeline: Loads the files.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._unit: Unit | None = None

    @property
    def free(self) -> bool:
        """Return whether no unit is waiting."""
        return self._unit is None

    @property
    def busy(self) -> bool:
        """Return whether a unit is waiting."""
        return self._unit is not None

    def start(self, unit: Unit) -> None:
        """Accept a unit; :meth:`wait` does the work."""
        self._unit = unit

    def wait(self) -> UnitOutcome:
        """Work on the unit, and return its outcome."""
        unit, self._unit = self._unit, None
        if unit is None:
            raise RuntimeError("there is nothing to wait for")
        return perform(unit, lambda: self._pipeline)

    def close(self, *, at_once: bool = False) -> None:
        """Do nothing: this process is the only worker."""


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker process and the unit it works on."""

    process: ChildProcess
    unit: Unit | None = None

    def send(self, message: object) -> None:
        self.process.send(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))

    def listen(self, messages: SimpleQueue[tuple[_Worker, object]]) -> None:
        """Forward the process's messages, and at last its death."""
        try:
            while True:
                messages.put((self, pickle.loads(self.process.receive())))  # noqa: S301 - from our own program
        except Exception:  # noqa: BLE001 - the end of the messages, or a message that cannot be read
            messages.put((self, self.process.death()))


class ProcessPool:
    """Pool of worker processes, started on demand.

    Args:
        setup: Data that the workers need.
        size: Largest number of workers.
        reporter: Receives events, in the thread that calls :meth:`wait`.
        revive: Called when a worker has lost its connection.
    """

    def __init__(self, setup: WorkerSetup, size: int, reporter: Reporter, revive: Callable[[], None]) -> None:
        self._setup = setup
        self._size = size
        self._reporter = reporter
        self._revive = revive
        self._workers: list[_Worker] = []
        self._messages: SimpleQueue[tuple[_Worker, object]] = SimpleQueue()
        self._without_worker: list[UnitOutcome] = []

    @property
    def free(self) -> bool:
        """Return whether a worker is idle or may be started."""
        return sum(worker.unit is not None for worker in self._workers) < self._size

    @property
    def busy(self) -> bool:
        """Return whether the outcome of a unit is unknown to the caller."""
        return bool(self._without_worker) or any(worker.unit is not None for worker in self._workers)

    def start(self, unit: Unit) -> None:
        """Send a unit to an idle worker, or to a new worker."""
        try:
            worker = next((worker for worker in self._workers if worker.unit is None), None) or self._start_worker()
        except OSError as error:
            problem = ExecutorError(f"a worker process cannot be started: {error.strerror}")
            self._without_worker.append(UnitOutcome(unit=unit, problem=problem))
            return
        worker.unit = unit
        worker.send(unit)

    def wait(self) -> UnitOutcome:
        """Report events until a unit is finished or its worker has died; return the outcome."""
        while not self._without_worker:
            try:
                worker, message = self._messages.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(message, UnitOutcome):
                worker.unit = None
                return message
            if isinstance(message, Death):
                self._workers.remove(worker)
                if worker.unit is not None:
                    return UnitOutcome(unit=worker.unit, died=str(message))
            elif isinstance(message, ConnectionLost):
                self._revive()
            else:
                self._reporter(message)  # type: ignore[arg-type]  # all other messages are events
        return self._without_worker.pop()

    def close(self, *, at_once: bool = False) -> None:
        """End all workers."""
        for worker in self._workers:
            if at_once:
                worker.process.kill()
        for worker in self._workers:
            worker.process.close(goodbye=0 if at_once else _GOODBYE_SECONDS)
        self._workers.clear()

    def _start_worker(self) -> _Worker:
        worker = _Worker(ChildProcess("pgdatahub.runs.workers.worker", timeout=SILENCE_SECONDS))
        self._workers.append(worker)
        worker.send(self._setup)
        threading.Thread(target=worker.listen, args=(self._messages,), daemon=True).start()
        return worker
