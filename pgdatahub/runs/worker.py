"""The worker process: receives units, loads them with its own plugins and connection, and sends events.

Messages are pickled values: the setup and then units on standard input, events and outcomes on standard output. When
standard input ends, the run is over or its process has died; the worker then exits at once, and the server rolls back.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from pgdatahub.system import gc_tuning

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.load.pipeline import Pipeline
    from pgdatahub.plugins.manager import Stages


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """Data that a worker needs; a pipe carries it, because it may hold a password.

    Attributes:
        config: The settings.
        run_id: The run's name.
        conninfo: Connection string of the database; None for a dry run.
        embedded: True for the embedded server, which the parent process keeps running.
    """

    config: Config
    run_id: str
    conninfo: str | None
    embedded: bool

    def __repr__(self) -> str:
        return f"WorkerSetup({self.run_id!r})"


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """Message that the worker lost its connection; the parent may be able to restart the server."""


def serve() -> None:
    """Work on units until the parent process ends the worker."""
    gc_tuning.look_seldom()
    # Output of plugins and libraries must not mix with the messages.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()

    def send(message: object) -> None:
        try:
            pickle.dump(message, messages, protocol=pickle.HIGHEST_PROTOCOL)
            messages.flush()
        except BrokenPipeError:
            os._exit(1)

    setup: WorkerSetup = requests.get()
    _work(setup, requests, send)


def _listen(stream: IO[bytes], requests: SimpleQueue[Any]) -> None:
    while True:
        try:
            request = pickle.load(stream)  # noqa: S301 - from the process that started this one
        except EOFError:
            os._exit(1)
        requests.put(request)
        if request is None:
            return


def _work(setup: WorkerSetup, requests: SimpleQueue[Any], send: Callable[[object], None]) -> None:
    from pgdatahub.errors import DatabaseError
    from pgdatahub.plugins.manager import Stages, create_plugin_manager
    from pgdatahub.runs.units import UnitOutcome, perform

    gc_tuning.keep_imports()
    stages = Stages(create_plugin_manager())
    pipeline = None
    with ExitStack() as resources:
        while (unit := requests.get()) is not None:
            try:
                pipeline = pipeline or _pipeline(setup, stages, send, resources)
            except DatabaseError as problem:
                send(UnitOutcome(unit=unit, problem=problem))
            else:
                send(perform(unit, pipeline))


def _pipeline(setup: WorkerSetup, stages: Stages, send: Callable[[object], None], resources: ExitStack) -> Pipeline:
    from pgdatahub.load.pipeline import Pipeline
    from pgdatahub.postgres.database import Database, connect
    from pgdatahub.system.retry import with_retries

    def lost(_error: object = None) -> None:
        send(ConnectionLost())

    def reach(conninfo: str) -> Database:
        return connect(conninfo, embedded=setup.embedded, keep_connection=True, revive=lost)

    database = None
    if setup.conninfo is not None:
        database = resources.enter_context(closing(with_retries(partial(reach, setup.conninfo), lost)))
    return Pipeline(stages=stages, config=setup.config, reporter=send, run_id=setup.run_id, database=database)
