"""Output of a run: lines, numbers, the summary."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text

from pgdatahub.cli.console import TerminalConsole
from pgdatahub.cli.lines import Line
from pgdatahub.cli.progress import ConsoleReporter, LineReporter
from pgdatahub.cli.render import file_lines, report_json, seconds
from pgdatahub.cli.summary import MORE, print_report
from pgdatahub.config import FolderOptions
from pgdatahub.load.known.skip_reasons import ALREADY_LOADED
from pgdatahub.model.events import FileFinished, FileStarted, Notice, RunFinished, RunStarted
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Failure, FileResult, Outcome, RunReport, StopReason
from pgdatahub.model.schema import AddColumn, AlterType, ColumnSchema, TableName
from pgdatahub.values.counting import count
from pgdatahub.values.sql_types import SqlType


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


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(report: RunReport, width: int = 80, *, terminal: bool = False) -> str:
    text = Terminal() if terminal else io.StringIO()
    console = TerminalConsole(file=text, width=width)
    print_report(report, console, console)
    return Text.from_ansi(text.getvalue()).plain


def told(*events: Any, **options: bool) -> str:
    text = io.StringIO()
    console = TerminalConsole(file=text, width=100)
    with ConsoleReporter(console, **options) as reporter:
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


def failed(number: int) -> RunReport:
    hint = "open it in the program that wrote it, and save it as a workbook; then run again"
    failures = (Failure(kind="Error", message="is a CSV file", hint=hint),) * number
    return replace(
        REPORT, results=tuple(result(f"a/{n}.xlsx", Outcome.FAILED, failure=one) for n, one in enumerate(failures))
    )


def test_many_failures_take_a_line_each_on_a_terminal() -> None:
    lines = shown(failed(6), terminal=True).splitlines()
    assert [line for line in lines if line.startswith("failed")] == [
        f"failed  a/{n}.xlsx: is a CSV file" for n in range(6)
    ]
    assert "-v shows every file, column, remark and fix" in "\n".join(lines)
    assert shown(failed(5), terminal=True).count("then run again") == 5
    assert shown(failed(6)).count("then run again") == 6  # a pipe has no width


def test_a_remark_on_many_files_fits_the_terminal() -> None:
    kind = "the first row does not look like headers (set header_row:)"
    files = [f"sales/2025/{'long ' * 4}{n}.xlsx" for n in range(3)]
    results = tuple(result(name, Outcome.LOADED, notices=(FileNotice("long", kind=kind),)) for name in files)
    report = replace(REPORT, results=results)
    assert f"3 files: {kind}; {files[0]} and 2 more\n" in shown(report, width=200, terminal=True)
    assert f"3 files: {kind}; …/{files[0][11:]} and 2 more\n" in shown(report, width=112, terminal=True)
    assert f"3 files: {kind}\n" in shown(report, width=100, terminal=True)


def test_long_lines_break_between_words_on_a_terminal() -> None:
    text = Terminal()
    console = TerminalConsole(file=text, width=40)
    told = "failed  a.xlsx: the workbook is protected by a password (save it without one)"
    console.print(Line(told), soft_wrap=True)
    console.print(Line("x" * 45), soft_wrap=True)
    assert text.getvalue().splitlines() == [
        "failed  a.xlsx: the workbook is",
        "        protected by a password (save it",
        "        without one)",
        "x" * 40,
        " " * 8 + "x" * 5,
    ]


def test_a_failure_names_its_file_once() -> None:
    failed = result("b/x.xlsx", Outcome.FAILED, failure=replace(FAILURE, where="x.xlsx"))
    assert file_lines(failed).plain == "failed  b/x.xlsx: no [value] (correct it)"
    within = result("b/x.xlsx", Outcome.FAILED, failure=replace(FAILURE, where="x.xlsx › S"))
    assert file_lines(within).plain == "failed  b/x.xlsx: S: no [value] (correct it)"


def test_the_summary_has_a_line_for_each_table_and_all_failures() -> None:
    lines = shown(REPORT).splitlines()
    assert any(line.split() == ["a", "1", "1", "1,200", "1.5", "s"] for line in lines)
    assert "failed  b/[x].xlsx: S › A1: no [value] (correct it)" in lines
    assert "skipped, a hidden file: .0, .1, .2 and 2 more" in lines
    assert lines[-1] == "1 file loaded, 1,200 rows, 1 skipped, 1 failed in 2.0 s; rows go to shop at db:5432"
    assert MORE in lines


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


def added(*names: str) -> tuple[AddColumn, ...]:
    return tuple(AddColumn(column=ColumnSchema(name=name, type=SqlType.INTEGER)) for name in names)


def test_many_new_columns_are_counted_and_the_first_named() -> None:
    wide = result("a/w.xlsx", Outcome.LOADED, rows=9, seconds=0.2, changes=added(*(f"c{n}" for n in range(1, 256))))
    assert file_lines(wide).plain == "loaded  a/w.xlsx → a: 9 rows, 0.2 s; 255 new columns: c1, c2, c3 …"
    verbose = file_lines(wide, verbose=True).plain.splitlines()
    assert len(verbose) == 256
    assert verbose[1].strip() == "c1: new column, INTEGER"


def test_fewer_columns_are_named_where_the_line_would_not_fit() -> None:
    long = result("a/w.xlsx", Outcome.LOADED, rows=9, seconds=0.2, changes=added("x" * 40, "y" * 40, "z"))
    assert file_lines(long).plain.endswith(f"3 new columns: {'x' * 40} …")
    assert file_lines(long, width=60).plain.endswith("; 3 new columns")
    alone = result("a/w.xlsx", Outcome.LOADED, rows=9, seconds=0.2, changes=added("x" * 40))
    assert file_lines(alone, width=60).plain.endswith(f"1 new column: {'x' * 40}")


def test_up_to_three_wider_types_are_described() -> None:
    changes = [
        AlterType(name=f"c{n}", old=SqlType.INTEGER, new=SqlType.TEXT, cause=ColumnSchema(name="c", type=SqlType.TEXT))
        for n in range(4)
    ]
    three = result("a/w.xlsx", Outcome.LOADED, changes=tuple(changes[:3]))
    assert file_lines(three).plain.count("INTEGER → TEXT") == 3
    four = result("a/w.xlsx", Outcome.LOADED, changes=tuple(changes))
    assert file_lines(four).plain.endswith("4 wider types: c0, c1, c2 …")


def skips(table: str, number: int) -> tuple[FileResult, ...]:
    reason = FileNotice("already loaded 2025-03-03 06:00 UTC", ALREADY_LOADED)
    return tuple(result(f"{table}/{n}.xlsx", Outcome.SKIPPED, reason=reason) for n in range(number))


def test_skipped_files_have_one_line_for_each_table() -> None:
    copy = FileNotice("is the same file as a/0.xlsx (loaded …)", "the same as another file")
    results = (*skips("a", 3), result("a/copy.xlsx", Outcome.SKIPPED, reason=copy), *skips("b", 2), *skips("c", 1))
    report = replace(REPORT, results=results, ignored={})
    assert shown(report).splitlines()[:3] == [
        "skipped 4 files of a: 3 already loaded, 1 the same as another file (copy.xlsx)",
        "skipped 2 files of b: already loaded",
        "skipped c/0.xlsx: already loaded 2025-03-03 06:00 UTC",
    ]
    assert told(*(FileFinished(result=one) for one in results)) == ""


def test_skipped_files_of_many_tables_take_few_lines() -> None:
    results = tuple(one for number in range(400) for one in skips(f"t{number:03}", 10))
    lines = shown(replace(REPORT, results=results, ignored={})).splitlines()
    assert "skipped 3,800 files of 380 further tables" in lines
    assert len(lines) < 30


def test_remarks_of_one_kind_are_counted_together() -> None:
    notice = "the file shares no column with its table"
    results = tuple(
        result(
            f"a/{n}.xlsx",
            Outcome.LOADED,
            counts={"error cells": 2},
            examples={"error cells": f"S!A{n}"},
            notices=(FileNotice(f"{notice} a: the file has c{n}", notice),),
        )
        for n in range(3)
    )
    lines = shown(replace(REPORT, results=results, ignored={})).splitlines()
    assert f"3 files: {notice}; a/0.xlsx and 2 more" in lines
    assert "3 files: error cells: 6; a/0.xlsx and 2 more" in lines
    alone = shown(replace(REPORT, results=results[1:2], ignored={})).splitlines()
    assert f"a/1.xlsx: {notice} a: the file has c1" in alone
    assert "a/1.xlsx: error cells: 2, first S!A1" in alone


def test_verbose_shows_every_file_and_remark_once() -> None:
    events = [FileFinished(result=one) for one in (*REPORT.results, *skips("c", 2))]
    assert told(*events, verbose=True).count("skipped ") == 3
    text = io.StringIO()
    console = TerminalConsole(file=text, width=80)
    print_report(REPORT, console, console, verbose=True)
    assert "already loaded" not in text.getvalue()
    assert MORE not in text.getvalue()


def test_a_failure_is_shown_once() -> None:
    failure = FileFinished(result=REPORT.results[2])
    assert told(failure) == ""
    assert shown(REPORT).count("no [value]") == 1
    # JSON has no lines for people, so the progress has them.
    assert told(failure, failures=True).count("no [value]") == 1


def test_a_watch_counts_the_skipped_files_of_a_run() -> None:
    text = io.StringIO()
    reporter = LineReporter(TerminalConsole(file=text, width=200))
    results = skips("a", 3)
    for one in results:
        reporter(FileFinished(result=one))
    assert text.getvalue() == ""
    reporter(RunFinished(report=replace(REPORT, results=results)))
    assert text.getvalue().endswith(" skipped 3 files of a: already loaded\n")


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
        failures=True,
    )
    assert text.splitlines() == [
        "warning: two folders",
        "failed  b/[x].xlsx: S › A1: no [value] (correct it)",
    ]


def test_the_progress_of_a_plan_repeats_no_line_of_it() -> None:
    text = told(
        RunStarted(destination="shop", files=3, bytes=3000),
        Notice(text="made a server"),
        *(FileFinished(result=result) for result in REPORT.results),
        bar_only=True,
    )
    assert text == "made a server\n"
