"""Runs through PgBouncer, in both of its modes that have transactions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.runs.conftest import fill
from tests.servers import pgbouncer

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState

pytestmark = pytest.mark.skipif(shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") is None, reason="no PgBouncer")


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_two_runs_through_a_pooler_load_every_file_once(
    mode: str, job: Job, expected: Callable[[], TableState]
) -> None:
    files = fill(job.root, files=40, tables=4, rows=5)
    with pgbouncer(job.url, mode, pool_size=6) as url:
        runs = [job.start("run", "--format", "json", DATABASE_URL=url, ETL_WORKERS="2") for _ in range(2)]
        assert [running.wait() for running in runs] == [0, 0], [running.errors for running in runs]
        loaded = [file["file"] for running in runs for file in running.report["files"] if file["outcome"] == "loaded"]
        assert sorted(loaded) == files
        again = job.load("run", "--format", "json", DATABASE_URL=url).report["files"]
        assert {file["outcome"] for file in again} == {"skipped"}
    job.assert_like(expected())


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_revert_through_a_pooler_leaves_the_rest(mode: str, job: Job) -> None:
    fill(job.root, files=6, tables=1, rows=5)
    with pgbouncer(job.url, mode) as url:
        job.load(DATABASE_URL=url)
        job.load("revert", "--source-file", "t0/f003.xlsx", "--with-schema", "--yes", DATABASE_URL=url)
        assert len(job.imported()) == 5
