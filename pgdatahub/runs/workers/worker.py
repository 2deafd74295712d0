"""The worker process: receives units, loads them with its own plugins and connection, and sends events.

Messages are pickled values: the setup and then units from the parent, events and outcomes to the parent. If the parent dies,
the worker exits at once, and the server rolls back.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from pgdatahub.system import gc_tuning

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.load.pipeline import Pipeline
    from pgdatahub.plugins.manager import Stages
    from pgdatahub.system.child_main import Channel


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


def serve(channel: Channel) -> None:
    """Work on units until the parent process asks the worker to exit."""
    gc_tuning.look_seldom()

    def send(message: object) -> None:
        channel.send(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))

    setup: WorkerSetup = pickle.loads(channel.receive())  # noqa: S301 - from the parent
    from pgdatahub.plugins.manager import Stages, create_plugin_manager
    from pgdatahub.runs.workers.units import perform

    gc_tuning.keep_imports()
    stages = Stages(create_plugin_manager())
    with ExitStack() as resources:
        pipeline = cache(partial(_pipeline, setup, stages, send, resources))
        while request := channel.receive():
            send(perform(pickle.loads(request), pipeline))  # noqa: S301 - from the parent


def _pipeline(setup: WorkerSetup, stages: Stages, send: Callable[[object], None], resources: ExitStack) -> Pipeline:
    from pgdatahub.load.pipeline import Pipeline
    from pgdatahub.postgres.database import connect
    from pgdatahub.system.retry import with_retries

    def lost(_error: object = None) -> None:
        send(ConnectionLost())

    database = None
    if setup.conninfo is not None:
        reach = partial(connect, setup.conninfo, embedded=setup.embedded, keep_connection=True, revive=lost)
        database = resources.enter_context(closing(with_retries(reach, lost)))
    return Pipeline(stages=stages, config=setup.config, reporter=send, run_id=setup.run_id, database=database)
