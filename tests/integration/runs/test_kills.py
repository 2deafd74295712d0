"""``kill -9`` at any moment loses nothing: the next run leaves all as if it had been the first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from pgdatahub.system.failpoints import POINTS
from tests.integration.runs.conftest import HEAVY, fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, MakeJob, TableState

LOADING = [
    point for point in POINTS if "pause" not in point and not point.startswith("move ") and point != "quarantined"
]
RANDOM_KILLS = 100 if HEAVY else 4
FILES = 60 if HEAVY else 12


@pytest.mark.parametrize("point", LOADING)
def test_a_kill_at_any_point_costs_nothing(point: str, job: Job, expected: Callable[[], TableState]) -> None:
    fill(job.root, files=4, tables=2)
    turn = 1 if point == "discovered" else 3
    assert job.run(fault=f"{point}:kill:{turn}").wait() == -9
    job.load()
    job.assert_like(expected())


@pytest.mark.parametrize("point", ["staged", "copying", "before-commit", "after-commit"])
def test_kill_within_a_sectional_folder_loses_nothing(point: str, job: Job, expected: Callable[[], TableState]) -> None:
    fill(job.root, files=6, tables=2)
    section = {"ETL_SECTIONAL_COMMIT": "1"}
    assert job.run(fault=f"{point}:kill:2", **section).wait() == -9
    loaded = [identity.split("/")[0] for identity in job.imported()]
    assert all(loaded.count(folder) == 3 for folder in loaded)
    job.load(**section)
    job.assert_like(expected())


def test_a_kill_between_parts_leaves_none_of_a_file(job: Job) -> None:
    tables = ("first", "second", "third")
    (job.directory / "config").mkdir()
    (job.directory / "config" / "etl_config.yaml").write_text(
        "m:\n  sheets:\n" + "".join(f"    {name}: {{table: {name}}}\n" for name in tables)
    )
    path = job.root / "m" / "a.xlsx"
    path.parent.mkdir()
    with xlsxwriter.Workbook(path) as book:
        for number, name in enumerate(tables):
            book.add_worksheet(name).write_column(0, 0, ["n", number, number + 100])
    # "before-ddl" comes three times for a new table: its columns, their comments, its index.
    for fault in ("before-ddl:kill:4", "copied:kill:1", "copied:kill:2", "recorded:kill:2"):
        assert job.run(fault=fault).wait() == -9, fault
        assert (job.imported(), job.tables()) == ([], {}), fault
    assert job.run(fault="after-commit:kill:1").wait() == -9
    job.load()
    assert job.imported() == ["m/a.xlsx"] * 3
    assert {name: len(rows) for name, (_, rows) in job.tables().items()} == dict.fromkeys(tables, 2)


@pytest.mark.parametrize("point", ["writing .etl_pause.json", "written .etl_pause.json"])
def test_kill_while_writing_the_pause_file_leaves_no_half_file(
    point: str, job: Job, expected: Callable[[], TableState]
) -> None:
    fill(job.root, files=3, tables=1)
    good = (job.root / "t0/f001.xlsx").read_bytes()
    (job.root / "t0/f001.xlsx").write_bytes(b"PK no workbook")
    assert job.run(fault=f"{point}:kill:1", ETL_ON_ERROR="stop").wait() == -9
    assert not job.pause_file.exists()
    (job.root / "t0/f001.xlsx").write_bytes(good)
    job.load()
    job.assert_like(expected())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_kills_at_random_moments_cost_nothing(
    workers: str, make_job: MakeJob, expected: Callable[[], TableState]
) -> None:
    chance = random.Random(6)  # noqa: S311 - the same moments each time
    fill(make_job().root, files=FILES, tables=5)
    undisturbed = expected()
    left = []
    for number in range(RANDOM_KILLS // 2):
        job = make_job(ETL_WORKERS=workers)
        running = job.start()
        # By what it has done, not by the clock: machines are now fast, now slow. The log has two lines for a file.
        # Every other kill comes in the first half, or on a fast machine all might come too late.
        lines = chance.randrange(2 * FILES if number % 2 else FILES)
        while running.process.is_alive() and _lines(job.directory / "etl.log") < lines:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.02))
        running.kill()
        assert running.wait() in (-9, 0)
        left.append(FILES - len(job.imported()))
        job.load()
        job.assert_like(undisturbed)
    assert any(left)
    print(f"files left by {len(left)} kills with {workers} workers: {sorted(left)}")  # noqa: T201 - shown with -s


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
