"""Who works on the units of a run: this process, or worker processes that are started once and replaced if they die.

Processes, not threads: reading is computation. They are started afresh, not forked and not through ``multiprocessing``,
whose children run the caller's main module again and so ask every script for a guard.
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
"""How long a worker that has nothing to do may take to end."""
_LOOK_SECONDS: Final = 0.5
"""How long a wait for messages lasts at most: on some systems a signal does not interrupt one."""


class WorkerPool(Protocol):
    """Whoever works on units."""

    @property
    def free(self) -> bool:
        """Another unit can be started now."""

    @property
    def busy(self) -> bool:
        """A unit is being worked on."""

    def start(self, unit: Unit) -> None:
        """Begin with a unit."""

    def wait(self) -> UnitOutcome:
        """Return the outcome of the next unit that is done; events are told in the meantime."""

    def close(self, *, at_once: bool = False) -> None:
        """Let everybody go; ``at_once`` with what is in work rolled back."""


class InProcessWorker:
    """This process works on one unit at a time.

    Args:
        pipeline: Loads the files.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._unit: Unit | None = None

    @property
    def free(self) -> bool:
        """No unit is waiting."""
        return self._unit is None

    @property
    def busy(self) -> bool:
        """A unit is waiting to be worked on."""
        return self._unit is not None

    def start(self, unit: Unit) -> None:
        """Take a unit; the work is done in :meth:`wait`."""
        self._unit = unit

    def wait(self) -> UnitOutcome:
        """Work on the unit."""
        unit, self._unit = self._unit, None
        if unit is None:
            raise RuntimeError("there is nothing to wait for")
        return perform(unit, self._pipeline)

    def close(self, *, at_once: bool = False) -> None:
        """Do nothing: there is nobody else."""


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker process and what it has in worker."""

    process: subprocess.Popen[bytes]
    unit: Unit | None = None

    def send(self, message: object) -> None:
        # A process that has died is found out by its silence.
        with contextlib.suppress(BrokenPipeError):
            requests = cast("IO[bytes]", self.process.stdin)
            pickle.dump(message, requests, protocol=pickle.HIGHEST_PROTOCOL)
            requests.flush()

    def listen(self, messages: SimpleQueue[tuple[_Worker, object]]) -> None:
        """Pass on what the process says, until it says no more; then None."""
        stream = cast("IO[bytes]", self.process.stdout)
        try:
            while True:
                messages.put((self, pickle.load(stream)))  # noqa: S301 - from a process that runs our own program
        except Exception:  # noqa: BLE001 - the end of the stream, or the middle of a message when it died
            messages.put((self, None))

    def end(self, *, at_once: bool) -> None:
        """End the process and wait for its end."""
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
    """Worker processes, started as they are needed.

    Args:
        setup: What they need to know.
        size: How many there may be.
        reporter: Is told of events, in the thread that calls :meth:`wait`.
        revive: Is called when a worker has lost its connection.
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
        """A worker is idle, or may be started."""
        return sum(worker.unit is not None for worker in self._workers) < self._size

    @property
    def busy(self) -> bool:
        """A worker has a unit."""
        return any(worker.unit is not None for worker in self._workers)

    @property
    def processes(self) -> tuple[int, ...]:
        """The workers' process numbers."""
        return tuple(worker.process.pid for worker in self._workers)

    def start(self, unit: Unit) -> None:
        """Give a unit to an idle worker, or a new one."""
        worker = next((worker for worker in self._workers if worker.unit is None), None) or self._start_worker()
        worker.unit = unit
        worker.send(unit)

    def wait(self) -> UnitOutcome:
        """Tell events until a unit is done, or its worker has died."""
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
                self._reporter(message)  # type: ignore[arg-type]  # nothing else is sent than events

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
            # Ctrl-C in a terminal is for the parent, which knows what is to become of the workers.
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
    # It says no more, so it has ended or is to be ended.
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.process.wait(1)
    worker.end(at_once=True)
    code = worker.process.returncode
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}"
