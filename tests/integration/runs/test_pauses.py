"""A run that ends early writes a pause file, which the next one respects; a pause in a run holds no transaction."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pgdatahub.config import load_config
from pgdatahub.model.events import Event, FileStarted, PauseTick
from pgdatahub.runs.run import run
from tests.integration.runs.conftest import fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState

STOP = {"ETL_ON_ERROR": "stop"}


@pytest.fixture(name="stopped")
def fixture_stopped(job: Job) -> Job:
    """A job whose run has stopped at its second file of four."""
    fill(job.root, files=4, tables=1)
    (job.root / "t0/f001.xlsx").rename(job.root / "kept")
    (job.root / "t0/f001.xlsx").write_bytes(b"PK\3\4 no workbook")
    assert job.run("run", "--quiet", "--on-error", "stop").wait() == 1
    return job


def _mend(job: Job) -> None:
    (job.root / "kept").rename(job.root / "t0/f001.xlsx")


def test_pause_file_lists_done_failed_and_remaining_files(stopped: Job) -> None:
    pause = stopped.pause
    assert pause["loaded"] == ["t0/f000.xlsx"]
    (failed,) = pause["failed"]
    assert failed["file"] == "t0/f001.xlsx"
    assert failed["problem"]
    assert [left["file"] for left in pause["remaining"]] == ["t0/f002.xlsx", "t0/f003.xlsx"]
    assert pause["options"]["on_error"] == "stop"
    assert pause["reason"].startswith("a file failed")


def test_the_pause_file_is_its_owners_alone_and_has_no_secrets(stopped: Job) -> None:
    assert stat.S_IMODE(stopped.pause_file.stat().st_mode) == 0o600
    passwords = [part for part in psycopg.conninfo.conninfo_to_dict(stopped.url).items() if part[0] == "password"]
    text = stopped.pause_file.read_text() + (stopped.directory / "etl.log").read_text()
    assert stopped.url not in text
    assert not any(password and str(password) in text for _, password in passwords)


def test_resume_does_only_the_rest_with_the_same_options(stopped: Job, expected: Callable[[], TableState]) -> None:
    resumed = stopped.run("resume", "--quiet")
    assert resumed.wait() == 1, "the file still fails, and the run was to stop at that"
    assert stopped.imported() == ["t0/f000.xlsx"]
    _mend(stopped)
    later = stopped.root / "t0/later.xlsx"
    later.write_bytes((stopped.root / "t0/f000.xlsx").read_bytes())
    stopped.load("resume")
    later.unlink()
    stopped.assert_like(expected())


def test_resume_takes_the_data_root_where_it_agrees(stopped: Job) -> None:
    _mend(stopped)
    refused = stopped.run("resume", "--quiet", "--data-root", str(stopped.root.parent))
    assert refused.wait() == 2
    assert f"the paused run loads from {stopped.root}, not from {stopped.root.parent}" in refused.errors
    stopped.load("resume", "--quiet", "--data-root", f"{stopped.root}/.")
    assert not stopped.pause_file.exists()


def test_files_to_reload_are_reloaded_when_a_run_is_resumed(job: Job) -> None:
    fill(job.root, files=4, tables=1)
    job.load("run", "--quiet")
    (job.root / "t0/f001.xlsx").rename(job.root / "kept")
    (job.root / "t0/f001.xlsx").write_bytes(b"PK\3\4 no workbook")
    assert job.run("run", "--quiet", "--on-error", "stop", "--reload", str(job.root)).wait() == 1
    _mend(job)
    job.load("resume", "--quiet")
    times = job.query("SELECT identity, count(*) FROM etl_imports GROUP BY identity ORDER BY identity")
    assert times == [(f"t0/f00{number}.xlsx", 2) for number in range(4)]


def test_resume_with_nothing_paused_is_an_error_that_says_so(job: Job) -> None:
    running = job.run("resume")
    assert running.wait() == 2
    assert "no run was paused" in running.errors


def test_run_refuses_while_a_run_is_paused_and_says_the_ways_on(stopped: Job) -> None:
    refused = stopped.run()
    assert refused.wait() == 4
    for way in ("resume", "run --resume", "run --force"):
        assert way in refused.errors
    assert "3 files left" in refused.errors
    assert stopped.imported() == ["t0/f000.xlsx"]


@pytest.mark.parametrize("option", ["--resume", "--force"])
def test_run_goes_on_past_a_pause_file_where_asked(
    option: str, stopped: Job, expected: Callable[[], TableState]
) -> None:
    _mend(stopped)
    stopped.load("run", "--quiet", option)
    stopped.assert_like(expected())
    stopped.load("run", "--quiet", "--resume")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"run_id": 7}', '{"program": "other", "format": 1}', "null"], ids=repr
)
def test_a_damaged_or_foreign_pause_file_is_a_clear_error(content: str, stopped: Job) -> None:
    stopped.pause_file.write_text(content)
    for command in (("run",), ("resume",), ("run", "--resume")):
        running = stopped.run(*command)
        assert running.wait() == 4
        assert "the pause file is damaged, or not of pgdatahub" in running.errors
        assert "--force" in running.errors
    _mend(stopped)
    stopped.load("run", "--quiet", "--force")
    assert not stopped.pause_file.exists()


def test_a_run_is_not_resumed_into_another_database(stopped: Job) -> None:
    pause = stopped.pause
    pause["destination"] = "elsewhere at 192.0.2.1:5432 as somebody (PostgreSQL 15.4)"
    stopped.pause_file.write_text(json.dumps(pause))
    running = stopped.run("resume")
    assert running.wait() == 4
    assert "would load into" in running.errors
    assert stopped.imported() == ["t0/f000.xlsx"]


def test_a_file_that_is_gone_when_its_run_is_resumed_is_named(stopped: Job) -> None:
    _mend(stopped)
    (stopped.root / "t0/f003.xlsx").unlink()
    running = stopped.load("resume")
    assert "f003.xlsx was left to load, and is gone" in running.errors
    assert stopped.imported() == ["t0/f000.xlsx", "t0/f001.xlsx", "t0/f002.xlsx"]


def test_pause_file_that_cannot_be_written_is_only_a_warning(job: Job) -> None:
    fill(job.root, files=2, tables=1)
    (job.root / "t0/f000.xlsx").write_bytes(b"PK\3\4 no workbook")
    (job.directory / "file").touch()
    running = job.run("run", "--on-error", "stop", ETL_STATE_DIR=str(job.directory / "file"))
    assert running.wait() == 1
    assert "cannot be written" in running.errors
    assert "nothing is lost" in running.errors


@pytest.mark.parametrize("workers", [1, 2])
def test_pause_comes_after_n_files_and_holds_no_transaction(workers: int, job: Job) -> None:
    fill(job.root, files=5, tables=2)
    open_transactions: list[tuple[Any, ...]] = []
    imported: list[int] = []
    ticks: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, PauseTick):
            ticks.append(event.seconds_left)
            imported.append(len(job.imported()))
            with psycopg.connect(job.url, autocommit=True) as connection:
                open_transactions.extend(
                    connection.execute(
                        "SELECT state, query FROM pg_stat_activity WHERE xact_start IS NOT NULL "
                        "AND pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'pgdatahub'"
                    ).fetchall()
                )

    config = load_config(
        overrides={
            "database_url": job.url,
            "schema_name": job.schema,
            "data_root": str(job.root),
            "workers": workers,
            "pause_every": 2,
            "pause_seconds": 0.2,
        },
        directory=job.directory,
    )
    report = run(config, reporter=watch)
    assert report.exit_code == 0
    assert sorted(set(imported)) == [2, 4], "after the fifth there is nothing to wait for"
    assert open_transactions == []
    assert all(0 < tick <= 0.2 for tick in ticks)
    assert len(job.imported()) == 5


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_committed_as_a_whole_pauses_between_its_files(workers: int, job: Job) -> None:
    fill(job.root, files=5, tables=1)
    before: list[int] = []
    loaded: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, FileStarted):
            loaded.append(event.source.identity)
        elif isinstance(event, PauseTick) and (not before or before[-1] != len(loaded)):
            before.append(len(loaded))

    config = load_config(
        overrides={
            "database_url": job.url,
            "schema_name": job.schema,
            "data_root": str(job.root),
            "workers": workers,
            "sectional_commit": True,
            "pause_every": 2,
            "pause_seconds": 0.2,
        },
        directory=job.directory,
    )
    assert run(config, reporter=watch).exit_code == 0
    assert before == [2, 4]
    assert len(job.imported()) == 5
