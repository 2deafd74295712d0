"""The edge cases of several tables, ranges, headers and typed texts, by number, each with its tests.

``EDGE_CASES`` is the list. The cases that have no test elsewhere are tested here, in one database: each has a folder and tables
of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import pytest
import xlsxwriter
from psycopg import sql

from pgdatahub.errors import UndoError
from pgdatahub.model.events import Notice
from pgdatahub.model.file_notice import kind_of
from pgdatahub.model.results import FileResult, Outcome, RunReport
from pgdatahub.postgres.server.temporary import drop_database
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.databases import with_database
from tests.integration.pipeline.conftest import Warehouse
from tests.integration.pipeline.test_sheets import rewrite

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows

TESTS: Final = Path(__file__).parents[2]
TABLES, RANGES, TEXTS = (f"integration/pipeline/test_{name}.py" for name in ("several_tables", "ranges", "typed_texts"))
LAWS, FORMATS = (f"integration/pipeline/test_{name}.py" for name in ("several_tables_laws", "ranges_of_formats"))
RULES, NUMBERS, DATES = (
    "unit/config/test_sheet_rules.py",
    "unit/values/test_number_texts.py",
    "unit/values/test_date_texts.py",
)
HERE: Final = "integration/pipeline/test_edge_cases_of_tables.py"

EDGE_CASES: Final[Mapping[int, tuple[str, ...]]] = {
    # an entry without its sheet fails the file; an optional one does not
    1: (f"{TABLES}::test_a_missing_named_sheet_fails_the_file", f"{TABLES}::test_an_optional_sheet_may_be_missing"),
    # a sheet that no entry matches: one line for the folder; none with skip: true
    2: (
        f"{TABLES}::test_an_unmatched_sheet_is_reported_unless_skipped",
        f"{TABLES}::test_each_sheet_goes_into_the_table_of_its_entry",
        f"{HERE}::test_case_2_sheets_left_out_are_told_in_one_line",
    ),
    # a name before a glob, in either order; a tie of globs fails the file
    3: (
        f"{TABLES}::test_the_name_of_a_sheet_precedes_a_glob",
        f"{TABLES}::test_two_equally_literal_globs_fail_the_file",
    ),
    # a hidden sheet: by its name only
    4: (f"{TABLES}::test_a_hidden_sheet_is_reached_by_its_name_only",),
    # table_per_sheet: two sheets of one name, the name of a table of the history
    5: (
        f"{TABLES}::test_two_sheets_with_one_table_name_fail_the_file",
        f"{TABLES}::test_a_sheet_with_the_name_of_the_history_fails_the_file",
    ),
    # entries of one table that contradict each other: an error with both lines
    6: (f"{RULES}::test_a_wrong_entry_names_its_line",),
    # one bad sheet: nothing of the file; the message offers skip
    7: (
        f"{TABLES}::test_a_bad_sheet_fails_the_file_and_names_the_way_round",
        f"{HERE}::test_case_7_an_uncached_formula_fails_all_sheets",
    ),
    # a new entry loads the new parts only
    8: (f"{TABLES}::test_a_new_entry_loads_the_new_part_only", f"{LAWS}::test_law_of_growth_of_the_entries"),
    # a sheet that two files have in common, and one of them reverted
    9: (f"{TABLES}::test_a_reference_sheet_of_two_files_is_loaded_from_both",),
    # a copy saved again is skipped as a whole
    10: (f"{TABLES}::test_a_saved_copy_is_skipped_as_a_whole",),
    # replace, and the new version lacks a sheet
    11: (f"{TABLES}::test_replace_takes_back_a_sheet_that_is_gone", f"{LAWS}::test_law_of_replace_after_any_edits"),
    # rows changed by hand in one of three tables
    12: (f"{HERE}::test_case_12_one_table_changed_by_hand_refuses_three",),
    # the same bytes in two folders, with and without path columns
    13: (
        f"{RANGES}::test_same_bytes_under_two_paths_are_two_imports",
        f"{RANGES}::test_same_bytes_without_path_columns_are_one_import",
    ),
    # a path without match; an optional group that is absent
    14: (f"{RANGES}::test_a_path_without_match_fails_and_an_absent_group_is_null",),
    # two runs over crossed tables
    15: (f"{LAWS}::test_two_runs_over_crossed_tables_never_deadlock",),
    # rows directly below a closed range
    16: (f"{HERE}::test_case_16_a_closed_range_tells_of_row_201",),
    # an Excel table with hidden rows and totals
    17: (f"{RANGES}::test_an_excel_table_is_its_body_without_totals",),
    # an Excel table without a row of headers
    18: (f"{RANGES}::test_a_table_without_headers_takes_its_column_names",),
    # names that are formulas, constants, areas of several sheets
    19: (
        f"{RANGES}::test_a_name_that_cannot_be_used_tells_why",
        "unit/readers/test_saved_ranges.py::test_names_saved_by_other_programs_are_the_same",
    ),
    # a local name on twelve sheets
    20: (f"{HERE}::test_case_20_a_local_name_of_twelve_sheets_is_one_part",),
    # two ranges of one sheet, read once
    21: (f"{HERE}::test_case_21_two_ranges_below_one_key_are_two_tables", f"{TABLES}::test_two_tables_on_one_sheet_read_it_once"),
    # headers under merged areas
    22: (f"{RANGES}::test_merged_areas_fill_headers_of_several_rows",),
    # the same without merged areas
    23: (
        f"{RANGES}::test_without_merged_areas_a_notice_offers_to_fill",
        f"{RANGES}::test_header_fill_right_fills_empty_cells",
    ),
    # header_row: auto above both, and above a title over the full width
    24: (
        f"{RANGES}::test_auto_takes_two_rows_under_a_merged_area",
        f"{RANGES}::test_auto_takes_one_row_under_a_title_over_all",
    ),
    # a range that moves keeps the names of its columns
    25: (f"{HERE}::test_case_25_a_range_that_moves_keeps_its_names",),
    # 1.234 with decimal: ","
    26: (f"{HERE}::test_case_26_a_point_needs_thousands", f"{TEXTS}::test_settings_that_are_not_one_meaning_are_refused"),
    # signs of numbers
    27: (f"{HERE}::test_case_27_one_form_of_a_sign", f"{NUMBERS}::test_a_text_of_another_notation_is_refused"),
    # another blank row, with and without row_column
    28: (
        f"{RANGES}::test_row_column_makes_another_blank_row_other_content",
        f"{HERE}::test_case_28_another_blank_row_is_a_duplicate",
    ),
    # per cent
    29: (f"{HERE}::test_case_29_per_cent_is_a_fraction_or_a_unit", f"{TEXTS}::test_per_cent_does_not_fit_an_integer"),
    # currencies
    30: (
        f"{TEXTS}::test_a_unit_that_no_setting_names_fails_with_the_setting",
        f"{HERE}::test_case_30_another_currency_fails",
    ),
    # names of months
    31: (f"{HERE}::test_case_31_months_are_those_of_the_locale", f"{DATES}::test_names_of_months_are_those_of_the_language"),
    # a sheet's name as a date
    32: (f"{HERE}::test_case_32_a_sheet_is_the_first_of_its_month", f"{RANGES}::test_a_sheet_name_becomes_a_date"),
    # an .ods file that LibreOffice saved from case 17
    33: (f"{HERE}::test_case_33_an_ods_table_has_its_totals", f"{FORMATS}::test_ods_table_ends_above_its_totals_by_stop_at"),
    # a reader that knows no names
    34: (f"{RANGES}::test_a_reader_without_names_takes_areas_only",),
}  # fmt: skip


def test_each_edge_case_has_its_tests() -> None:
    assert list(EDGE_CASES) == list(range(1, 35))
    for tests in EDGE_CASES.values():
        for test in tests:
            file, _, name = test.partition("::")
            assert f"\ndef {name}(" in (TESTS / file).read_text(encoding="utf-8"), test


# ── the cases that have no test elsewhere ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shared(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A data root and a database of all tests here."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield Warehouse(directory=tmp_path_factory.mktemp("edges"), url=with_database(server_url, name))
    drop_database(server_url, name)


def _run(shared: Warehouse, folder: str, yaml: str = "") -> RunReport:
    """Run over one folder, with these settings below its name."""
    if yaml:
        shared.configure(f"{folder}:\n{yaml}")
    return shared.run(shared.root / folder)


def _loaded(shared: Warehouse, folder: str, yaml: str = "") -> FileResult:
    (result,) = _run(shared, folder, yaml).results
    assert result.outcome is Outcome.LOADED, result.failure
    return result


def _failed(shared: Warehouse, folder: str, yaml: str = "") -> str:
    (result,) = _run(shared, folder, yaml).results
    assert result.failure is not None
    return " | ".join(filter(None, (result.failure.where, result.failure.message, result.failure.hint)))


def _numbers(shared: Warehouse, folder: str, text: str, options: str) -> list[object]:
    """Load one text as a number of a column with these options."""
    shared.write(f"{folder}/a.xlsx", [["n"], [text]])
    _loaded(shared, folder, f"  columns: {{n: {options}}}\n")
    return [row[0] for row in shared.rows(folder)]


def test_case_2_sheets_left_out_are_told_in_one_line(shared: Warehouse) -> None:
    for month in ("jan", "feb", "mar"):
        shared.write_sheets(f"c2/{month}.xlsx", {"P": [["n"], [month]], "Notes": [["remark"], ["x"]]})
    report = _run(shared, "c2", "  sheets: {P: {table: c2}}\n")
    assert [result.sheets_left_out for result in report.results] == [("Notes",)] * 3
    assert (
        len({kind_of(notice) for result in report.results for notice in result.notices}) == 1
    )  # a line of the summary
    shared.write_sheets("c2/apr.xlsx", {"P": [["n"], ["apr"]], "Notes": [["remark"], ["x"]]})
    report = _run(shared, "c2", "  sheets: {P: {table: c2}, Notes: {skip: true}}\n")
    assert [result.sheets_left_out for result in report.results] == [()] * 4


def test_case_7_an_uncached_formula_fails_all_sheets(shared: Warehouse) -> None:
    path = shared.root / "c7" / "a.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        for name in ("A", "B", "C"):
            sheet = book.add_worksheet(name)
            sheet.write_column(0, 0, ["n", 1])
        book.worksheets()[1].write_formula(2, 0, "=A2+1")
    rewrite(path, "xl/worksheets/sheet2.xml", "<v>0</v>", "")
    told = _failed(shared, "c7", "  table_per_sheet: true\n")
    assert "B › A3" in told
    assert "B: {skip: true}" in told
    assert shared.tables().isdisjoint({"c7_a", "c7_b", "c7_c"})


def test_case_12_one_table_changed_by_hand_refuses_three(shared: Warehouse) -> None:
    path = shared.write_sheets("c12/a.xlsx", {name: [["n"], [1], [2]] for name in ("A", "B", "C")})
    _loaded(shared, "c12", "  table_per_sheet: true\n")
    shared.query("DELETE FROM c12_b WHERE n = 1 RETURNING 1")
    with pytest.raises(UndoError):
        revert(shared.config, UndoRequest(source_file=str(path)))
    assert [len(shared.rows(f"c12_{name}")) for name in "abc"] == [2, 1, 2]
    for table in ("c12_a", "c12_c"):
        revert(shared.config, UndoRequest(source_file=str(path), table=table))
    assert [len(shared.rows(f"c12_{name}")) for name in "abc"] == [0, 1, 0]


def test_case_16_a_closed_range_tells_of_row_201(shared: Warehouse) -> None:
    rows: Rows = [[None] * 8 for _ in range(3)] + [[None, *"abcdefg"]] + [[None, *[row] * 7] for row in range(5, 202)]
    shared.write("c16/a.xlsx", rows)
    result = _loaded(shared, "c16", "  range: B4:H200\n")
    assert [row[0] for row in shared.rows("c16")] == list(range(5, 201))
    assert result.rows == 196
    assert "data goes on at row 201, below the range B4:H200; B4:H takes it" in result.notices


def test_case_20_a_local_name_of_twelve_sheets_is_one_part(shared: Warehouse) -> None:
    path = shared.root / "c20" / "a.xlsx"
    path.parent.mkdir(parents=True)
    names = [f"M{month}" for month in range(1, 13)]
    with xlsxwriter.Workbook(path) as book:
        for number, name in enumerate(names):
            book.add_worksheet(name).write_column(number, 1, ["n", number, number + 100])
            book.define_name(f"{name}!Data", f"={name}!$B${number + 1}:$B${number + 3}")
    told = _failed(shared, "c20", "  range: Data\n")
    assert f"several sheets have the range Data: {', '.join(names)}" in told
    result = _loaded(shared, "c20", '  sheets: {"*": {range: Data, table: c20}}\n')
    assert [(str(part.table), part.rows) for part in result.by_table] == [("c20", 24)]
    assert [row[0] for row in shared.rows("c20")] == [row for number in range(12) for row in (number, number + 100)]


def test_case_21_two_ranges_below_one_key_are_two_tables(shared: Warehouse) -> None:
    left: list[object] = [f"h{column}" for column in range(9)]
    shared.write("c21/a.xlsx", [[*left, None, *"klmn"], [*range(9), None, *"wxyz"], [*range(10, 19)]])
    _loaded(shared, "c21", '  sheets: {Sheet1: [{range: "A1:I", table: c21_a}, {range: "K1:N", table: c21_k}]}\n')
    assert shared.rows("c21_a") == [tuple(range(9)), tuple(range(10, 19))]
    assert shared.rows("c21_k") == [tuple("wxyz")]


def test_case_25_a_range_that_moves_keeps_its_names(shared: Warehouse) -> None:
    for right, letters in ((0, "AC"), (1, "BD")):
        path = shared.root / "c25" / f"{right}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("S")
            sheet.write_row(0, right, ["id", "n"])
            sheet.write_row(1, right, [right, 2, "x"])
            book.define_name("Orders", f"=S!${letters[0]}$1:${letters[1]}$2")
    assert {result.outcome for result in _run(shared, "c25", "  range: Orders\n").results} == {Outcome.LOADED}
    assert list(shared.columns("c25"))[:3] == ["id", "n", "column_3"]
    assert sorted(shared.rows("c25")) == [(0, 2, "x"), (1, 2, "x")]
    cells = "SELECT jsonb_path_query_array(observed, '$.**.cell') FROM etl_imports WHERE table_name = 'c25' ORDER BY id"
    assert [set(row[0]) for row in shared.query(cells)] == [{"S!A2", "S!B2", "S!C2"}, {"S!B2", "S!C2", "S!D2"}]


def test_case_26_a_point_needs_thousands(shared: Warehouse) -> None:
    shared.write("c26/a.xlsx", [["n"], ["1.234"]])
    assert 'thousands: "."' in _failed(shared, "c26", '  columns: {n: {type: double, decimal: ","}}\n')
    assert _numbers(shared, "c26", "1.234", '{type: double, decimal: ",", thousands: "."}') == [1234]


def test_case_27_one_form_of_a_sign(shared: Warehouse) -> None:
    shared.write("c27/a.xlsx", [["n"], ["(1.234,56)"], ["3,10-"], ["\u22123"]])
    options = '  columns: {n: {type: double, decimal: ",", thousands: "."}}\n'
    _loaded(shared, "c27", options)
    assert shared.rows("c27") == [(-1234.56,), (-3.1,), (-3,)]
    shared.write("c27/a.xlsx", [["n"], ["(-3)"]])
    assert "Sheet1 › A2" in _failed(shared, "c27", options)


def test_case_28_another_blank_row_is_a_duplicate(shared: Warehouse) -> None:
    shared.write("c28/a.xlsx", [["n"], [1], [2]])
    _loaded(shared, "c28")
    shared.write("c28/b.xlsx", [["n"], [1], [None], [2]])
    outcomes = {result.source.name: result.outcome for result in _run(shared, "c28").results}
    assert outcomes == {"a.xlsx": Outcome.SKIPPED, "b.xlsx": Outcome.SKIPPED}
    assert shared.rows("c28") == [(1,), (2,)]


def test_case_29_per_cent_is_a_fraction_or_a_unit(shared: Warehouse) -> None:
    assert _numbers(shared, "c29", "12,5 %", '{type: double, decimal: ","}') == [0.125]
    assert _numbers(shared, "c29_unit", "12,5 %", '{type: double, decimal: ",", unit: "%"}') == [12.5]


def test_case_30_another_currency_fails(shared: Warehouse) -> None:
    options = '{type: double, decimal: ",", unit: "€"}'
    assert _numbers(shared, "c30", "€ 3,10", options) == [3.1]
    shared.write("c30/a.xlsx", [["n"], ["$ 3,10"]])
    assert 'unit: ["€", "$"] takes both units' in _failed(shared, "c30")


def test_case_31_months_are_those_of_the_locale(shared: Warehouse) -> None:
    pytest.importorskip("babel")
    yaml = '  locale: de\n  columns: {d: {type: date, format: ["%d. %B %Y", "%b %Y"]}}\n'
    shared.write("c31/a.xlsx", [["d"], ["3. März 2025"], ["MÄR. 2025"]])
    _loaded(shared, "c31", yaml)
    assert shared.rows("c31") == [(date(2025, 3, 3),), (date(2025, 3, 1),)]
    shared.write("c31/a.xlsx", [["d"], ["Mrz 2025"]])
    assert "Mrz 2025" in _failed(shared, "c31", yaml)
    shared.write("c31/a.xlsx", [["d"], ["4. März 2025"]])
    assert "locale" in _failed(shared, "c31", yaml.replace("  locale: de\n", ""))


def test_case_32_a_sheet_is_the_first_of_its_month(shared: Warehouse) -> None:
    shared.write("c32/a.xlsx", [["n"], [1]], sheet="March 2025")
    _loaded(shared, "c32", '  sheet_column: month\n  columns: {month: {type: date, format: "%B %Y"}}\n')
    assert shared.rows("c32") == [(1, date(2025, 3, 1))]


def test_case_33_an_ods_table_has_its_totals(shared: Warehouse) -> None:
    for folder, suffix in (("c33", "ods"), ("c33_stop", "ods"), ("c33_xlsx", "xlsx")):
        (shared.root / folder).mkdir(parents=True)
        saved = TESTS / "formats" / f"ranges.{suffix}"
        (shared.root / folder / saved.name).write_bytes(saved.read_bytes())
    result = _loaded(shared, "c33", "  range: Orders\n")
    assert shared.rows("c33") == [("1", 10), ("2", 20), ("Total", 30)]
    assert "does not mark a row of totals" in " ".join(result.notices)
    _loaded(shared, "c33_stop", "  {range: Orders, stop_at: Total}\n")
    _loaded(shared, "c33_xlsx", "  range: Orders\n")
    assert shared.rows("c33_stop") == shared.rows("c33_xlsx") == [(1, 10), (2, 20)]


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_sheet_without_a_table_is_told(shared: Warehouse) -> None:
    shared.write_sheets("empty/a.xlsx", {"A": [["n"], [1]], "Void": []})
    result = _loaded(shared, "empty", "  table_per_sheet: true\n")
    assert [str(part.table) for part in result.by_table] == ["empty_a"]
    assert result.notices == ("the sheet Void is empty",)


def test_a_sheet_without_the_range_of_its_glob_is_told(shared: Warehouse) -> None:
    path = shared.root / "some" / "a.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        for name in ("A", "B"):
            book.add_worksheet(name).write_column(0, 0, ["n", 1])
        book.define_name("B!Data", "=B!$A$1:$A$2")
    entry = '"*": {{range: Data, table: some{}}}'
    result = _loaded(shared, "some", f"  sheets: {{{entry.format('')}}}\n")
    assert (result.rows, result.sheets_left_out) == (1, ("A",))
    result = _loaded(shared, "some", f"  sheets: {{{entry.format('_2, optional: true')}}}\n")
    assert (result.rows, result.sheets_left_out) == (1, ())


def test_folders_with_path_columns_share_a_table_unwarned(shared: Warehouse) -> None:
    for region in ("north", "south"):
        shared.write(f"shared/{region}/a.xlsx", [["n"], [1]])
    table = "  table: shared\n"
    warned = "are all loaded into the table shared"
    for yaml, expected in ((table + '  path_columns: "shared/(?P<region>[^/]+)"\n', False), (table, True)):
        _run(shared, "shared", yaml)
        told = [event.text for event in shared.events if isinstance(event, Notice)]
        assert any(warned in text for text in told) == expected
