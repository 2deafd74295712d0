"""Ctrl-C, SIGTERM and SIGHUP end a run in good order, and what is left is known."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.runs.conftest import fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState


def _finish(job: Job, expected: Callable[[], TableState]) -> None:
    job.load("resume")
    job.assert_like(expected())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_finishes_the_files_in_work_and_leaves_the_others(
    workers: str, job: Job, expected: Callable[[], TableState]
) -> None:
    files = fill(job.root, files=6, tables=2)
    running = job.start(fault="copying:hold:3", ETL_WORKERS=workers)
    running.wait_held()
    running.kill(signal.SIGINT)
    running.let_go()
    assert running.wait() == 130
    assert "finishing the files in work" in running.errors
    left = [paused["file"] for paused in job.pause["remaining"]]
    loaded = job.imported()
    assert 3 <= len(loaded) < 6
    assert sorted([*left, *loaded]) == files
    assert sorted(job.pause["loaded"]) == loaded
    _finish(job, expected)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("numbers", "code"),
    [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGTERM,), 143), ((signal.SIGHUP,), 143)],
    ids=["twice-ctrl-c", "sigterm", "sighup"],
)
def test_run_that_leaves_at_once_rolls_back_files_in_work(
    numbers: tuple[int, ...], code: int, workers: str, job: Job, expected: Callable[[], TableState]
) -> None:
    files = fill(job.root, files=4, tables=2)
    running = job.start(fault="copying:hold:2", ETL_WORKERS=workers)
    running.wait_held()
    held_one_is_not_in = len(job.imported())
    for number in numbers:
        running.kill(number)
        if len(numbers) > 1:
            # A second signal that comes before the first is handled would be lost.
            _wait_until(lambda: "finishing" in running.errors)
    assert running.wait() == code
    left = [paused["file"] for paused in job.pause["remaining"]]
    assert len(job.imported()) <= held_one_is_not_in + (workers == "2")
    assert set(files) - set(job.imported()) <= set(left)
    assert "Traceback" not in running.errors
    _finish(job, expected)


def test_signal_ignored_from_the_beginning_stays_ignored(job: Job) -> None:
    fill(job.root, files=2, tables=1)
    prelude = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    running = job.start(fault="copying:hold:1", prelude=prelude)
    running.wait_held()
    running.kill(signal.SIGHUP)
    running.let_go()
    assert running.wait() == 0
    assert len(job.imported()) == 2


def test_signal_before_the_first_file_leaves_nothing_behind(job: Job) -> None:
    fill(job.root, files=2, tables=1)
    running = job.start(fault="discovered:hold:1")
    running.wait_held()
    running.kill(signal.SIGTERM)
    assert running.wait() == 143
    assert "nothing was begun" in running.errors
    assert not job.pause_file.exists()


def _wait_until(condition: Callable[[], bool]) -> None:
    import time

    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
