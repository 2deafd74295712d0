"""Runs through PgBouncer, in both of its modes that have transactions."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pgdatahub.postgres.rows.copy_writer import BackgroundWriter
from pgdatahub.postgres.server.engine import create_engine, transaction
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


@pytest.mark.parametrize("mode", ["direct", "session", "transaction"])
def test_statements_are_prepared_only_without_a_pooler(mode: str, job: Job) -> None:
    if mode == "direct" and "TEST_POOLER" in os.environ:
        pytest.skip("the test run has a pooler")
    with nullcontext(job.url) if mode == "direct" else pgbouncer(job.url, mode) as url:
        engine = create_engine(url, keep_connection=True)
        for _ in range(10):
            with transaction(engine) as connection:
                connection.driver.execute("SELECT 1")
        with transaction(engine) as connection:
            prepared = connection.driver.execute(
                "SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT 1'"
            ).fetchall()
        engine.dispose()
    assert len(prepared) == (1 if mode == "direct" else 0)


def test_server_lost_in_a_copy_is_an_operational_error(job: Job) -> None:
    with pgbouncer(job.url, "transaction") as url, psycopg.connect(job.url, autocommit=True) as direct:
        direct.execute("CREATE TABLE t (a text)")
        for _ in range(8):  # PgBouncer's own error comes with that of the server in half the cases
            with pytest.raises(psycopg.OperationalError):
                _lose_a_copy(url, direct)


def _lose_a_copy(url: str, direct: psycopg.Connection[Any]) -> None:
    with closing(psycopg.connect(url, prepare_threshold=None)) as connection:
        cursor = connection.cursor()
        with cursor.copy("COPY t FROM STDIN", writer=BackgroundWriter(cursor)) as stream:
            stream.write(b"x\n")
            direct.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'COPY%' AND datname = current_database()"
            )
            time.sleep(0.02)
