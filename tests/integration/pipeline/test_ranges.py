"""Ranges, headers of several rows, and columns from the origin of rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from pgdatahub.model.results import Outcome
from pgdatahub.runs.inspect import inspect
from pgdatahub.runs.plans.plan import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgdatahub.model.workbooks import Batch
    from tests.integration.pipeline.conftest import Rows, Warehouse

TWO_TABLES: Rows = [
    ["Report", None, None, None, None],
    [None, None, None, None, None],
    ["id", "name", None, "code", "n"],
    [1, "a", None, "x", 10],
    [2, "b", None, "y", 20],
    [3, "c", None, None, None],
]


def _load(warehouse: Warehouse, yaml: str, rows: Rows = TWO_TABLES) -> tuple[str, ...]:
    warehouse.configure(yaml)
    warehouse.write("m/a.xlsx", rows)
    (result,) = warehouse.load().results
    return result.notices


def _refused(warehouse: Warehouse, yaml: str, rows: Rows = TWO_TABLES) -> str:
    warehouse.configure(yaml)
    warehouse.write("m/a.xlsx", rows)
    failure = warehouse.fail().failure
    assert failure is not None
    return " | ".join(filter(None, (failure.where, failure.message, failure.hint)))


# ── areas ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        ("A3:B5", [(1, "a"), (2, "b")]),
        ("$A$3:$B$5", [(1, "a"), (2, "b")]),
        ("b5:a3", [(1, "a"), (2, "b")]),
        ("A3:B", [(1, "a"), (2, "b"), (3, "c")]),
        ("'Sheet1'!A3:B", [(1, "a"), (2, "b"), (3, "c")]),
        ("D3:", [("x", 10), ("y", 20)]),
    ],
)
def test_an_area_is_the_table(warehouse: Warehouse, written: str, rows: list[tuple[object, ...]]) -> None:
    _load(warehouse, f'm:\n  range: "{written}"\n')
    assert warehouse.rows("m") == rows


def test_two_ranges_of_one_sheet_are_two_tables(warehouse: Warehouse) -> None:
    _load(warehouse, 'm:\n  sheets:\n    Sheet1: [{range: "A3:B", table: a}, {range: "D3:E", table: b}]\n')
    assert warehouse.rows("a") == [(1, "a"), (2, "b"), (3, "c")]
    assert warehouse.rows("b") == [("x", 10), ("y", 20)]


def test_rows_below_a_closed_range_give_a_notice(warehouse: Warehouse) -> None:
    notices = _load(warehouse, "m:\n  range: A3:B5\n")
    assert "data goes on at row 6, below the range A3:B5; A3:B takes it" in notices


def test_an_empty_range_fails_the_file(warehouse: Warehouse) -> None:
    assert "the range G3:H9 is empty" in _refused(warehouse, "m:\n  range: G3:H9\n")


def test_a_range_of_headers_alone_loads_no_row(warehouse: Warehouse) -> None:
    _load(warehouse, "m:\n  range: A3:B3\n")
    assert warehouse.rows("m") == []


def test_rows_of_settings_count_inside_the_range(warehouse: Warehouse) -> None:
    _load(warehouse, "m:\n  range: A2:B6\n  header_row: 2\n  skip_rows: 1\n  row_column: at\n")
    assert warehouse.rows("m") == [(2, "b", 5), (3, "c", 6)]


def test_a_header_row_beyond_the_range_fails(warehouse: Warehouse) -> None:
    assert "beyond the range" in _refused(warehouse, "m:\n  range: A3:B5\n  header_row: 4\n")


def test_columns_without_header_count_inside_the_range(warehouse: Warehouse) -> None:
    _load(warehouse, "m:\n  range: B3:E\n  header_row: none\n")
    assert list(warehouse.columns("m"))[:3] == ["column_1", "column_3", "column_4"]


def test_a_range_costs_the_rows_above_it_only(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from pgdatahub.readers.xlsx import sheet

    monkeypatch.setattr(sheet, "_HELD_BYTES", 0)
    read: list[int] = []
    cut = sheet.cut_batches

    def counted(batches: object, most: int) -> object:
        for batch in cut(batches, most):  # type: ignore[arg-type]  # what the sheet passes on
            read.append(len(batch.rows))
            yield batch

    monkeypatch.setattr(sheet, "cut_batches", counted)
    warehouse.configure("m:\n  range: A1:A11\n")
    warehouse.write("m/a.xlsx", [["n"], *([number] for number in range(50_000))])
    (result,) = warehouse.load(chunk_size=100, workers=1).results
    assert result.rows == 10
    assert sum(read) <= 300


def test_many_ranges_on_one_sheet_keep_few_batches(warehouse: Warehouse) -> None:
    entries = ", ".join(
        f'{{range: "A{start}:A{start + 9}", table: t{start}, header_row: none}}' for start in range(1, 300, 10)
    )
    _load(warehouse, f"m:\n  sheets:\n    Sheet1: [{entries}]\n", [[number] for number in range(1, 301)])
    for start in range(1, 300, 10):
        assert [row[0] for row in warehouse.rows(f"t{start}")] == list(range(start, start + 10))


def test_a_second_table_beside_the_first_is_reported(warehouse: Warehouse) -> None:
    notices = _load(warehouse, "m:\n  header_row: 3\n")
    assert any("columns D-E have headers of their own" in one and "range: A:B" in one for one in notices)


def test_a_column_beside_the_table_is_named_alone(warehouse: Warehouse) -> None:
    notices = _load(warehouse, "m: {}\n", [["a", "b", None, "c"], [1, 2, None, 3], [4, 5, None, None]])
    assert any("column D has a header of its own beside an empty column" in one for one in notices)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _named(path: Path) -> Path:
    """Write a workbook with a table with totals, a table without headers, names of all kinds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(path)
    sheet, other = book.add_worksheet("Sales"), book.add_worksheet("Ref")
    columns = [{"header": "id", "total_string": "Total"}, {"header": "n", "total_function": "sum"}]
    sheet.add_table("B3:C6", {"name": "Orders", "total_row": True, "columns": columns, "data": [[1, 10], [2, 20]]})
    sheet.set_row(4, None, None, {"hidden": True})
    sheet.add_table(
        "F3:G4",
        {
            "name": "Plain",
            "header_row": False,
            "columns": [{"header": "x"}, {"header": "y"}],
            "data": [[7, 8], [9, 10]],
        },
    )
    for row, cells in enumerate([["code", "what"], ["a", "A"], ["b", "B"]]):
        other.write_row(row, 0, cells)
        sheet.write_row(row + 20, 0, cells)
    book.define_name("Codes", "=Ref!$A$1:$B$3")
    book.define_name("Dyn", "=OFFSET(Ref!$A$1,0,0,3,2)")
    book.define_name("Gone", "=#REF!")
    book.define_name("Rate", "=0.19")
    book.define_name("Cube", "=Sales:Ref!$A$1:$B$2")
    book.define_name("Both", "=Ref!$A$1:$A$3,Ref!$B$1:$B$3")
    book.define_name("Part", "=Orders[n]")
    book.define_name("Ref!Data", "=Ref!$A$1:$A$3")
    book.define_name("Sales!Data", "=Sales!$A$21:$A$23")
    book.close()
    return path


