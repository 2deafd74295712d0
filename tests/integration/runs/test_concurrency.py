"""Runs and workers beside each other: no deadlock, nothing twice, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.runs.conftest import HEAVY, fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, MakeJob, TableState


def test_four_runs_at_once_load_every_file_once(job: Job, expected: Callable[[], TableState]) -> None:
    files = fill(job.root, files=100 if HEAVY else 15, tables=5)
    runs = [job.start("run", "--format", "json") for _ in range(4)]
    assert [running.wait() for running in runs] == [0, 0, 0, 0], [running.errors for running in runs]
    loaded = [result["file"] for running in runs for result in running.report["files"] if result["outcome"] == "loaded"]
    assert sorted(loaded) == files
    job.assert_like(expected())


def test_workers_give_the_tables_and_totals_of_one_process(make_job: MakeJob) -> None:
    def totals(job: Job) -> dict[str, tuple[str, int]]:
        running = job.load("run", "--format", "json")
        return {result["file"]: (result["outcome"], result["rows"]) for result in running.report["files"]}

    alone, together = make_job(ETL_WORKERS="1"), make_job(ETL_WORKERS="3")
    fill(alone.root, files=12, tables=3)
    assert totals(together) == totals(alone)
    together.assert_like(alone)


@pytest.mark.parametrize("point", ["staged", "copying", "before-commit"])
def test_a_worker_that_dies_costs_the_file_it_held(
    point: str, make_job: MakeJob, expected: Callable[[], TableState]
) -> None:
    job = make_job(ETL_WORKERS="2")
    files = fill(job.root, files=8, tables=2)
    running = job.run("run", "--format", "json", fault=f"{point}:kill:3")
    assert running.wait() == 1
    failed = [result for result in running.report["files"] if result["outcome"] == "failed"]
    assert len(failed) == 1
    assert failed[0]["failure"]["kind"] == "WorkerDiedError"
    assert "SIGKILL" in failed[0]["failure"]["message"]
    assert job.imported() == [identity for identity in files if identity != failed[0]["file"]]
    job.load()
    job.assert_like(expected())


def test_a_worker_that_dies_after_its_commit_has_loaded_its_file(
    make_job: MakeJob, expected: Callable[[], TableState]
) -> None:
    job = make_job(ETL_WORKERS="2")
    files = fill(job.root, files=6, tables=2)
    running = job.run("run", "--format", "json", fault="after-commit:kill:3")
    assert running.wait() == 0
    assert {result["file"]: result["rows"] for result in running.report["files"]} == dict.fromkeys(files, 20)
    job.assert_like(expected())


def test_workers_end_with_their_run_however_it_ends(make_job: MakeJob) -> None:
    import os
    import time
    from contextlib import suppress

    job = make_job(ETL_WORKERS="2")
    fill(job.root, files=4, tables=2)
    running = job.start(fault="copying:hold:1")
    worker = running.wait_held()
    assert worker != running.pid
    running.kill()
    running.wait()
    end = time.monotonic() + 30
    with suppress(ProcessLookupError):
        while time.monotonic() < end and not _is_zombie(worker):
            os.kill(worker, 0)
            time.sleep(0.01)
    assert time.monotonic() < end
    job.load()
    assert len(job.imported()) == 4


def _is_zombie(pid: int) -> bool:
    import psutil

    return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE) if psutil.pid_exists(pid) else True


def test_worker_arguments_and_environment_hold_no_secret(make_job: MakeJob) -> None:
    import psutil

    job = make_job(ETL_WORKERS="2")
    fill(job.root, files=2, tables=1)
    running = job.start(fault="copying:hold:1")
    worker = psutil.Process(running.wait_held())
    arguments = " ".join(worker.cmdline())
    running.let_go()
    assert running.wait() == 0
    assert "postgresql" not in arguments
    assert job.url not in arguments
