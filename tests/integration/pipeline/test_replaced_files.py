"""``on_changed: replace`` over any course of edits, copies, swaps, renames and deletions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from itertools import count
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pgdatahub.config import load_config
from pgdatahub.model.results import Outcome, RunReport
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection
from tests.integration.pipeline.conftest import Warehouse

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
NAMES = ("a", "b", "c")
_tables = count(1)

Step = tuple[str, ...]
one_name = st.sampled_from(NAMES)
content = st.sampled_from("XYZ")
steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("write"), one_name, content, st.sampled_from("12")),
    st.tuples(st.sampled_from(["copy", "swap", "rename"]), one_name, one_name),
    st.tuples(st.just("delete"), one_name),
)
courses = st.lists(st.lists(steps, min_size=1, max_size=4), min_size=2, max_size=6)


def _write(path: Path, content: str, save: str) -> None:
    """Write a workbook of three rows that tell its content; ``save`` changes its bytes and not its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = xlsxwriter.Workbook(path, {"in_memory": True})
    workbook.set_properties({"created": datetime(2026, 1, int(save), tzinfo=timezone.utc)})
    sheet = workbook.add_worksheet()
    for number, row in enumerate([["id", "content"], *([index, content] for index in range(3))]):
        sheet.write_row(number, 0, row)
    workbook.close()


def _do(folder: Path, step: Step) -> None:
    action, first = step[0], folder / f"{step[1]}.xlsx"
    if action == "write":
        _write(first, step[2], step[3])
        return
    if not first.exists():
        return
    if action == "delete":
        first.unlink()
        return
    second = folder / f"{step[2]}.xlsx"
    if first == second:
        return
    if action == "copy":
        shutil.copy(first, second)
    elif action == "rename" or not second.exists():
        first.rename(second)
    else:
        kept = first.with_name("kept")
        first.rename(kept)
        second.rename(first)
        kept.rename(second)


def _content(path: Path, contents: dict[bytes, str]) -> str:
    return contents[path.read_bytes()]


def _contents(directory: Path) -> dict[bytes, str]:
    found = {}
    for letter in "XYZ":
        for save in "12":
            path = directory / f"{letter}{save}.xlsx"
            _write(path, letter, save)
            found[path.read_bytes()] = letter
    return found


def _outcomes(report: RunReport) -> dict[str, str]:
    words = {Outcome.LOADED: "load", Outcome.SKIPPED: "skip", Outcome.FAILED: "fail"}
    return {result.source.identity: words[result.outcome] for result in report.results}


@pytest.fixture
def check(warehouse: Warehouse) -> Callable[..., None]:
    contents = _contents(warehouse.directory / "contents")

    def follow(course: list[list[Step]], *, sectional: bool, planned: bool) -> None:
        table = f"t{next(_tables)}"
        folder = warehouse.root / table
        folder.mkdir(parents=True)
        warehouse.configure(f"{table}:\n  on_changed: replace\n")
        last: dict[str, str] = {}
        for number, changes in enumerate(course):
            for step in changes:
                _do(folder, step)
            last |= {path.name: _content(path, contents) for path in folder.glob("*.xlsx")}
            if not any(folder.iterdir()):
                continue
            foretold = None
            if planned and not sectional:
                config = load_config(overrides={"database_url": warehouse.url}, directory=warehouse.directory)
                tables = plan(config, selection=Selection(paths=(folder,))).tables
                foretold = {file.file: file.action for one in tables for file in one.files}
            report = warehouse.run(folder, sectional_commit=sectional, workers=1)
            assert report.exit_code == 0, [result.failure for result in report.results]
            if foretold is not None:
                assert foretold == _outcomes(report), number
            rows = warehouse.query(f'SELECT source_file, content, count(*) FROM "{table}" GROUP BY 1, 2')
            assert sorted(row[1] for row in rows) == sorted(set(last.values())), number
            assert {row[2] for row in rows} == {3}
            assert all(last[Path(row[0]).name] == row[1] for row in rows), number

    return follow


W = "write"


@given(course=courses, sectional=st.booleans(), planned=st.booleans())
# A file becomes a copy of another, which changes then: in one run, and in two.
@example(course=[[(W, "a", "X", "1"), (W, "b", "Y", "1")], [("copy", "a", "b")], [(W, "a", "Z", "1")]], sectional=False, planned=True)  # fmt: skip
@example(course=[[(W, "a", "X", "1"), (W, "b", "Y", "1")], [("copy", "a", "b"), (W, "a", "Z", "1")]], sectional=False, planned=True)  # fmt: skip
@example(course=[[(W, "a", "X", "1"), (W, "b", "Y", "1")], [("swap", "a", "b")], [("swap", "a", "b")]], sectional=False, planned=True)  # fmt: skip
@example(course=[[(W, "a", "X", "1"), (W, "b", "Y", "1")], [("swap", "a", "b")]], sectional=True, planned=False)
@example(course=[[(W, "a", "X", "1")], [("copy", "a", "b")], [("delete", "b")], [(W, "a", "Y", "1")]], sectional=False, planned=True)  # fmt: skip
@example(course=[[(W, "a", "X", "1"), (W, "b", "X", "2")], [(W, "a", "Y", "1")], [(W, "b", "Y", "2")]], sectional=False, planned=True)  # fmt: skip
@settings(
    max_examples=150 if THOROUGH else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_replacing_keeps_the_content_of_every_path(
    course: list[list[Step]], sectional: bool, planned: bool, check: Callable[..., None]
) -> None:
    check(course, sectional=sectional, planned=planned)