def test_an_excel_table_is_its_body_without_totals(warehouse: Warehouse) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure("m:\n  range: Orders\n")
    (result,) = warehouse.load().results
    assert warehouse.rows("m") == [(1, 10), (2, 20)]
    assert result.counts.get("hidden rows") == 1


def test_a_table_without_headers_takes_its_column_names(warehouse: Warehouse) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure("m:\n  range: Plain\n")
    warehouse.load()
    assert list(warehouse.columns("m"))[:2] == ["x", "y"]
    assert warehouse.rows("m") == [(7, 8), (9, 10)]


def test_a_defined_name_finds_its_sheet(warehouse: Warehouse) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure("m:\n  range: codes\n")
    warehouse.load()
    assert warehouse.rows("m") == [("a", "A"), ("b", "B")]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Dyn", "it is a formula (OFFSET …); write the area itself, such as Ref!A1: | the ranges are: Orders"),
        ("Gone", "were deleted (#REF!) | the ranges are: Orders"),
        ("Rate", "it is a constant, 0.19"),
        ("Part", "it is a part of a table"),
        ("Cube", "several sheets; write the area itself, such as Ref!A1:B2 | the ranges are: Orders"),
        ("Both", "several areas, or an area of several sheets; write the area itself, such as Ref!A1:A3 | the ranges"),
        ("Missing", "no table or range is named 'Missing' | the ranges are: Orders (Sales!B3:C5)"),
        ("Data", "several sheets have the range Data: Sales, Ref"),
    ],
)
def test_a_name_that_cannot_be_used_tells_why(warehouse: Warehouse, name: str, told: str) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure(f"m:\n  range: {name}\n")
    failure = warehouse.fail().failure
    assert failure is not None
    assert told in " | ".join(filter(None, (failure.message, failure.hint)))


