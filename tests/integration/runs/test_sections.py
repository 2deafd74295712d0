"""With ``ETL_SECTIONAL_COMMIT`` a folder is in as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.runs.conftest import fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState

SECTIONS = {"ETL_SECTIONAL_COMMIT": "1"}
workers = pytest.mark.parametrize("workers", ["1", "2"])


def _break(job: Job, identity: str) -> Callable[[], None]:
    path = job.root / identity
    good = path.read_bytes()
    path.write_bytes(b"PK\3\4 no workbook")

    def mend() -> None:
        path.write_bytes(good)

    return mend


def _break_while_loading(job: Job) -> Callable[[], None]:
    """Have the database, not the reader, refuse the second file of t1."""
    job.execute(
        f"CREATE SCHEMA {job.schema}",
        "CREATE TABLE t1 (id int CHECK (id NOT BETWEEN 3000 AND 3999), source_file text, load_timestamp timestamp)",
    )
    return lambda: job.execute("ALTER TABLE t1 DROP CONSTRAINT t1_id_check")


@workers
def test_sections_give_the_tables_that_single_files_give(
    workers: str, job: Job, expected: Callable[[], TableState]
) -> None:
    fill(job.root, files=9, tables=3)
    job.load(ETL_WORKERS=workers, **SECTIONS)
    job.assert_like(expected())


def test_no_row_of_a_folder_is_seen_before_all_are(job: Job) -> None:
    fill(job.root, files=4, tables=1)
    running = job.start(fault="before-commit:hold:1", **SECTIONS)
    running.wait_held()
    assert job.imported() == []
    assert "t0" not in job.tables()
    running.let_go()
    assert running.wait() == 0
    assert len(job.imported()) == 4


@workers
@pytest.mark.parametrize("how", [_break_while_loading, lambda job: _break(job, "t1/f003.xlsx")], ids=["load", "read"])
def test_failure_under_stop_reverts_folder_and_resume_loads_it(
    how: Callable[[Job], Callable[[], None]], workers: str, job: Job
) -> None:
    files = fill(job.root, files=6, tables=2)
    mend = how(job)
    stopped = job.run("run", "--quiet", "--on-error", "stop", ETL_WORKERS=workers, **SECTIONS)
    assert stopped.wait() == 1
    assert {identity.split("/")[0] for identity in job.imported()} <= {"t0"}
    assert [failed["file"] for failed in job.pause["failed"]] == ["t1/f003.xlsx"]
    left = {paused["file"] for paused in job.pause["remaining"]}
    assert {"t1/f001.xlsx", "t1/f005.xlsx"} <= left
    mend()
    running = job.start("resume", fault="before-commit:hold:1")
    running.wait_held()
    assert {identity.split("/")[0] for identity in job.imported()} <= {"t0"}
    running.let_go()
    assert running.wait() == 0
    assert job.imported() == files


@workers
@pytest.mark.parametrize("how", [_break_while_loading, lambda job: _break(job, "t1/f003.xlsx")], ids=["load", "read"])
def test_under_continue_a_failing_file_takes_only_itself_back(
    how: Callable[[Job], Callable[[], None]], workers: str, job: Job
) -> None:
    files = fill(job.root, files=6, tables=2)
    mend = how(job)
    running = job.run("run", "--format", "json", ETL_WORKERS=workers, **SECTIONS)
    assert running.wait() == 1
    outcomes = {result["file"]: result["outcome"] for result in running.report["files"]}
    assert outcomes == {**dict.fromkeys(files, "loaded"), "t1/f003.xlsx": "failed"}
    assert job.imported() == [identity for identity in files if identity != "t1/f003.xlsx"]
    assert not job.pause_file.exists()
    mend()
    job.load(**SECTIONS)
    assert job.imported() == files


def test_a_lost_connection_replays_the_whole_folder(job: Job, expected: Callable[[], TableState]) -> None:
    fill(job.root, files=4, tables=1)
    running = job.start(fault="copying:hold:3", **SECTIONS)
    running.wait_held()
    job.lose_connections()
    running.let_go()
    assert running.wait() == 0
    job.assert_like(expected())
