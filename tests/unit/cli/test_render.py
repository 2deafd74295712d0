"""What a run shows: lines, numbers, the summary."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from pgdatahub.cli.console import TerminalConsole
from pgdatahub.cli.progress import ConsoleReporter
from pgdatahub.cli.render import count, file_lines, print_report, report_json, seconds
from pgdatahub.config import FolderOptions
from pgdatahub.model.events import FileFinished, FileStarted, Notice, RunFinished, RunStarted
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Failure, FileResult, Outcome, RunReport, StopReason
from pgdatahub.model.schema import TableName


def source(identity: str) -> SourceFile:
    table = TableName(schema="public", name=identity.split("/")[0])
    return SourceFile(location=f"/data/{identity}", identity=identity, table=table, options=FolderOptions(), size=1000)


def result(identity: str, outcome: Outcome, **more: Any) -> FileResult:
    return FileResult(source=source(identity), outcome=outcome, **more)


FAILURE = Failure(kind="CellError", message="no [value]", where="S › A1", hint="correct it")
REPORT = RunReport(
    run_id="r",
    destination="shop at db:5432",
    results=(
        result("a/one.xlsx", Outcome.LOADED, rows=1200, seconds=1.5),
        result("a/two.xlsx", Outcome.SKIPPED, reason="already loaded"),
        result("b/[x].xlsx", Outcome.FAILED, failure=FAILURE),
    ),
    ignored={"a hidden file": tuple(f".{n}" for n in range(5))},
    seconds=2,
)


def shown(report: RunReport, width: int = 80) -> str:
    text = io.StringIO()
    print_report(report, TerminalConsole(file=text, width=width))
    return text.getvalue()


def told(*events: Any, quiet: bool) -> str:
    text = io.StringIO()
    with ConsoleReporter(TerminalConsole(file=text, width=80), quiet=quiet) as reporter:
        for event in events:
            reporter(event)
    return text.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "0.00 s"), (0.42, "0.4 s"), (59.99, "1 min 0 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_durations_read_as_people_say_them(value: float, text: str) -> None:
    assert seconds(value) == text


def test_numbers_come_with_their_noun() -> None:
    assert [count(number, "row") for number in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]


def test_a_failure_is_one_line_that_ends_with_what_to_do() -> None:
    assert file_lines(REPORT.results[2]).plain == "failed  b/[x].xlsx: S › A1: no [value] (correct it)"


def test_the_summary_has_a_line_for_each_table_and_all_failures() -> None:
    lines = shown(REPORT).splitlines()
    assert any(line.split() == ["a", "1", "1", "–", "1,200", "1.5", "s"] for line in lines)
    assert "  b/[x].xlsx: S › A1: no [value] (correct it)" in lines
    assert "skipped, a hidden file: .0, .1, .2 and 2 more" in lines
    assert lines[-1] == "1 file loaded, 1,200 rows, 1 skipped, 1 failed in 2.0 s; rows go to shop at db:5432"


def test_summary_of_a_dry_run_reports_nothing_written() -> None:
    dry = RunReport(run_id="r", destination="nowhere", results=REPORT.results[2:], dry=True)
    assert shown(dry).splitlines()[-1] == "0 files read, 0 rows, 1 failed in 0.00 s; nothing was written"


def test_a_run_that_ended_early_says_why_and_what_goes_on() -> None:
    stopped = RunReport(
        run_id="r",
        destination="d",
        results=(),
        stopped=StopReason.INTERRUPTED,
        remaining=(source("a/one.xlsx"),),
        pause_file="/here/.etl_pause.json",
    )
    assert "1 file left: pgdatahub resume goes on" in shown(stopped)
    assert told(RunFinished(report=stopped), quiet=True).startswith("error: ended early, ")
    assert "resume" not in shown(replace(stopped, pause_file=None))


def test_json_has_what_the_summary_has() -> None:
    report = json.loads(report_json(REPORT))
    assert [file["outcome"] for file in report["files"]] == ["loaded", "skipped", "failed"]
    assert report["files"][2]["failure"]["message"] == "no [value]"
    assert report["exit_code"] == 1


def test_without_a_terminal_each_file_has_one_line() -> None:
    events = [RunStarted(destination="shop", files=3, bytes=3000)]
    text = told(*events, FileStarted(source=source("a/one.xlsx")), FileFinished(result=REPORT.results[0]), quiet=False)
    assert text == "3 files (3.0 kB) → shop\nloaded  a/one.xlsx → a: 1,200 rows, 1.5 s\n"


def test_quiet_tells_of_warnings_and_failures_only() -> None:
    text = told(
        RunStarted(destination="shop", files=3, bytes=3000),
        Notice(text="made a server"),
        Notice(text="two folders", warning=True),
        *(FileFinished(result=result) for result in REPORT.results),
        quiet=True,
    )
    assert text.splitlines() == [
        "warning: two folders",
        "failed  b/[x].xlsx: S › A1: no [value] (correct it)",
    ]
