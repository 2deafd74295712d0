"""Choice of a worker pool for a run: this process, worker processes, or an executor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.readers.xlsx.reader_choice import choose_reader
from pgdatahub.runs.workers.executors import LOCAL, find_executor
from pgdatahub.runs.workers.units import Unit, spread_tables
from pgdatahub.runs.workers.worker import WorkerSetup
from pgdatahub.runs.workers.worker_pool import InProcessWorker, ProcessPool, WorkerPool

WORTH_WORKERS_BYTES: Final = 4 * 2**20
"""Smaller runs use no worker processes unless the user asks for workers: starting one takes 0.7 s of computing."""
EAGER_BYTES: Final = 8 * 2**20
"""Bytes of rows that are staged before the rows of a file are sent while the rest is read.

Some 40,000 rows of 20 columns: enough to show the types of nearly every file. The server takes smaller files in a fifth of a
second, so sending them early gains nothing.
"""


@contextmanager
def open_pool(units: Sequence[Unit], pipeline: Pipeline) -> Iterator[tuple[WorkerPool, Sequence[Unit]]]:
    """Yield the pool that works on the units, and the units in the order that suits the pool."""
    config, reporter = pipeline.config, pipeline.reporter
    if units and config.executor != LOCAL:
        with _executor_pool(pipeline) as executor_pool:
            yield executor_pool, spread_tables(units)
        return
    size = _count_workers(units, config)
    if size == 1:
        yield InProcessWorker(replace(pipeline, eager_bytes=EAGER_BYTES)), units
        return
    database = pipeline.database
    setup = WorkerSetup(
        config=config,
        run_id=pipeline.run_id,
        conninfo=database.conninfo if database else None,
        embedded=database is not None and database.embedded,
    )

    def revive() -> None:
        if database is not None:
            with suppress(DatabaseError):
                database.revive()

    pool = ProcessPool(setup, size, reporter, revive)
    with _closed(pool):
        yield pool, spread_tables(units)


@contextmanager
def _executor_pool(pipeline: Pipeline) -> Iterator[WorkerPool]:
    # Imported here: runs on one machine do not need the modules.
    from pgdatahub.runs.workers.executor_pool import ExecutorPool
    from pgdatahub.runs.workers.remote_worker import Assignment

    config = pipeline.config
    plugin = find_executor(config.executor)
    assignment = Assignment.of(config, pipeline.run_id, pipeline.database)
    with plugin.open(config.executor_options, workers=config.workers, insecure=config.insecure_executor) as executor:
        pool = ExecutorPool(executor, plugin, assignment, pipeline.reporter)
        with _closed(pool):
            pool.greet()
            yield pool


@contextmanager
def _closed(pool: WorkerPool) -> Iterator[None]:
    try:
        yield
    except BaseException:
        pool.close(at_once=True)
        raise
    pool.close()


def _count_workers(units: Sequence[Unit], config: Config) -> int:
    if config.pause_every and any(len(unit.sources) > config.pause_every for unit in units):
        return 1  # a pause within a folder must end at once if the user interrupts the run
    if config.workers is None and sum(unit.size for unit in units) < WORTH_WORKERS_BYTES:
        return 1
    return max(1, min(config.workers or _default_workers(config), len(units)))


def _default_workers(config: Config) -> int:
    """Return the number of workers for this machine; with the compiled core, the server needs a processor for itself."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors - (1 if choose_reader(config.reader) == "native" else 0)
