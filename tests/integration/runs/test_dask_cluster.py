"""A Dask cluster that is started from its command lines, and processes of it that are killed in the middle of a run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.runs.conftest import HEAVY, Job, MakeJob, Running, TableState, fill, write_workbook

pytest.importorskip("distributed", reason="the dependency group executors is not installed")
psutil = pytest.importorskip("psutil")

pytestmark = pytest.mark.executors

TIMEOUT_SECONDS = 600.0
"""Starting a worker takes Dask a second on a quiet machine, and a file that kills workers costs eight of them."""

FILES = 300 if HEAVY else 30
TABLES = 5
ROWS = 10

KILLER = """
import os, signal
from pgdatahub import hookimpl

@hookimpl
def pgdatahub_read(source):
    if source.name == "poison.xlsx":
        os.kill(os.getpid(), signal.SIGKILL)
"""


class Cluster:
    """A scheduler and workers on this machine, each a process with an environment."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = {**os.environ, **environment}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.scheduler = self._start("scheduler", "--port", str(self._port))
        self.nannies = [self._start("worker", self.address, "--nthreads", "1") for _ in range(2)]

    def _start(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        program = Path(sys.executable).with_name("dask")
        with (self._directory / f"dask-{command}.log").open("ab") as log:
            return subprocess.Popen(
                [program, command, *arguments, "--host", "127.0.0.1", "--no-dashboard"],
                env=self._environment,
                cwd=self._directory,
                stdout=log,
                stderr=log,
            )

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._port}"

    @property
    def options(self) -> tuple[str, ...]:
        return "--executor", "dask", "--executor-opt", f"scheduler={self.address}"

    def worker_of(self, nanny: subprocess.Popen[bytes]) -> int:
        """Return the process that a nanny looks after: the one that listens, beside multiprocessing's own helper."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end:
            for child in psutil.Process(nanny.pid).children():
                if "resource_tracker" not in " ".join(child.cmdline()):
                    return int(child.pid)
            time.sleep(0.1)
        raise AssertionError("the nanny has no worker")

    def stop(self) -> None:
        for process in (*self.nannies, self.scheduler):
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
            process.wait()


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Start clusters, and end them after the test."""
    clusters: list[Cluster] = []

    def make(job: Job, **environment: str) -> Cluster:
        directory = tmp_path / f"cluster{len(clusters)}"
        directory.mkdir()
        clusters.append(Cluster(directory, {"DATABASE_URL": job.url, **environment}))
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.stop()


