"""Pool of worker processes that cannot start."""

from __future__ import annotations

import sys

import pytest

from pgdatahub.config import Config, FolderOptions
from pgdatahub.errors import ExecutorError
from pgdatahub.model.events import NullReporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.runs.workers.units import Unit
from pgdatahub.runs.workers.worker import WorkerSetup
from pgdatahub.runs.workers.worker_pool import ProcessPool


def test_worker_that_cannot_start_is_a_problem_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    setup = WorkerSetup(config=Config(), run_id="r", conninfo=None, embedded=False)
    pool = ProcessPool(setup, 2, NullReporter(), lambda: None)
    table = TableName(schema="public", name="a")
    unit = Unit(
        sources=(SourceFile(location="/a/1.xlsx", identity="a/1.xlsx", table=table, options=FolderOptions(), size=1),)
    )
    pool.start(unit)
    busy = pool.busy
    outcome = pool.wait()
    assert outcome.unit is unit
    assert isinstance(outcome.problem, ExecutorError)
    assert "cannot be started: No such file" in str(outcome.problem)
    assert (busy, pool.busy) == (True, False)
    pool.close()
