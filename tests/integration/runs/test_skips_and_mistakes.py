"""Loaded files are skipped at the cost of their hash; a plugin's mistake fails only its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pgdatahub.config import load_config
from pgdatahub.model.events import Event, FileFinished
from pgdatahub.runs.run import run
from tests.integration.runs.conftest import fill

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState


def test_loaded_files_are_not_opened_or_given_to_workers(job: Job) -> None:
    files = fill(job.root, files=6, tables=2)
    job.load()
    # No reader is there, and a process that reaches a stage would be killed.
    again = job.load("run", "--format", "json", ETL_WORKERS="2", PGDATAHUB_DISABLE_PLUGINS="read_xlsx,read_calamine")
    assert {result["file"]: result["outcome"] for result in again.report["files"]} == dict.fromkeys(files, "skipped")


def test_a_file_of_the_size_of_a_loaded_one_is_not_taken_for_it(job: Job) -> None:
    (identity,) = fill(job.root, files=1, tables=1)
    job.load()
    path = job.root / identity
    content = path.read_bytes()
    fill(job.root, files=1, tables=1, seed=8)
    # The same number of bytes: what is behind the end of a ZIP archive's directory is its comment.
    new = path.read_bytes()
    size = max(len(content), len(new)) + 40
    for name, data in (("old", content), ("new", new)):
        comment = size - len(data)
        (job.root / f"t0/{name}.xlsx").write_bytes(data[:-2] + comment.to_bytes(2, "little") + b" " * comment)
    path.unlink()
    assert len({(job.root / f"t0/{name}.xlsx").stat().st_size for name in ("old", "new")}) == 1
    running = job.load("run", "--format", "json")
    outcomes = {result["file"]: (result["outcome"], result["reason"]) for result in running.report["files"]}
    assert outcomes["t0/new.xlsx"][0] == "loaded"
    assert outcomes["t0/old.xlsx"][0] == "skipped"
    assert "same content" in (outcomes["t0/old.xlsx"][1] or "")
    assert all(result["outcome"] == "skipped" for result in job.load("run", "--format", "json").report["files"])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_mistake_in_a_plugin_costs_the_file_and_is_in_the_log(
    workers: str, job: Job, expected: Callable[[], TableState]
) -> None:
    fill(job.root, files=4, tables=2)
    running = job.run(
        "run", "--format", "json", "--log-format", "json", fault="locked:raise:2", ETL_WORKERS=workers, DEBUG="1"
    )
    assert running.wait() == 1
    failed = [result for result in running.report["files"] if result["outcome"] == "failed"]
    assert len(failed) == 1
    assert "RuntimeError: asked for at locked" in failed[0]["failure"]["message"]
    assert "Traceback" not in running.output + running.errors
    log = [json.loads(line) for line in (job.directory / "etl.log").read_text().splitlines()]
    assert [line["file"] for line in log if "Traceback" in line.get("traceback", "")] == [failed[0]["file"]]
    job.load()
    job.assert_like(expected())


def test_program_gets_its_interrupt_after_the_pause_file(job: Job) -> None:
    fill(job.root, files=3, tables=1)
    config = load_config(
        overrides={"database_url": job.url, "schema_name": job.schema, "data_root": str(job.root)},
        directory=job.directory,
    )

    def interrupt(event: Event) -> None:
        if isinstance(event, FileFinished):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config, reporter=interrupt)
    assert [paused["file"] for paused in job.pause["remaining"]]
    job.load("resume")
    assert len(job.imported()) == 3
