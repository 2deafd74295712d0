"""The server, the connection, or the answer to COMMIT is lost in the middle of a run: every file is in once, or waits."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.postgres.embedded.processes import is_server
from tests.integration.runs.conftest import HEAVY, fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState

SHORT_PATIENCE = "import pgdatahub.system.retry; pgdatahub.system.retry.LOST_WAITS = (0.05, 0.1, 0.2)"
MOMENTS = ["staged", "locked", "copying", "copied", "before-commit", "after-commit"]
workers = pytest.mark.parametrize("workers", ["1", "2"])


class Server:
    """A server of these tests' own, to be stopped and started."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._servers: list[EmbeddedServer] = []
        self.start()

    def start(self) -> None:
        server = EmbeddedServer(EmbeddedSettings(home=self.home, parameters={"fsync": "off"}))
        server.attach()
        self._servers.append(server)

    def stop(self, number: int) -> None:
        """Stop it: SIGINT is ``pg_ctl stop -m fast``, SIGQUIT ``-m immediate``, SIGKILL a crash."""
        pid = int((self.home / "server/data/postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, number)
        while is_server(pid, self.home / "server/data"):
            time.sleep(0.01)

    @property
    def url(self) -> str:
        return self._servers[0].url()

    def url_of(self, directory: Path) -> str:
        """Return the URL of a project's own database."""
        (server, *_) = self._servers
        (project,) = (one for one in server.registry.all() if one.directory == str(directory.resolve()))
        return server.url(database=project.database)

    def close(self) -> None:
        for server in self._servers:
            server.release(stop_if_last=False)
        EmbeddedServer(EmbeddedSettings(home=self.home)).stop(force=True)


@pytest.fixture(name="server", scope="module")
def fixture_server() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="pgdatahub-tests-"))
    home.chmod(0o711)
    server = Server(home)
    yield server
    server.close()
    shutil.rmtree(home)


@pytest.fixture(name="own_job")
def fixture_own_job(job: Job, server: Server) -> Job:
    """A job whose server is one that may be stopped."""
    job.url = server.url
    return job


@workers
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
@pytest.mark.parametrize("moment", ["copying", "before-commit"])
def test_a_server_that_is_restarted_within_a_run_costs_nothing(
    moment: str, how: int, workers: str, own_job: Job, server: Server, expected: Callable[[], TableState]
) -> None:
    fill(own_job.root, files=6, tables=2)
    running = own_job.start("run", fault=f"{moment}:hold:3", ETL_WORKERS=workers)
    running.wait_held()
    server.stop(how)
    running.let_go()
    time.sleep(0.3)
    server.start()
    assert running.wait() == 0, running.errors
    assert "trying again" in running.errors
    own_job.assert_loaded_like(expected())


@workers
def test_the_embedded_server_is_brought_back_by_the_run_itself(
    workers: str, own_job: Job, server: Server, expected: Callable[[], TableState]
) -> None:
    fill(own_job.root, files=6, tables=2)
    home = {"DATABASE_URL": "", "PGDATAHUB_HOME": str(server.home)}
    running = own_job.start("run", fault="copying:hold:3", ETL_WORKERS=workers, **home)
    running.wait_held()
    server.stop(signal.SIGKILL)
    running.let_go()
    assert running.wait() == 0, running.errors
    undisturbed = expected()
    own_job.url = server.url_of(own_job.directory)
    own_job.assert_loaded_like(undisturbed)


# Worker processes have the timeout of the product, half a minute.
@pytest.mark.parametrize("workers", ["1", "2"] if HEAVY else ["1"])
def test_lost_server_leaves_a_pause_file_and_resume_finishes(
    workers: str, own_job: Job, server: Server, expected: Callable[[], TableState]
) -> None:
    files = fill(own_job.root, files=6, tables=2)
    running = own_job.start("run", fault="copying:hold:3", prelude=SHORT_PATIENCE, ETL_WORKERS=workers)
    running.wait_held()
    server.stop(signal.SIGQUIT)
    running.let_go()
    assert running.wait() == 3, running.errors
    assert "pgdatahub resume" in running.output
    left = {paused["file"] for paused in own_job.pause["remaining"]}
    assert own_job.pause["reason"].startswith("the database went away")
    assert own_job.run("resume").wait() == 3, "there is still no server"
    server.start()
    assert left | set(own_job.imported()) == set(files)
    own_job.load("resume")
    own_job.assert_loaded_like(expected())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_connection_that_is_dropped_costs_nothing(moment: str, job: Job, expected: Callable[[], TableState]) -> None:
    fill(job.root, files=4, tables=2)
    running = job.start(fault=f"{moment}:hold:2")
    running.wait_held()
    job.lose_connections()
    running.let_go()
    assert running.wait() == 0, running.errors
    job.assert_like(expected())


@workers
def test_a_commit_whose_answer_is_lost_is_looked_up(workers: str, job: Job, expected: Callable[[], TableState]) -> None:
    files = fill(job.root, files=4, tables=2)
    running = job.run("run", "--format", "json", fault="after-commit:lose:2", ETL_WORKERS=workers)
    assert running.wait() == 0
    assert {result["file"]: (result["outcome"], result["rows"]) for result in running.report["files"]} == dict.fromkeys(
        files, ("loaded", 20)
    )
    job.assert_like(expected())


def test_table_locked_by_a_session_fails_only_its_files(job: Job) -> None:
    fill(job.root, files=2, tables=2)
    job.load()
    fill(job.root, files=4, tables=2)
    # One second, not twenty, for the two waits of a file.
    prelude = (
        "import pgdatahub.system.retry, pgdatahub.postgres.tables.locks as locks; pgdatahub.system.retry.CONTENTION_WAITS = (0.05,)\n"
        "for wait in locks.limit_lock_waits, locks.take_turn_and_limit_waits, locks.take_turns_and_limit_waits:\n"
        "    wait.__defaults__ = (1,)"
    )
    with psycopg.connect(job.url) as other:
        other.execute(f"LOCK TABLE {job.schema}.t0 IN ROW EXCLUSIVE MODE".encode())
        running = job.run("run", "--format", "json", prelude=prelude)
    assert running.wait() == 1
    failed = [result for result in running.report["files"] if result["outcome"] == "failed"]
    assert [result["file"] for result in failed] == ["t0/f002.xlsx"]
    assert "another session keeps the table busy" in failed[0]["failure"]["message"]
    assert "t1/f003.xlsx" in job.imported()
    job.load()
    assert len(job.imported()) == 4


def test_no_server_at_all_is_told_at_once_and_nothing_is_begun(job: Job) -> None:
    fill(job.root, files=1, tables=1)
    secret = secrets.token_hex(8)
    job.url = f"postgresql://somebody:{secret}@127.0.0.1:1/nowhere"
    began = time.monotonic()
    running = job.run()
    assert running.wait() == 3
    assert time.monotonic() - began < 10
    assert secret not in running.errors + (job.directory / "etl.log").read_text()
    assert not job.pause_file.exists()
