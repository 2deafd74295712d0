"""Keys that rows of a file cannot have, under each treatment of bad cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from pgdatahub.model.results import FileResult
from pgdatahub.runs.plans.plan import plan
from tests.integration.undo.conftest import Hub


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root and an empty database."""
    return Hub(database_url, tmp_path)


def run(hub: Hub, options: str, header: Sequence[str], *rows: Sequence[Any]) -> FileResult:
    hub.configure(f"c:\n  max_bad: 90%\n  {options}\n")
    hub.write("c/a.xlsx", header, list(rows))
    (result,) = hub.run().results
    return result


def cells(result: FileResult) -> set[tuple[str, str]]:
    faults = result.faults if result.failure is None else result.failure.faults
    return {(fault.rule, cell.cell) for fault in faults for cell in fault.cells}


ROWS = ([1, "a"], [None, "b"], [2, "c"], [2, "d"], ["2", "e"], ["é" * 1001, "f"], [3, "g"])
BAD = {("required", "A3"), ("key", "A4"), ("key", "A5"), ("key", "A6"), ("key-length", "A7")}


@pytest.mark.parametrize("on_bad", ["fail", "blank"])
def test_all_bad_keys_fail_the_file_by_name(hub: Hub, on_bad: str) -> None:
    result = run(hub, f"key: [No]\n  on_bad: {on_bad}", ["No", "city"], *ROWS)
    assert result.failure is not None
    assert cells(result) == BAD
    assert hub.tables() == set()


def test_rows_of_bad_keys_are_set_aside(hub: Hub) -> None:
    result = run(hub, "key: [No]\n  on_bad: quarantine", ["No", "city"], *ROWS)
    assert result.failure is None
    assert cells(result) == BAD
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, "a"), (3, "g")]
    assert hub.execute("SELECT count(*) FROM c_replaced") == [(0,)]
    assert hub.execute("SELECT count(*) FROM etl_quarantine") == [(5,)]


def test_a_key_of_2000_bytes_is_loaded(hub: Hub) -> None:
    result = run(hub, "key: [No]", ["No", "city"], ["\\\t" * 1000, "a"])
    assert result.failure is None


@pytest.mark.parametrize(
    ("duplicates", "loaded"),
    [("fail", [(1, "x", "a"), (2, "x", "d")]), ("last", [(1, "x", "a"), (1, "y", "c"), (2, "x", "d")])],
)
def test_keys_of_two_columns_are_compared_together(hub: Hub, duplicates: str, loaded: list[tuple[Any, ...]]) -> None:
    options = f"key: [No, part]\n  duplicates: {duplicates}\n  on_bad: quarantine"
    rows = ([1, "x", "a"], [1, "y", "b"], [1, "y", "c"], [2, "x", "d"])
    run(hub, options, ["No", "part", "city"], *rows)
    assert hub.execute("SELECT no, part, city FROM c ORDER BY 1, 2") == loaded


@pytest.mark.parametrize("kind", ["integer", "numeric", "double"])
def test_only_ties_of_the_best_row_are_faults(hub: Hub, kind: str) -> None:
    options = f"key: [no]\n  newest: at\n  on_bad: quarantine\n  columns: {{at: {{type: {kind}}}}}"
    rows = ([1, 9], [1, 10], [2, 5], [2, 5], [2, 4], [3, None], [3, None], [4, None], [4, 0], [5, 7], [5, 7], [5, 8])
    result = run(hub, options, ["no", "at"], *rows)
    assert cells(result) == {("key", "A4"), ("key", "A5"), ("key", "A7"), ("key", "A8")}
    assert hub.execute("SELECT no, at::int FROM c ORDER BY 1") == [(1, 10), (2, 4), (4, 0), (5, 8)]


