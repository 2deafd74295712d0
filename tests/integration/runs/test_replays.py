"""``pgdatahub quarantine replay`` beside other commands, and when it is killed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.runs.conftest import HEAVY, write_workbook

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, MakeJob

REPLAY = ("quarantine", "replay", "--yes")
PLACES = """
    SELECT row_count, quarantined, (SELECT count(*) FROM t WHERE load_timestamp = i.imported_at),
           (SELECT count(*) FROM etl_quarantine q WHERE q.import_id = i.id), coalesce(jsonb_array_length(replays), 0)
      FROM etl_imports i WHERE status = 'loaded' ORDER BY identity
"""


def limit(job: Job, most: int) -> None:
    config = job.directory / "config"
    config.mkdir(exist_ok=True)
    (config / "etl_config.yaml").write_text(
        f"t:\n  on_bad: quarantine\n  max_bad: 100%\n  columns: {{n: {{type: integer, max: {most}}}}}\n"
    )


@pytest.fixture
def aside(job: Job) -> Job:
    """Return a job with two files, of each of which two rows are set aside, and one of them passes the rules of now."""
    limit(job, 10)
    for number in range(2):
        write_workbook(job.root / "t" / f"f{number}.xlsx", [["n"], [number], [50 + number], ["bad"]])
    job.load()
    limit(job, 100)
    return job


@pytest.mark.parametrize("point", ["copied", "replayed", "before-commit", "after-commit"][0 if HEAVY else 2 :])
def test_a_kill_leaves_each_row_in_one_place(point: str, aside: Job) -> None:
    before, after = (1, 2, 1, 2, 0), (2, 1, 2, 1, 1)
    assert aside.run(*REPLAY, fault=f"{point}:kill:2").wait() == -9
    assert aside.query(PLACES) == ([after, after] if point == "after-commit" else [after, before])
    aside.load(*REPLAY)
    assert aside.query(PLACES) == [after, after]
    aside.load("verify")


def test_of_two_replays_at_once_one_finds_nothing(aside: Job) -> None:
    first = aside.start(*REPLAY, "--format", "json", fault="replayed:hold:1")
    first.wait_held()
    second = aside.start(*REPLAY, "--format", "json")
    first.let_go()
    assert (first.wait(), second.wait()) == (0, 0), first.errors + second.errors
    assert first.report["rows"] + second.report["rows"] == 2
    assert aside.query(PLACES) == [(2, 1, 2, 1, 1)] * 2


def test_a_dry_run_tells_what_a_replay_does(aside: Job) -> None:
    planned = aside.load(*REPLAY[:2], "--dry-run", "--format", "json").report
    assert aside.query(PLACES) == [(1, 2, 1, 2, 0)] * 2
    done = aside.load(*REPLAY, "--format", "json").report
    assert planned | {"done": True} == done
    assert [(one["rows"], one["left"], one["faults"][0]["rule"]) for one in done["imports"]] == [(1, 1, "type")] * 2
    told = json.loads(aside.load("history", "--format", "json").output)["entries"]
    assert [one["replays"][0]["rows"] for one in told if one["kind"] == "import"] == [1, 1]


def test_a_refused_replay_ends_with_1(aside: Job) -> None:
    (aside.directory / "config" / "etl_config.yaml").write_text("t:\n  on_bad: quarantine\n")
    running = aside.run(*REPLAY)
    assert running.wait() == 1
    assert "run --reload FILE" in running.output
    assert aside.query(PLACES) == [(1, 2, 1, 2, 0)] * 2
    assert aside.run(*REPLAY, "f9.xlsx").wait() == 2
    assert aside.run(*REPLAY[:2]).wait() == 2  # there is no terminal to ask on


def test_an_adopted_history_knows_replayed_rows(aside: Job) -> None:
    aside.load(*REPLAY)
    aside.execute("DROP TABLE etl_imports, etl_schema_changes, etl_quarantine")
    aside.load("run", "--adopt")
    assert [row[:4] for row in aside.query(PLACES)] == [(2, 1, 2, 1)] * 2
    aside.load("verify")
    aside.load("revert", "f0.xlsx", "--yes")
    assert aside.query("SELECT n FROM t ORDER BY 1") == [(1,), (51,)]


def test_tables_of_an_earlier_version_take_a_replay(make_job: MakeJob) -> None:
    job = make_job()
    limit(job, 10)
    write_workbook(job.root / "t" / "f.xlsx", [["n"], [1], [50]])
    job.load()
    job.execute(
        "ALTER TABLE etl_imports DROP COLUMN replays",
        "UPDATE etl_imports SET layout = jsonb_set(layout, '{Sheet1}', (layout -> 'Sheet1') - 'settings' - 'skipped'"
        " - 'first_column' - 'sheet')",
    )
    job.load("verify")
    job.load("history")
    limit(job, 100)
    refused = job.run(*REPLAY)  # nothing tells which of its settings differ
    assert refused.wait() == 1
    limit(job, 10)
    assert job.run(*REPLAY).wait() == 0
    assert job.query(PLACES) == [(1, 1, 1, 1, 0)]