def test_a_local_name_of_every_sheet_makes_one_part(warehouse: Warehouse) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure('m:\n  sheets:\n    "*": {range: Data, table: t, sheet_column: at}\n')
    warehouse.load()
    assert warehouse.rows("t") == [("a", "Sales"), ("b", "Sales"), ("a", "Ref"), ("b", "Ref")]


def test_a_header_row_contradicts_an_excel_table(warehouse: Warehouse) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure("m:\n  range: Orders\n  header_row: 2\n")
    failure = warehouse.fail().failure
    assert failure is not None
    assert "an Excel table, which has its own headers" in failure.message


# ── headers of several rows ───────────────────────────────────────────────────────────────────────────────────────────


def _levels(path: Path, *, merged: bool = True, title: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("S")
    sheet.write(0, 0, "Report")
    if title:
        sheet.merge_range("A1:E1", "Report")
    if merged:
        sheet.merge_range("A3:A4", "Region")
        sheet.merge_range("B3:C3", "2025")
        sheet.merge_range("D3:E3", "2026")
    else:
        sheet.write_row(2, 0, ["Region", "2025", None, "2026"])
    sheet.write_row(3, 1, ["Units", "Amount", "Units", "Amount"])
    sheet.write_row(4, 0, ["North", 1, 1.5, 2, 2.5])
    sheet.write_row(5, 0, ["South", 3, 3.5, 4, 4.5])
    book.close()
    return path


_BOTH = ["_2025_a", "_2025_b", "_2026_a", "_2026_b"]
MERGED = ["region", "_2025_units", "_2025_amount", "_2026_units", "_2026_amount"]


def test_merged_areas_fill_headers_of_several_rows(warehouse: Warehouse) -> None:
    _levels(warehouse.root / "m" / "a.xlsx")
    warehouse.configure("m:\n  header_row: 3-4\n")
    warehouse.load()
    assert list(warehouse.columns("m"))[:5] == MERGED
    assert warehouse.rows("m") == [("North", 1, 1.5, 2, 2.5), ("South", 3, 3.5, 4, 4.5)]
    assert warehouse.headers("m")["_2025_units"] == "2025_Units"


def test_without_merged_areas_a_notice_offers_to_fill(warehouse: Warehouse) -> None:
    _levels(warehouse.root / "m" / "a.xlsx", merged=False)
    warehouse.configure("m:\n  header_row: 3-4\n")
    (result,) = warehouse.load().results
    assert list(warehouse.columns("m"))[:5] == ["region", "_2025_units", "amount", "_2026_units", "amount_2"]
    assert any("header_fill: right" in notice for notice in result.notices)


def test_header_fill_right_fills_empty_cells(warehouse: Warehouse) -> None:
    _levels(warehouse.root / "m" / "a.xlsx", merged=False)
    warehouse.configure("m:\n  header_row: 3-4\n  header_fill: right\n")
    warehouse.load()
    assert list(warehouse.columns("m"))[:5] == MERGED


def test_auto_takes_two_rows_under_a_merged_area(warehouse: Warehouse) -> None:
    path = _levels(warehouse.root / "m" / "a.xlsx", title=True)
    warehouse.configure("m:\n  header_row: auto\n")
    (result,) = warehouse.load().results
    assert list(warehouse.columns("m"))[:5] == MERGED
    assert any("auto took rows 3-4" in notice for notice in result.notices)
    assert next(sheet.header_rows for sheet in inspect(warehouse.config, path).sheets) == (3, 4)


@pytest.mark.parametrize(
    ("cells", "merged", "names"),
    [
        # Equal texts in the lower row, which the areas above tell apart; the corner is empty.
        ([[], ["R", "a", "b", "a", "b"]], {"B1:C1": "2025", "D1:E1": "2026"}, ["r", *_BOTH]),
        ([[], ["R", 2025, 2026, 2025, 2026]], {"B1:C1": "a", "D1:E1": "b"}, ["r", "a_2025", "a_2026", "b_2025", "b_2026"]),
        ([[], [], ["R", "a", "b", "c", "d"]], {"B1:E1": "2025", "B2:C2": "H1", "D2:E2": "H2"},
         ["r", "_2025_h1_a", "_2025_h1_b", "_2025_h2_c", "_2025_h2_d"]),
        ([["Report"], [], [], ["R", "a", "b", "a", "b"]], {"B3:C3": "2025", "D3:E3": "2026"}, ["r", *_BOTH]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("data", [["x", 1, 2, 3, 4], ["x", "p", "q", "s", "t"]])
def test_auto_takes_rows_that_areas_tell_apart(
    warehouse: Warehouse, cells: Rows, merged: dict[str, str], names: list[str], data: list[object]
) -> None:
    path = warehouse.root / "m" / "a.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for number, row in enumerate([*cells, data, data[::-1]]):
            sheet.write_row(number, 0, row)
        for area, text in merged.items():
            sheet.merge_range(area, text)
    warehouse.configure("m:\n  header_row: auto\n")
    (result,) = warehouse.load().results
    assert list(warehouse.columns("m"))[: len(names)] == names
    assert result.rows == 2
    assert any("auto took rows" in notice for notice in result.notices)


def test_auto_takes_one_row_under_a_title_over_all(warehouse: Warehouse) -> None:
    path = warehouse.root / "m" / "a.xlsx"
    path.parent.mkdir(parents=True)
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("S")
    sheet.merge_range("A1:C1", "Report")
    sheet.write_row(1, 0, ["a", "b", "c"])
    sheet.write_row(2, 0, [1, 2, 3])
    book.close()
    warehouse.configure("m:\n  header_row: auto\n")
    warehouse.load()
    assert list(warehouse.columns("m"))[:3] == ["a", "b", "c"]


# ── where a row came from ─────────────────────────────────────────────────────────────────────────────────────────────


def test_row_column_makes_another_blank_row_other_content(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  row_column: at\n")
    warehouse.write("m/a.xlsx", [["n"], [1], [2]])
    warehouse.load()
    warehouse.write("m/b.xlsx", [["n"], [1], [None], [2]])
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED, Outcome.LOADED}
    assert warehouse.rows("m") == [(1, 2), (2, 3), (1, 2), (2, 4)]
    assert warehouse.columns("m")["at"] == "integer"


def test_same_bytes_under_two_paths_are_two_imports(warehouse: Warehouse) -> None:
    warehouse.configure('m:\n  table: t\n  path_columns: "m/(?P<region>[^/]+)/"\n')
    path = warehouse.write("m/north/a.xlsx", [["n"], [1]])
    (warehouse.root / "m" / "south").mkdir()
    (warehouse.root / "m" / "south" / "a.xlsx").write_bytes(path.read_bytes())
    warehouse.load()
    assert sorted(warehouse.rows("t")) == [(1, "north"), (1, "south")]
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}


def test_same_bytes_without_path_columns_are_one_import(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  table: t\n")
    path = warehouse.write("m/north/a.xlsx", [["n"], [1]])
    (warehouse.root / "m" / "south").mkdir()
    (warehouse.root / "m" / "south" / "a.xlsx").write_bytes(path.read_bytes())
    warehouse.run()
    assert warehouse.rows("t") == [(1,)]


def test_a_path_without_match_fails_and_an_absent_group_is_null(warehouse: Warehouse) -> None:
    warehouse.configure(
        'm:\n  path_columns: "(?P<month>\\\\d{4}-\\\\d{2})(?:-(?P<part>[a-z]))?[.]xlsx$"\n  columns: {month: {type: date, format: "%Y-%m"}}\n'
    )
    warehouse.write("m/2025-03.xlsx", [["n"], [1]])
    warehouse.write("m/march.xlsx", [["n"], [2]])
    results = {result.source.name: result for result in warehouse.run().results}
    assert results["2025-03.xlsx"].outcome is Outcome.LOADED
    failure = results["march.xlsx"].failure
    assert failure is not None
    assert "m/march.xlsx does not match path_columns" in failure.message
    assert warehouse.rows("m") == [(1, date(2025, 3, 1), None)]
    assert warehouse.columns("m")["part"] == "text"


def test_a_sheet_name_becomes_a_date(warehouse: Warehouse) -> None:
    warehouse.configure('m:\n  sheet: "*"\n  sheet_column: month\n  columns: {month: {type: date, format: "%B %Y"}}\n')
    warehouse.write_sheets("m/a.xlsx", {"March 2025": [["n"], [1]], "April 2025": [["n"], [2]]})
    warehouse.load()
    assert warehouse.rows("m") == [(1, date(2025, 3, 1)), (2, date(2025, 4, 1))]


def test_cells_above_the_table_become_columns(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  header_row: 3\n  cell_columns: {as_of: B1, customer: B2, nothing: C1}\n")
    warehouse.write("m/a.xlsx", [["as of", 2025], ["for", "ACME"], ["n"], [1], [2]])
    warehouse.load()
    assert warehouse.rows("m") == [(1, 2025, "ACME", None), (2, 2025, "ACME", None)]


def test_a_cell_among_the_rows_is_refused(warehouse: Warehouse) -> None:
    told = _refused(warehouse, "m:\n  cell_columns: {x: A2}\n", [["n"], [1]])
    assert "A2 of the column x is not above the first row of data" in told


def test_cells_of_two_ranges_on_one_sheet_are_found(warehouse: Warehouse) -> None:
    _load(
        warehouse,
        'm:\n  sheets:\n    Sheet1: [{range: "A3:B", table: a, cell_columns: {title: A1}}, {range: "D3:E", table: b}]\n',
    )
    assert [row[-1] for row in warehouse.rows("a")] == ["Report"] * 3
    assert warehouse.rows("b") == [("x", 10), ("y", 20)]


def test_a_plan_with_origin_columns_equals_the_run(warehouse: Warehouse) -> None:
    warehouse.configure(
        'm:\n  range: A3:B\n  row_column: at\n  path_columns: "(?P<file>[^/]+)$"\n  cell_columns: {title: A1}\n'
    )
    warehouse.write("m/a.xlsx", TWO_TABLES)
    (table,) = plan(warehouse.config).tables
    warehouse.load()
    planned = {column.name: column.type for column in table.columns}
    assert planned.items() <= warehouse.columns("m").items()
    assert {file.action for table in plan(warehouse.config).tables for file in table.files} == {"skip"}


# ── merged areas below the rows that were read ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("merged", "rows"), [("top_left", [("a", None), ("b", 2)]), ("fill", [("a", "a"), ("b", "2")])]
)
def test_a_range_that_ends_early_knows_merged_areas(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, merged: str, rows: list[tuple[object, ...]]
) -> None:
    monkeypatch.setattr("pgdatahub.readers.xlsx.sheet._HELD_BYTES", 1000)
    path = warehouse.root / "m" / "a.xlsx"
    path.parent.mkdir(parents=True)
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("S")
    sheet.write_row(0, 0, ["k", "n"])
    sheet.merge_range("A2:B2", "a")
    sheet.write(1, 1, 99)  # under the merged area
    for row in range(2, 20_000):
        sheet.write_row(row, 0, ["b", row])
    book.close()
    warehouse.configure(f'm: {{range: "A1:B3", merged: {merged}}}\n')
    (result,) = warehouse.load(chunk_size=10).results
    assert warehouse.rows("m") == rows
    assert any("1 value under a merged area" in notice for notice in result.notices) == (merged == "top_left")


def test_merged_areas_below_a_range_read_it_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from pgdatahub.readers.xlsx.sheet import XlsxSheet

    opened: list[int] = []
    batches = XlsxSheet.batches

    def counted(sheet: XlsxSheet, max_rows: int) -> Iterator[Batch]:
        opened.append(max_rows)
        return batches(sheet, max_rows)

    monkeypatch.setattr("pgdatahub.readers.xlsx.sheet._HELD_BYTES", 1000)
    monkeypatch.setattr(XlsxSheet, "batches", counted)
    path = warehouse.root / "m" / "a.xlsx"
    path.parent.mkdir(parents=True)
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("S")
    for row in range(20_000):
        sheet.write_row(row, 0, [f"k{row}", row])
    sheet.merge_range("A20100:B20100", "below")
    book.close()
    warehouse.configure('m: {range: "A1:B3"}\n')
    warehouse.load(chunk_size=10)
    assert len(opened) == 1
    assert warehouse.query("SELECT count(*) FROM m") == [(2,)]


def test_a_reader_without_names_takes_areas_only(warehouse: Warehouse) -> None:
    _named(warehouse.root / "m" / "a.xlsx")
    warehouse.configure("m: {reader: calamine, range: Orders}\n")
    failure = warehouse.fail().failure
    assert failure is not None
    assert "the reader of .xlsx offers no names" in failure.message
    warehouse.configure('m: {reader: calamine, range: "Sales!B3:C5"}\n')
    warehouse.load()
    assert warehouse.rows("m") == [(1, 10), (2, 20)]
