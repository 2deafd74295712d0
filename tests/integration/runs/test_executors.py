"""Executors that are not of this process: one that a distribution brings, and what is refused before anything begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, ExecutorError, PluginError
from pgdatahub.postgres.database import connect, identify
from pgdatahub.runs.workers.executors import find_executor
from pgdatahub.runs.workers.remote_worker import Assignment, greet
from tests.integration.runs.conftest import Job, MakeJob, TableState, fill
from tests.servers import through_pooler

EXECUTOR = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


class Processes:
    api_version = {version}

    def open(self, options, *, workers, insecure):
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(max_workers=workers or 2, mp_context=context)

    def slots(self, executor):
        return executor._max_workers

    def lost(self, error):
        return isinstance(error, BrokenProcessPool)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A directory for the import path with a distribution that brings the executors ``processes`` and ``old``."""
    place = tmp_path / "installed"
    information = place / "more_executors-1.0.dist-info"
    information.mkdir(parents=True)
    (place / "more_executors.py").write_text(EXECUTOR.format(version=1))
    (place / "old_executors.py").write_text(EXECUTOR.format(version=0))
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: more-executors\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[pgdatahub.executors]\nprocesses = more_executors:Processes\nold = old_executors:Processes\n"
    )
    return place


def run(job: Job, *options: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Run the console script in a process of its own; return its exit code, its report and its messages."""
    variables = {
        **os.environ,
        "DATABASE_URL": through_pooler(job.url),
        "ETL_SCHEMA": job.schema,
        "ETL_DATA_ROOT": str(job.root),
        "ETL_STATE_DIR": str(job.directory),
        "TMPDIR": str(job.temporary),
        **environment,
    }
    job.temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pgdatahub", "run", "--quiet", "--format", "json", *options],
        env={name: value for name, value in variables.items() if value},
        cwd=job.directory,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_executor_of_a_distribution_loads_what_local_one_loads(
    make_job: MakeJob, expected: Callable[[], TableState], installed: Path
) -> None:
    job = make_job()
    files = fill(job.root, files=8, tables=2, rows=5)
    code, report, errors = run(job, "--executor", "processes", PYTHONPATH=str(installed))
    assert code == 0, errors
    assert sorted(result["file"] for result in report["files"]) == files
    assert sum(result["rows"] for result in report["files"]) == 8 * 5
    job.assert_like(expected())


def test_broken_executor_ends_the_run_and_next_completes_it(
    make_job: MakeJob, expected: Callable[[], TableState], installed: Path, tmp_path: Path
) -> None:
    job = make_job()
    fill(job.root, files=8, tables=2, rows=5)
    (tmp_path / "faults").mkdir()
    # After COMMIT: the worker died before its report, and the file must be counted all the same.
    code, report, errors = run(
        job,
        *("--executor", "processes", "--workers", "1"),
        PYTHONPATH=str(installed),
        PGDATAHUB_FAULT=f"after-commit:kill:3:{tmp_path / 'faults'}",
    )
    assert code == 1, errors
    assert report["stopped"] == "executor_lost"
    assert job.pause_file.exists()
    loaded = sorted(result["file"] for result in report["files"] if result["outcome"] == "loaded")
    assert len(loaded) == 3
    assert loaded == job.imported()
    assert len(report["remaining"]) == 5
    job.load("run", "--quiet", "--resume")
    job.assert_like(expected())


def test_a_worker_without_a_database_of_its_own_is_refused(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(database_url=database_url)  # type: ignore[arg-type]  # pydantic makes a SecretStr of it
    monkeypatch.chdir(tmp_path)
    refusal = greet(Assignment.of(config, "e", connect(database_url)))
    assert isinstance(refusal, ExecutorError)
    assert "has no database" in refusal.message
    assert "environment of the workers" in str(refusal)


def test_the_embedded_server_is_refused(job: Job, installed: Path) -> None:
    fill(job.root, files=1, tables=1)
    code, _, errors = run(job, "--executor", "processes", PYTHONPATH=str(installed), DATABASE_URL="")
    assert code == 2
    assert "cannot use the embedded server" in errors
    assert "set DATABASE_URL" in errors


def test_missing_executor_is_named_with_those_available(job: Job, installed: Path) -> None:
    fill(job.root, files=1, tables=1)
    code, _, errors = run(job, "--executor", "prozesse", PYTHONPATH=str(installed))
    assert code == 2
    assert "executor 'prozesse' not found" in errors
    assert "dask, local, old, processes" in errors


def test_an_executor_of_another_protocol_is_refused(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(installed)
    with pytest.raises(PluginError, match="written for version 0"):
        find_executor("old")


def test_worker_of_another_version_or_database_is_refused(
    database_url: str, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(database_url=database_url)  # type: ignore[arg-type]  # pydantic makes a SecretStr of it
    database = connect(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    ours = Assignment.of(config, "a", database)
    assert greet(ours) is None
    other_python = Assignment(run_id="b", config=config, server=identify(database), python=(2, 7))
    assert "Python" in str(greet(other_python))
    other_version = Assignment(run_id="c", config=config, server=identify(database), version="0.0")
    assert "must be the same" in str(greet(other_version))
    monkeypatch.setenv("DATABASE_URL", server_url)
    refusal = greet(Assignment.of(config, "d", database))
    assert isinstance(refusal, ExecutorError)
    assert identify(database).database in refusal.message


def test_nothing_secret_travels_to_workers(database_url: str) -> None:
    import pickle

    config = Config(
        database_url="postgresql://user:s3cret@host/name",  # type: ignore[arg-type]  # see above
        executor_options={"token": "s3cret"},
    )
    assert b"s3cret" not in pickle.dumps(Assignment.of(config, "a", connect(database_url)))


@pytest.mark.parametrize(
    ("address", "insecure"),
    [
        ("127.0.0.1:8786", False),
        ("tcp://[::1]:8786", False),
        ("localhost:8786", False),
        ("tls://cluster.example.com:8786", False),
        ("tcp://10.0.0.5:8786", True),
    ],
)
def test_a_scheduler_of_this_machine_or_behind_tls_may_be_used(address: str, insecure: bool) -> None:
    from pgdatahub.runs.workers.dask import checked

    assert checked({"scheduler": address}, insecure=insecure)[0] is not None


@pytest.mark.parametrize("address", ["10.0.0.5:8786", "tcp://cluster.example.com:8786", "ws://10.0.0.5", "ucx://h:1"])
def test_scheduler_open_to_the_network_is_refused(address: str) -> None:
    from pgdatahub.runs.workers.dask import checked

    with pytest.raises(ConfigError, match="not encrypted") as caught:
        checked({"scheduler": address}, insecure=False)
    assert "--insecure-executor" in str(caught.value)


def test_an_unknown_option_of_dask_is_refused() -> None:
    from pgdatahub.runs.workers.dask import checked

    with pytest.raises(ConfigError, match="no option 'sheduler'"):
        checked({"sheduler": "tls://h"}, insecure=False)
