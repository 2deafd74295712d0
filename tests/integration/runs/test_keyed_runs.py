"""Runs into keyed tables that are killed, that meet each other, and that go through a pooler."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from pgdatahub.system.failpoints import KEYED_POINTS, POINTS
from tests.integration.runs.conftest import HEAVY, fill, write_workbook
from tests.servers import pgbouncer

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, MakeJob

LOADING = [point for point in POINTS if "pause" not in point and not point.startswith("move ")]
# The other points are those of all loads, which other tests kill.
KILLED = [*LOADING, *KEYED_POINTS] if HEAVY else [*KEYED_POINTS, "after-ddl", "quarantined", "before-commit"]


def keyed(job: Job) -> Job:
    """Give all tables of a job a key whose values many files share, and whose type widens."""
    (job.directory / "config").mkdir()
    folders = "".join(f"t{number}:\n  key: [value]\n  on_bad: quarantine\n  max_bad: 100%\n" for number in range(4))
    (job.directory / "config/etl_config.yaml").write_text(folders)
    return job


@pytest.mark.parametrize("point", KILLED)
def test_a_kill_leaves_keyed_tables_as_they_were(point: str, make_job: MakeJob) -> None:
    job = keyed(make_job())
    fill(job.root, files=6, tables=2)
    for number in range(3):
        write_workbook(job.root / f"t0/no key {number}.xlsx", [["n", "value"], [number, number], [number, None]])
    undisturbed = keyed(make_job())
    undisturbed.load()
    turn = 1 if point == "discovered" else 3
    assert job.run(fault=f"{point}:kill:{turn}").wait() == -9
    job.load()
    job.assert_like(undisturbed)
    assert job.query("SELECT count(*) FROM etl_quarantine") == [(3,)]


def test_a_kill_within_a_keyed_section_loses_nothing(make_job: MakeJob) -> None:
    job = keyed(make_job())
    fill(job.root, files=6, tables=2)
    undisturbed = keyed(make_job())
    undisturbed.load()
    assert job.run(fault="keys merged:kill:2", ETL_SECTIONAL_COMMIT="1").wait() == -9
    job.load(ETL_SECTIONAL_COMMIT="1")
    job.assert_like(undisturbed)


@pytest.mark.parametrize("mode", ["direct", "transaction"])
def test_four_runs_at_once_leave_a_keyed_table_as_one(mode: str, make_job: MakeJob) -> None:
    if mode != "direct" and shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("no PgBouncer")
    job = keyed(make_job())
    files = fill(job.root, files=40 if HEAVY else 16, tables=1, rows=5)
    undisturbed = keyed(make_job())
    undisturbed.load()
    with nullcontext(job.url) if mode == "direct" else pgbouncer(job.url, mode, pool_size=8) as url:
        runs = [job.start("run", "--format", "json", DATABASE_URL=url) for _ in range(4)]
        assert [running.wait() for running in runs] == [0] * 4, [running.errors for running in runs]
        loaded = [file["file"] for running in runs for file in running.report["files"] if file["outcome"] == "loaded"]
        assert sorted(loaded) == files
        job.assert_like(undisturbed)
        job.load("revert", "--source-file", files[-1], "--with-schema", "--yes", DATABASE_URL=url)
        undisturbed.load("revert", "--source-file", files[-1], "--with-schema", "--yes")
    job.assert_loaded_like(undisturbed)


def test_rekey_takes_a_file_of_folder_options(make_job: MakeJob) -> None:
    job = make_job()
    fill(job.root, files=2, tables=1)
    job.load()
    options = job.directory / "options.yaml"
    options.write_text("t0:\n  key: [value]\n")
    job.load("rekey", "t0", "--yes", "--config", str(options))
    assert "t0_replaced" in job.tables()
