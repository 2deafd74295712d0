"""Worker pools of a run: this process, or worker processes that are replaced if they die.

Processes, not threads, because reading is computation. They are neither forked nor started by ``multiprocessing``, whose
children import the caller's main module again and therefore need a ``__main__`` guard in every script.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import IO, Final, Protocol, cast

from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import Reporter
from pgdatahub.runs.units import Unit, UnitOutcome, perform
from pgdatahub.runs.worker import ConnectionLost, WorkerSetup
from pgdatahub.system.processes import import_path, serving_command

_GOODBYE_SECONDS: Final = 10
"""Time that an idle worker has to exit."""
_LOOK_SECONDS: Final = 0.5
"""Longest wait for messages; on some systems a signal does not interrupt a wait."""


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
        return perform(unit, self._pipeline)

    def close(self, *, at_once: bool = False) -> None:
        """Do nothing: this process is the only worker."""


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker process and the unit it works on."""

    process: subprocess.Popen[bytes]
    unit: Unit | None = None

    def send(self, message: object) -> None:
        # The end of its output reveals a dead process.
        with contextlib.suppress(BrokenPipeError):
            requests = cast("IO[bytes]", self.process.stdin)
            pickle.dump(message, requests, protocol=pickle.HIGHEST_PROTOCOL)
            requests.flush()

    def listen(self, messages: SimpleQueue[tuple[_Worker, object]]) -> None:
        """Forward the process's messages, and None when its output ends."""
        stream = cast("IO[bytes]", self.process.stdout)
        try:
            while True:
                messages.put((self, pickle.load(stream)))  # noqa: S301 - from a process that runs our own program
        except Exception:  # noqa: BLE001 - the end of the stream, or the middle of a message when it died
            messages.put((self, None))

    def end(self, *, at_once: bool) -> None:
        """End the process, and wait until it has exited."""
        if at_once:
            self.process.kill()
        else:
            self.send(None)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_GOODBYE_SECONDS)
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


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

    @property
    def free(self) -> bool:
        """Return whether a worker is idle or may be started."""
        return sum(worker.unit is not None for worker in self._workers) < self._size

    @property
    def busy(self) -> bool:
        """Return whether a worker has a unit."""
        return any(worker.unit is not None for worker in self._workers)

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.process.pid for worker in self._workers)

    def start(self, unit: Unit) -> None:
        """Send a unit to an idle worker, or to a new worker."""
        worker = next((worker for worker in self._workers if worker.unit is None), None) or self._start_worker()
        worker.unit = unit
        worker.send(unit)

    def wait(self) -> UnitOutcome:
        """Report events until a unit is finished or its worker has died; return the outcome."""
        while True:
            try:
                worker, message = self._messages.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(message, UnitOutcome):
                worker.unit = None
                return message
            if message is None:
                self._workers.remove(worker)
                unit, how = worker.unit, _cause_of_death(worker)
                if unit is not None:
                    return UnitOutcome(unit=unit, died=how)
            elif isinstance(message, ConnectionLost):
                self._revive()
            else:
                self._reporter(message)  # type: ignore[arg-type]  # all other messages are events

    def close(self, *, at_once: bool = False) -> None:
        """End all workers."""
        for worker in self._workers:
            if at_once:
                worker.process.kill()
        for worker in self._workers:
            worker.end(at_once=at_once)
        self._workers.clear()

    def _start_worker(self) -> _Worker:
        process = subprocess.Popen(  # noqa: S603 - our own program
            serving_command("pgdatahub.runs.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal is for the parent, which ends the workers.
            start_new_session=True,
        )
        worker = _Worker(process)
        self._workers.append(worker)
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", process.stdin).write(import_path())
        worker.send(self._setup)
        threading.Thread(target=worker.listen, args=(self._messages,), daemon=True).start()
        return worker


def _cause_of_death(worker: _Worker) -> str:
    # Its output has ended, so the process has exited or must exit.
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.process.wait(1)
    worker.end(at_once=True)
    code = worker.process.returncode
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}"