def wait_for(job: Job, files: int, running: Running) -> None:
    """Wait until so many files are loaded."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while len(job.imported()) < files:
        assert running.process.exitcode is None, running.errors
        assert time.monotonic() < end, running.errors
        time.sleep(0.02)


def test_cluster_that_loses_worker_and_machine_loads_files_once(
    make_job: MakeJob, make_cluster: Callable[..., Cluster], expected: Callable[[], TableState]
) -> None:
    job = make_job()
    files = fill(job.root, files=FILES, tables=TABLES, rows=ROWS)
    cluster = make_cluster(job)
    running = job.start("run", "--quiet", "--format", "json", *cluster.options)
    wait_for(job, FILES // 6, running)
    os.kill(cluster.worker_of(cluster.nannies[0]), signal.SIGKILL)
    wait_for(job, FILES // 2, running)
    # A machine that is gone: the nanny first, so that it cannot start another worker.
    orphan = cluster.worker_of(cluster.nannies[0])
    cluster.nannies[0].kill()
    os.kill(orphan, signal.SIGKILL)
    assert running.wait(TIMEOUT_SECONDS) == 0, running.errors
    report = running.report
    assert sorted(result["file"] for result in report["files"]) == files
    assert {result["outcome"] for result in report["files"]} == {"loaded"}
    assert sum(result["rows"] for result in report["files"]) == FILES * ROWS
    assert job.imported() == files
    job.assert_like(expected())


def test_killed_scheduler_ends_the_run_and_next_completes_it(
    make_job: MakeJob, make_cluster: Callable[..., Cluster], expected: Callable[[], TableState]
) -> None:
    job = make_job()
    fill(job.root, files=FILES, tables=TABLES, rows=ROWS)
    cluster = make_cluster(job)
    running = job.start("run", "--quiet", "--format", "json", *cluster.options)
    wait_for(job, FILES // 6, running)
    cluster.scheduler.kill()
    assert running.wait(TIMEOUT_SECONDS) == 1, running.errors
    report = running.report
    assert report["stopped"] == "executor_lost"
    said = {result["file"] for result in report["files"] if result["outcome"] == "loaded"}
    assert said <= set(job.imported())
    assert len(report["files"]) + len(report["remaining"]) == FILES
    assert report["remaining"]
    cluster.stop()
    job.load("run", "--quiet", "--resume")
    job.assert_like(expected())


def test_a_file_that_kills_its_workers_costs_that_file(
    make_job: MakeJob, make_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    job = make_job()
    place = tmp_path / "plugins"
    information = place / "killer-1.0.dist-info"
    information.mkdir(parents=True)
    (place / "killer.py").write_text(KILLER)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: killer\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[pgdatahub]\nkiller = killer\n")
    files = fill(job.root, files=10, tables=2, rows=3)
    write_workbook(job.root / "t0" / "poison.xlsx", [["id"], [1]])
    cluster = make_cluster(job, PYTHONPATH=str(place))
    running = job.start("run", "--quiet", "--format", "json", *cluster.options)
    assert running.wait(TIMEOUT_SECONDS) == 1, running.errors
    outcomes = {result["file"]: result for result in running.report["files"]}
    assert job.imported() == files
    assert all(outcomes[file]["outcome"] == "loaded" for file in files)
    failure = outcomes["t0/poison.xlsx"]["failure"]
    assert failure["kind"] == "WorkerDiedError"
    assert running.report["stopped"] is None
    assert "distributed." not in running.errors
    assert not job.pause_file.exists()


def test_workers_that_reach_another_database_are_refused(
    make_job: MakeJob, make_cluster: Callable[..., Cluster], server_url: str
) -> None:
    job = make_job()
    fill(job.root, files=2, tables=1)
    cluster = make_cluster(job, DATABASE_URL=server_url)
    running = job.start("run", *cluster.options)
    assert running.wait(TIMEOUT_SECONDS) == 2
    assert "they must be the same" in running.errors
    assert job.imported() == []


def test_cluster_of_the_run_loads_what_local_executor_loads(
    make_job: MakeJob, expected: Callable[[], TableState]
) -> None:
    job = make_job()
    fill(job.root, files=6, tables=2)
    # A process of its own, not a fork: the cluster's workers are spawned by it.
    environment = {
        **os.environ,
        "DATABASE_URL": job.url,
        "ETL_SCHEMA": job.schema,
        "ETL_DATA_ROOT": str(job.root),
        "ETL_STATE_DIR": str(job.directory),
    }
    job.temporary.mkdir()
    done = subprocess.run(
        [Path(sys.executable).with_name("pgdatahub"), "run", "--executor", "dask", "--workers", "2"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "distributed" not in done.stderr
    job.assert_like(expected())


def test_cluster_of_the_run_loads_sheets_into_their_tables(make_job: MakeJob) -> None:
    from tests.integration.pipeline.conftest import write_workbook as write_sheets

    job = make_job()
    for number in range(4):
        sheets: dict[str, list[list[object]]] = {"Sales": [["n"], [number]], "Ref": [["code"], ["x"], ["y"]]}
        write_sheets(job.root / "m" / f"{number}.xlsx", sheets)
    config = job.directory / "config" / "etl_config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    job.temporary.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "DATABASE_URL": job.url,
        "ETL_SCHEMA": job.schema,
        "ETL_DATA_ROOT": str(job.root),
        "ETL_STATE_DIR": str(job.directory),
    }

    def run(*options: str) -> list[tuple[object, ...]]:
        done = subprocess.run(
            [Path(sys.executable).with_name("pgdatahub"), "run", "--executor", "dask", "--workers", "2", *options],
            env=environment,
            cwd=job.directory,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return job.query(
            "SELECT table_name, count(*), sum(row_count) FROM etl_imports WHERE status = 'loaded' GROUP BY 1 ORDER BY 1"
        )

    config.write_text("m:\n  sheets:\n    Sales: {table: sales}\n    Ref: {table: ref}\n", encoding="utf-8")
    assert run() == [("ref", 4, 8), ("sales", 4, 4)]
    config.write_text("m: {}\n", encoding="utf-8")
    assert run("--reload", str(job.root / "m")) == [("m", 4, 4)]


def test_a_scheduler_that_is_not_there_is_said_in_one_line(job: Job) -> None:
    fill(job.root, files=1, tables=1)
    options = ("--executor", "dask", "--executor-opt", "scheduler=127.0.0.1:9", "--executor-opt", "timeout=2")
    running = job.start("run", *options)
    assert running.wait(TIMEOUT_SECONDS) == 2
    assert running.errors.splitlines()[-1].startswith("error: tcp://127.0.0.1:9: Dask cannot be used")
