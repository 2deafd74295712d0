"""Worker side of an executor: module-level functions that receive a unit and its assignment as data.

No secrets travel. The worker takes the connection from its own environment, and first checks that the versions and the
database are those of the run.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pgdatahub.config import Config, load_config
from pgdatahub.errors import DatabaseError, ExecutorError, PgDataHubError
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import Event, FileFinished, Notice
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import Database, ServerIdentity, connect, identify
from pgdatahub.runs.workers.units import Unit, UnitOutcome, perform
from pgdatahub.system.retry import with_retries
from pgdatahub.system.version import __version__

IDLE_SECONDS: Final = 30.0
"""Idle time after which a worker closes its connection; the worker itself may outlive the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Data of a run that a worker needs.

    Attributes:
        run_id: The run's name.
        config: The settings, without secrets.
        server: The database that the worker must reach; None for a dry run.
        python: The worker's required version of Python, major and minor.
        version: The worker's required version of pgdatahub.
    """

    run_id: str
    config: Config
    server: ServerIdentity | None
    python: tuple[int, int] = (sys.version_info.major, sys.version_info.minor)
    version: str = __version__

    @classmethod
    def of(cls, config: Config, run_id: str, database: Database | None) -> Assignment:
        """Return the assignment for the workers of a run."""
        # Workers need neither the origins of settings nor the options of the executor, which may be private.
        nothing: dict[str, Any] = {
            "database_url": None,
            "origins": {},
            "places": {},
            "notices": (),
            "executor_options": {},
        }
        return cls(
            run_id=run_id,
            config=config.model_copy(update=nothing),
            server=None if database is None else identify(database),
        )


@dataclass(slots=True, kw_only=True)
class _Place:
    """State of a process between the units of a run."""

    pipeline: Pipeline
    users: int = 0
    timer: threading.Timer | None = None


@dataclass(slots=True)
class _Station:
    """The places of this process, one a run; a place is closed after an idle time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    places: dict[tuple[int, str], _Place] = field(default_factory=dict)

    @contextmanager
    def pipeline(self, assignment: Assignment) -> Iterator[Pipeline]:
        # A forked process must not use its parent's connection.
        key = os.getpid(), assignment.run_id
        with self.lock:
            place = self.places.get(key)
            if place is None:
                place = self.places[key] = _Place(pipeline=_make_pipeline(assignment))
            if place.timer is not None:
                place.timer.cancel()
            place.users += 1
        try:
            yield place.pipeline
        finally:
            with self.lock:
                place.users -= 1
                if place.timer is not None:
                    place.timer.cancel()
                place.timer = threading.Timer(IDLE_SECONDS, self.give_up, (key,))
                place.timer.daemon = True
                place.timer.start()

    def give_up(self, key: tuple[int, str]) -> None:
        with self.lock:
            place = self.places.get(key)
            if place is None or place.users:
                return
            del self.places[key]
        if place.pipeline.database is not None:
            place.pipeline.database.close()


_station = _Station()  # executors call functions and pass nothing on from one call to the next


def greet(assignment: Assignment) -> PgDataHubError | None:
    """Check that this process can work for a run; return the problem, or None."""
    try:
        with _station.pipeline(assignment):
            return None
    except PgDataHubError as error:
        return error


def perform_remotely(unit: Unit, assignment: Assignment) -> UnitOutcome:
    """Work on a unit in this process; return errors of files, servers and settings instead of raising them."""
    events: list[Event] = []

    def collect(event: Event) -> None:
        if isinstance(event, Notice | FileFinished):
            events.append(event)

    try:
        with _station.pipeline(assignment) as pipeline:
            outcome = perform(unit, lambda: replace(pipeline, reporter=collect))
    except (DatabaseError, ExecutorError) as problem:
        outcome = UnitOutcome(unit=unit, problem=problem)
    except PgDataHubError as error:
        outcome = UnitOutcome(unit=unit, problem=ExecutorError(error.message, where=error.where, hint=error.hint))
    return replace(outcome, events=tuple(events))


def _make_pipeline(assignment: Assignment) -> Pipeline:
    here = f"the worker on {platform.node()}"
    _compare(f"{here} runs pgdatahub", __version__, assignment.version)
    _compare(f"{here} runs Python", "{}.{}".format(*sys.version_info), "{}.{}".format(*assignment.python))
    stages = Stages(create_plugin_manager())
    database = None
    if assignment.server is not None:
        destination = load_config().destination
        if destination.kind == "embedded":
            raise ExecutorError(
                f"{here} has no database", hint="set DATABASE_URL, or PGHOST, in the environment of the workers"
            )
        database = with_retries(lambda: connect(destination.conninfo, keep_connection=True), lambda _error: None)
        with ExitStack() as on_error:
            on_error.callback(database.close)
            _compare(f"{here} reaches", str(identify(database)), str(assignment.server))
            on_error.pop_all()
    return Pipeline(
        stages=stages,
        config=assignment.config,
        reporter=lambda _event: None,
        run_id=assignment.run_id,
        database=database,
    )


def _compare(what: str, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise ExecutorError(f"{what} {theirs}, and this run is of {ours}", hint="they must be the same")
