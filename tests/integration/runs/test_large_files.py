"""Large files are loaded while they are read; killed, stopped or changed in the midst of that, nothing is lost or half."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.runs.conftest import write_workbook

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState

NAME = "t0/large.xlsx"
ROWS = 400
BATCHES = {"ETL_CHUNK_SIZE": "20"}
IN_THE_MIDST = 17
"""12 MB of rows in 20 batches; after the 14th a load begins, so it goes on while this one is read and copied."""


@pytest.fixture
def large(job: Job) -> Job:
    write_workbook(job.root / NAME, [["id", "text"], *([row, f"{row} " + "x" * 30_000] for row in range(ROWS))])
    job.environment.update(BATCHES)
    return job


def _is_copied(job: Job) -> bool:
    """Tell whether the server is taking rows in."""
    return bool(
        job.query(
            "SELECT FROM pg_stat_activity"
            " WHERE state = 'active' AND starts_with(query, 'COPY') AND datname = current_database()"
        )
    )


@pytest.mark.parametrize("point", ["spooling", "copying", "copied", "recorded", "before-commit", "after-commit"])
def test_a_kill_in_the_midst_of_a_large_file_costs_nothing(
    point: str, large: Job, expected: Callable[[], TableState]
) -> None:
    turn = IN_THE_MIDST if point in ("spooling", "copying") else 1
    running = large.start(fault=f"{point}:hold:{turn}")
    running.wait_held()
    assert _is_copied(large) is (turn > 1)
    running.kill()
    assert running.wait() == -9
    assert large.imported() == ([NAME] if point == "after-commit" else [])
    large.load()
    large.assert_like(expected())


@pytest.mark.parametrize("point", ["spooling", "copying", "staged", "recorded", "before-commit"])
def test_dropped_connection_in_a_large_file_loses_nothing(
    point: str, large: Job, expected: Callable[[], TableState]
) -> None:
    running = large.start("run", fault=f"{point}:hold:{IN_THE_MIDST if point in ('spooling', 'copying') else 1}")
    running.wait_held()
    large.lose_connections()
    running.let_go()
    assert running.wait() == 0, running.errors
    assert "trying again" in running.errors
    large.assert_like(expected())


def test_lost_answer_to_commit_of_a_large_file_is_looked_up(large: Job, expected: Callable[[], TableState]) -> None:
    running = large.run("run", "--format", "json", fault="after-commit:lose:1")
    assert running.wait() == 0
    assert [(result["file"], result["outcome"], result["rows"]) for result in running.report["files"]] == [
        (NAME, "loaded", ROWS)
    ]
    large.assert_like(expected())


@pytest.mark.parametrize("point", ["spooling", "copying"])
def test_a_run_that_must_leave_at_once_rolls_back_a_large_file(
    point: str, large: Job, expected: Callable[[], TableState]
) -> None:
    running = large.start(fault=f"{point}:hold:{IN_THE_MIDST}")
    running.wait_held()
    assert _is_copied(large)
    running.kill(signal.SIGTERM)
    assert running.wait() == 143
    assert large.imported() == []
    assert [paused["file"] for paused in large.pause["remaining"]] == [NAME]
    large.load("resume")
    large.assert_like(expected())


def test_large_file_changed_while_read_is_loaded_by_next_run(large: Job, expected: Callable[[], TableState]) -> None:
    running = large.start("run", "--format", "json", fault=f"spooling:hold:{IN_THE_MIDST}")
    running.wait_held()
    os.utime(large.root / NAME)
    running.let_go()
    assert running.wait() == 1
    (result,) = running.report["files"]
    assert "the file changed while it was being read" in result["failure"]["message"]
    assert large.imported() == []
    large.load()
    large.assert_like(expected())


def test_full_disk_in_a_large_file_ends_run_and_leaves_nothing(large: Job, expected: Callable[[], TableState]) -> None:
    running = large.run(fault=f"spooling:full:{IN_THE_MIDST}")
    assert running.wait() == 1
    assert "rows cannot be kept until they are loaded" in running.output + running.errors
    assert large.imported() == []
    large.load("resume")
    large.assert_like(expected())


@pytest.mark.parametrize("settings", [{"ETL_SECTIONAL_COMMIT": "1"}, {"ETL_WORKERS": "2"}], ids=["folder", "workers"])
def test_nobody_waits_for_a_large_file_that_is_being_read(settings: dict[str, str], large: Job) -> None:
    write_workbook(large.root / "t0/other.xlsx", [["id", "text"], [1, "one"]])
    running = large.start(fault=f"spooling:hold:{IN_THE_MIDST}", **settings)
    running.wait_held()
    assert not _is_copied(large)
    running.let_go()
    assert running.wait() == 0
    assert sorted(large.imported()) == [NAME, "t0/other.xlsx"]