@pytest.mark.parametrize("named", ["at", "Stand: {rename: at, type: boolean}"])
def test_rows_without_the_newest_column_are_compared(hub: Hub, named: str) -> None:
    columns = "at: {type: boolean}" if named == "at" else named
    run(hub, f"key: [no]\n  newest: at\n  columns: {{{columns}}}", [named.partition(":")[0], "no"], [True, 1])
    hub.write("c/b.xlsx", ["no", "city"], [[2, "a"], [2, "b"], [3, "c"]])
    (planned,) = [one for one in plan(hub.config()).files if one.action == "fail"]
    (result,) = [one for one in hub.run().results if one.failure is not None]
    assert cells(result) == {("key", "A2"), ("key", "A3")}
    assert planned.failure is not None
    assert result.failure is not None
    assert planned.failure.faults == result.failure.faults


def test_sheets_with_and_without_the_newest_column_meet(hub: Hub) -> None:
    hub.configure("c:\n  key: [no]\n  newest: at\n  sheet: '*'\n  columns: {at: {type: boolean}}\n")
    with xlsxwriter.Workbook(str(hub.write("c/a.xlsx", ["x"], []))) as book:
        for name, *rows in ("old", ["no"], [1], [2]), ("new", ["no", "at"], [1, False], [2, True], [2, False]):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    assert [one.action for one in plan(hub.config()).files] == ["load"]
    assert hub.run().results[0].failure is None
    assert hub.execute("SELECT no, at FROM c ORDER BY 1") == [(1, False), (2, True)]


def test_texts_under_newest_are_compared_by_the_server(hub: Hub) -> None:
    options = "key: [no]\n  newest: at\n  on_bad: quarantine\n  columns: {at: {type: text}}"
    result = run(hub, options, ["no", "at"], [1, "x"], [1, "x"])
    assert result.failure is not None
    assert "2 rows have one key (no): Sheet1 › A2 and Sheet1 › A3" in result.failure.message


@pytest.mark.parametrize("on_bad", ["fail", "quarantine"])
def test_a_file_without_the_key_column_fails(hub: Hub, on_bad: str) -> None:
    result = run(hub, f"key: [no, part]\n  on_bad: {on_bad}", ["no", "Parts"], [1, 1])
    assert result.failure is not None
    assert [(fault.rule, fault.column) for fault in result.failure.faults] == [("missing-column", "part")]
    assert hub.tables() == set()


ORIGINS = {
    "sheet_column: origin": "",
    "path_columns: '/(?P<origin>.)'": "",
    "cell_columns: {origin: A1}": "",
    "row_column: line": "\n  newest: line\n  columns: {line: {type: integer}}",
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_key_may_have_columns_from_elsewhere(hub: Hub, origin: str) -> None:
    key = "no" if ORIGINS[origin] else "no, origin"
    options = f"key: [{key}]\n  header_row: 2\n  on_bad: quarantine\n  {origin}{ORIGINS[origin]}"
    rows = ["no", "city"], [1, "a"], [2, "b"], [2, "c"]
    hub.write("c/a.xlsx", ["x"], list(rows))
    hub.configure(f"c:\n  max_bad: 90%\n  {options}\n")
    (planned,) = plan(hub.config()).files
    result = run(hub, options, ["x"], *rows)
    expected = set() if ORIGINS[origin] else {("key", "A4"), ("key", "A5")}
    assert (result.failure, cells(result)) == (None, expected)
    assert (planned.action, planned.rows, planned.quarantined) == ("load", result.rows, len(expected))
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, "a"), *([(2, "c")] if ORIGINS[origin] else [])]


@pytest.mark.parametrize("origin", ["sheet_column: origin", "cell_columns: {origin: A1}"])
def test_sheets_tell_the_keys_of_a_file_apart(hub: Hub, origin: str) -> None:
    hub.configure(f"c:\n  key: [no, origin]\n  header_row: 2\n  sheet: '*'\n  {origin}\n")
    with xlsxwriter.Workbook(str(hub.write("c/a.xlsx", ["x"], []))) as book:
        for name in ("north", "south"):
            sheet = book.add_worksheet(name)
            for number, row in enumerate([[name], ["no"], [1]]):
                sheet.write_row(number, 0, row)
    assert [one.action for one in plan(hub.config()).files] == ["load"]
    assert hub.run().results[0].failure is None
    assert hub.execute("SELECT no, origin FROM c ORDER BY 2") == [(1, "north"), (1, "south")]
