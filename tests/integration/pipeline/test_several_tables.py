"""Workbooks with several tables: routing of sheets, history, duplicates and undo."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pgdatahub.cli.inspect import inspect_yaml
from pgdatahub.cli.render import file_lines, report_json
from pgdatahub.cli.summary import skipped_lines
from pgdatahub.cli.undo import print_plan, result_json
from pgdatahub.errors import UndoError
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import METADATA_TABLES
from pgdatahub.runs.inspect import inspect
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.pipeline.conftest import save_again

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pipeline.conftest import Rows, Warehouse

YAML = """
m:
  sheets:
    Policies: {table: policies}
    "Q*": {table: quarters, sheet_column: quarter}
    Notes: {skip: true}
"""
JAN: dict[str, Rows] = {
    "Policies": [["id", "name"], [1, "a"], [2, "b"]],
    "Q1": [["n"], [10]],
    "Q2": [["n"], [20]],
    "Notes": [["remark"], ["x"]],
}
REF = "m:\n  sheets:\n    Sales: {table: sales}\n    Ref: {table: ref}\n"


def _month(number: int) -> dict[str, Rows]:
    return {"Sales": [["n"], [number]], "Ref": [["code"], ["x"], ["y"]]}


def _refused(warehouse: Warehouse, yaml: str, sheets: dict[str, Rows]) -> str:
    """Load a file that fails; return the text of the failure."""
    warehouse.configure(yaml)
    warehouse.write_sheets("m/jan.xlsx", sheets)
    failure = warehouse.fail().failure
    assert failure is not None
    assert warehouse.tables() == set(METADATA_TABLES)
    return " | ".join(filter(None, (failure.where, failure.message, failure.hint)))


def _only(warehouse: Warehouse) -> FileResult:
    (result,) = warehouse.run().results
    return result


# ── routing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_sheet_goes_into_the_table_of_its_entry(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    warehouse.write_sheets("m/jan.xlsx", JAN)
    (result,) = warehouse.load().results
    assert [(str(part.table), part.rows, part.sheets) for part in result.parts] == [
        ("policies", 2, ("Policies",)),
        ("quarters", 2, ("Q1", "Q2")),
    ]
    assert result.rows == 4
    assert result.sheets_left_out == ()
    assert sorted(warehouse.rows("policies")) == [(1, "a"), (2, "b")]
    assert sorted(warehouse.rows("quarters")) == [(10, "Q1"), (20, "Q2")]
    history = (
        "SELECT count(DISTINCT imported_at), count(*), count(DISTINCT tables), count(DISTINCT routing) FROM etl_imports"
    )
    assert warehouse.query(history) == [(1, 2, 1, 1)]


def test_a_result_names_each_table_in_text_and_json(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    warehouse.write_sheets("m/jan.xlsx", JAN)
    report = warehouse.load()
    lines = [line.plain for line in file_lines(report.results[0]).lines]
    assert "2 tables: 4 rows" in lines[0]
    assert lines[1:] == ["policies: 2 rows from Policies", "quarters: 2 rows from Q1, Q2"]
    (file,) = json.loads(report_json(report))["files"]
    assert [(one["table"], one["rows"], one["sheets"]) for one in file["tables"]] == [
        ("policies", 2, ["Policies"]),
        ("quarters", 2, ["Q1", "Q2"]),
    ]


def test_a_missing_named_sheet_fails_the_file(warehouse: Warehouse) -> None:
    sheets = {name: rows for name, rows in JAN.items() if name != "Policies"}
    told = _refused(warehouse, YAML, sheets)
    assert "no sheet 'Policies'" in told
    assert "'Q1', 'Q2', 'Notes'" in told


def test_an_optional_sheet_may_be_missing(warehouse: Warehouse) -> None:
    warehouse.configure(YAML.replace("{table: policies}", "{table: policies, optional: true}"))
    warehouse.write_sheets("m/jan.xlsx", {name: rows for name, rows in JAN.items() if name != "Policies"})
    (result,) = warehouse.load().results
    assert [str(part.table) for part in result.parts] == ["quarters"]
    assert _only(warehouse).outcome is Outcome.SKIPPED


def test_an_unmatched_sheet_is_reported_unless_skipped(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  sheets:\n    Policies: {table: policies}\n")
    warehouse.write_sheets("m/jan.xlsx", {"Policies": JAN["Policies"], "Notes": JAN["Notes"]})
    (result,) = warehouse.load().results
    assert result.sheets_left_out == ("Notes",)
    assert "Notes; an entry below sheets: loads it" in " ".join(result.notices)


@pytest.mark.parametrize("keys", [("Q1", "Q*"), ("Q*", "Q1")])
def test_the_name_of_a_sheet_precedes_a_glob(warehouse: Warehouse, keys: tuple[str, str]) -> None:
    tables = {"Q1": "first", "Q*": "others"}
    warehouse.configure("m:\n  sheets:\n" + "".join(f'    "{key}": {{table: {tables[key]}}}\n' for key in keys))
    warehouse.write_sheets("m/jan.xlsx", {"Q1": [["n"], [1]], "Q2": [["n"], [2]]})
    warehouse.load()
    assert (warehouse.rows("first"), warehouse.rows("others")) == ([(1,)], [(2,)])


def test_two_equally_literal_globs_fail_the_file(warehouse: Warehouse) -> None:
    told = _refused(warehouse, 'm:\n  sheets:\n    "Q*": {table: a}\n    "*1": {table: b}\n', {"Q1": [["n"], [1]]})
    assert "'Q*' and '*1'" in told


def test_a_hidden_sheet_is_reached_by_its_name_only(warehouse: Warehouse) -> None:
    from tests.integration.pipeline.test_sheets import rewrite

    path = warehouse.write_sheets("m/jan.xlsx", {"Q1": [["n"], [1]], "Q4": [["n"], [4]]})
    rewrite(path, "xl/workbook.xml", '<sheet name="Q4"', '<sheet name="Q4" state="hidden"')
    warehouse.configure('m:\n  sheets:\n    "Q*": {table: q}\n')
    warehouse.load()
    assert warehouse.rows("q") == [(1,)]
    warehouse.configure('m:\n  sheets:\n    "Q*": {table: q}\n    Q4: {table: hidden}\n')
    warehouse.load()
    assert warehouse.rows("hidden") == [(4,)]


def test_each_sheet_gets_a_table_of_its_own(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  table_per_sheet: true\n")
    warehouse.write_sheets("m/jan.xlsx", {"Policies": [["n"], [1]], "Q 1": [["n"], [2]]})
    warehouse.load()
    assert (warehouse.rows("m_policies"), warehouse.rows("m_q_1")) == ([(1,)], [(2,)])


def test_two_sheets_with_one_table_name_fail_the_file(warehouse: Warehouse) -> None:
    told = _refused(warehouse, "m:\n  table_per_sheet: true\n", {"Q 1": [["n"], [1]], "Q-1": [["n"], [2]]})
    assert "'Q 1' and 'Q-1' would both be the table m_q_1" in told


def test_a_sheet_with_the_name_of_the_history_fails_the_file(warehouse: Warehouse) -> None:
    warehouse.configure("etl:\n  table_per_sheet: true\n")
    warehouse.write_sheets("etl/jan.xlsx", {"imports": [["n"], [1]]})
    failure = warehouse.fail().failure
    assert failure is not None
    assert "etl_imports" in failure.message


def test_a_bad_sheet_fails_the_file_and_names_the_way_round(warehouse: Warehouse) -> None:
    told = _refused(
        warehouse,
        "m:\n  sheets:\n    A: {table: a}\n    B: {table: b, columns: {n: {type: integer}}}\n",
        {"A": [["n"], [1]], "B": [["n"], ["x"]]},
    )
    assert "B › A2" in told
    assert "B: {skip: true}" in told


def test_two_tables_on_one_sheet_read_it_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from pgdatahub.readers.xlsx.sheet import XlsxSheet

    opened: list[str] = []
    batches = XlsxSheet.batches

    def counted(sheet: XlsxSheet, max_rows: int) -> object:
        opened.append(sheet.name)
        return batches(sheet, max_rows)

    monkeypatch.setattr(XlsxSheet, "batches", counted)
    warehouse.configure("m:\n  sheets:\n    R: [{table: a, stop_at: blank}, {table: b, skip_rows: 1}, {table: b}]\n")
    warehouse.write_sheets("m/jan.xlsx", {"R": [["n"], *([number] for number in range(1, 26)), [None], [99]]})
    warehouse.load(chunk_size=3)
    assert opened == ["R"]
    assert [row[0] for row in warehouse.rows("a")] == list(range(1, 26))
    assert [row[0] for row in warehouse.rows("b")] == [*range(2, 26), 99, *range(1, 26), 99]


# ── history and duplicates ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_loaded_file_is_skipped_without_being_opened(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse.configure(YAML)
    warehouse.write_sheets("m/jan.xlsx", JAN)
    warehouse.load()
    monkeypatch.setattr("pgdatahub.load.staging.staged_file.read_sheets", None)
    result = _only(warehouse)
    assert result.outcome is Outcome.SKIPPED
    assert {part.outcome for part in result.parts} == {Outcome.SKIPPED}


def test_a_skipped_file_of_several_tables_has_one_line(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    warehouse.write_sheets("m/jan.xlsx", JAN)
    warehouse.load()
    (line,) = skipped_lines(warehouse.run().results)
    assert line.plain.startswith("skipped m/jan.xlsx: already loaded")
    warehouse.write_sheets("m/feb.xlsx", JAN | {"Q2": [["n"], [21]]})
    warehouse.run()
    (line,) = skipped_lines(warehouse.run().results)
    assert line.plain == "skipped 2 files of policies, quarters: already loaded"


def test_a_new_entry_loads_the_new_part_only(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.write_sheets("m/feb.xlsx", _month(2))
    warehouse.configure("m:\n  sheets:\n    Sales: {table: sales}\n    Ref: {skip: true}\n")
    warehouse.load()
    before = warehouse.query("SELECT n, load_timestamp FROM sales ORDER BY n")
    warehouse.configure(REF)
    results = warehouse.load().results
    assert [[(str(part.table), part.outcome) for part in result.parts] for result in results] == [
        [("sales", Outcome.SKIPPED), ("ref", Outcome.LOADED)]
    ] * 2
    assert warehouse.query("SELECT n, load_timestamp FROM sales ORDER BY n") == before
    assert len(warehouse.rows("ref")) == 4
    monkeypatch.setattr("pgdatahub.load.staging.staged_file.read_sheets", None)
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}


def test_a_plain_folder_that_gets_sheets_keeps_its_rows(warehouse: Warehouse) -> None:
    warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.load()
    warehouse.configure("m:\n  sheets:\n    Sales: {}\n    Ref: {table: ref}\n")
    warehouse.load()
    assert (warehouse.rows("m"), len(warehouse.rows("ref"))) == ([(1,)], 2)
    assert _only(warehouse).outcome is Outcome.SKIPPED


def test_a_reference_sheet_of_two_files_is_loaded_from_both(warehouse: Warehouse) -> None:
    warehouse.configure(REF)
    warehouse.write_sheets("m/feb.xlsx", _month(2))
    jan = warehouse.write_sheets("m/jan.xlsx", _month(1))
    feb, second = warehouse.load().results
    assert "the same rows as those of m/feb.xlsx" in " ".join(second.notices)
    revert(warehouse.config, UndoRequest(source_file=str(jan)))
    assert (warehouse.rows("sales"), warehouse.rows("ref")) == ([(2,)], [("x",), ("y",)])
    assert feb.outcome is Outcome.LOADED


def test_a_saved_copy_is_skipped_as_a_whole(warehouse: Warehouse) -> None:
    warehouse.configure(REF)
    path = warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.load()
    save_again(path, path.with_name("copy.xlsx"))
    outcomes = {result.source.name: result.outcome for result in warehouse.run().results}
    assert outcomes == {"jan.xlsx": Outcome.SKIPPED, "copy.xlsx": Outcome.SKIPPED}
    assert (len(warehouse.rows("sales")), len(warehouse.rows("ref"))) == (1, 2)


def test_replace_takes_back_a_sheet_that_is_gone(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  on_changed: replace\n  table_per_sheet: true\n")
    warehouse.write_sheets("m/jan.xlsx", {"Q1": [["n"], [1]], "Q2": [["n"], [2]]})
    warehouse.load()
    warehouse.write_sheets("m/jan.xlsx", {"Q2": [["n"], [22]]})
    planned = plan(warehouse.config)
    assert [table.table for table in planned.tables] == ["m_q2"]
    (result,) = warehouse.load().results
    assert (warehouse.rows("m_q1"), warehouse.rows("m_q2")) == ([], [(22,)])
    assert "the file has nothing for m_q1 any more: 1 row left it (on_changed: replace)" in result.notices
    statuses = warehouse.query("SELECT table_name, status FROM etl_imports ORDER BY id")
    assert statuses == [("m_q1", "superseded"), ("m_q2", "superseded"), ("m_q2", "loaded")]


def test_append_adds_all_parts_of_a_changed_file(warehouse: Warehouse) -> None:
    warehouse.configure(REF)
    warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.load()
    warehouse.write_sheets("m/jan.xlsx", _month(2))
    warehouse.load()
    assert (len(warehouse.rows("sales")), len(warehouse.rows("ref"))) == (2, 4)


def test_reload_moves_the_rows_after_a_change_of_tables(warehouse: Warehouse) -> None:
    warehouse.configure(REF)
    path = warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.load()
    warehouse.configure(REF.replace("table: ref", "table: codes"))
    run(warehouse.config, selection=Selection(reload=(path,)))
    assert (warehouse.rows("ref"), len(warehouse.rows("codes")), len(warehouse.rows("sales"))) == ([], 2, 1)


def test_a_selected_table_loads_its_part_and_a_full_run_the_rest(warehouse: Warehouse) -> None:
    warehouse.configure(REF)
    warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.run(tables=["ref"])
    assert "sales" not in warehouse.tables()
    warehouse.load()
    assert (len(warehouse.rows("sales")), len(warehouse.rows("ref"))) == (1, 2)


# ── plan, inspect ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_equals_its_run_for_each_table(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    warehouse.write_sheets("m/jan.xlsx", JAN)
    planned = plan(warehouse.config)
    (result,) = warehouse.load().results
    assert {table.table: table.rows for table in planned.tables} == {
        str(part.table): part.rows for part in result.parts
    }
    for table in planned.tables:
        columns = {column.name: column.type for column in table.columns}
        assert warehouse.columns(table.table).items() >= {
            (name, kind) for name, kind in columns.items() if name not in ("source_file", "load_timestamp")
        }
    again = plan(warehouse.config)
    assert set(again.actions.values()) == {"skip"}


def test_a_plan_loads_no_part_if_one_fails(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  sheets:\n    A: {table: a}\n    B: {table: b, new_columns: freeze}\n")
    warehouse.write_sheets("m/jan.xlsx", {"A": [["n"], [1]], "B": [["n"], [1]]})
    warehouse.load()
    warehouse.write_sheets("m/feb.xlsx", {"A": [["n"], [2]], "B": [["n", "more"], [1, 2]]})
    planned = plan(warehouse.config)
    feb = {table.table: file for table in planned.tables for file in table.files if file.file.endswith("feb.xlsx")}
    assert (feb["a"].action, feb["a"].reason) == ("skip", "another part of the file fails")
    assert feb["b"].action == "fail"
    assert planned.actions[feb["a"].location] == "fail"
    results = {result.source.name: result for result in warehouse.run().results}
    assert results["feb.xlsx"].outcome is Outcome.FAILED
    assert warehouse.rows("a") == [(1,)]


def test_a_plan_lists_a_file_that_does_not_open(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    (warehouse.root / "m").mkdir(parents=True)
    (warehouse.root / "m" / "bad.xlsx").write_bytes(b"PK\3\4 no workbook")
    planned = plan(warehouse.config)
    assert [file.file for file in planned.unplaced] == ["m/bad.xlsx"]
    assert planned.tables == ()


def test_inspect_shows_the_table_of_each_sheet(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    path = warehouse.write_sheets("m/jan.xlsx", JAN)
    found = [
        (sheet.name, str(sheet.table) if sheet.table else None) for sheet in inspect(warehouse.config, path).sheets
    ]
    assert found == [("Policies", "policies"), ("Q1", "quarters"), ("Q2", "quarters"), ("Notes", None)]


def test_inspect_reads_a_sheet_of_several_tables_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from pgdatahub.readers.xlsx.sheet import XlsxSheet

    opened: list[str] = []
    batches = XlsxSheet.batches

    def counted(sheet: XlsxSheet, max_rows: int) -> object:
        opened.append(sheet.name)
        return batches(sheet, max_rows)

    monkeypatch.setattr(XlsxSheet, "batches", counted)
    ranges = ("A1:B", "D1:E3", "G1:H", "A1:A2")
    entries = ", ".join(f"{{range: '{cells}', table: t{number}}}" for number, cells in enumerate(ranges))
    warehouse.configure(f"m:\n  sheets:\n    R: [{entries}, {{table: bad, header_row: 9}}]\n")
    rows: Rows = [["a", "b", None, "d", "e"], *([n, n, None, n, n] for n in range(5))]
    found = inspect(warehouse.config, warehouse.write_sheets("m/jan.xlsx", {"R": rows})).sheets
    assert opened == ["R"]
    assert [(str(one.table), one.range, one.rows) for one in found] == [
        ("t0", "A1:B", 5), ("t1", "D1:E3", 2), ("t2", "G1:H", 0), ("t3", "A1:A2", 1), ("bad", None, 0),
    ]  # fmt: skip
    assert [one.failure.message.split(",")[0] if one.failure else None for one in found] == [
        None, None, "the range G1:H is empty: no cell of it has a value", None, "row 9",
    ]  # fmt: skip


def test_inspect_yaml_names_each_sheet_a_table_of_its_own(warehouse: Warehouse) -> None:
    path = warehouse.write_sheets("m/a: b/jan.xlsx", {name: [["n"], [1]] for name in ("Q 1", "Q-1", "it's")})
    yaml = inspect_yaml(inspect(warehouse.config, path))
    assert yaml.splitlines() == [
        '"m/a: b":',
        "  sheets:",
        '    "Q 1": {table: m_a_b_q_1}',
        '    "Q-1": {table: m_a_b_q_1_2}',
        '    "it\'s": {table: m_a_b_it_s}',
    ]
    warehouse.configure(yaml)
    (result,) = warehouse.load().results
    assert [str(part.table) for part in result.parts] == ["m_a_b_q_1", "m_a_b_q_1_2", "m_a_b_it_s"]


def test_inspect_yaml_tells_the_doubts_about_a_sheet(warehouse: Warehouse) -> None:
    beside: Rows = [["a", None, "k"], [1, None, "x"], [2, None, None]]
    bad: Rows = [["n"], [1]]
    path = warehouse.write_sheets("m/jan.xlsx", {"Two": beside, "Bad": bad, "Void": []})
    warehouse.configure("m: {sheet: '*', columns: {n: {type: date}}}\n")
    lines = inspect_yaml(inspect(warehouse.config, path)).splitlines()
    assert "range: A:A takes the first one, range: C:C the other" in lines[2]
    assert lines[3] == '    "Two": {table: m_two}'
    assert "is not a valid DATE" in lines[4]
    assert lines[5:] == ['    "Bad": {table: m_bad}', '    "Void": {skip: true}']


# ── undo ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _loaded(warehouse: Warehouse) -> Path:
    warehouse.configure(REF)
    path = warehouse.write_sheets("m/jan.xlsx", _month(1))
    warehouse.load()
    return path


def test_revert_of_a_file_reverts_all_its_parts(warehouse: Warehouse) -> None:
    path = _loaded(warehouse)
    result = revert(warehouse.config, UndoRequest(source_file=str(path)))
    assert [str(one.table) for one in result.plan.tables] == ["ref", "sales"], "in the reverse order of loading"
    assert (warehouse.rows("sales"), warehouse.rows("ref")) == ([], [])
    assert [one["table"] for one in json.loads(result_json(result))["tables"]] == ["ref", "sales"]


def test_revert_of_a_file_tells_each_note_once(warehouse: Warehouse) -> None:
    path = _loaded(warehouse)
    result = revert(warehouse.config, UndoRequest(source_file=str(path), data_root=warehouse.root))
    shown = StringIO()
    print_plan(result.plan, Console(file=shown), done=False)
    assert (shown.getvalue().count("revert     "), shown.getvalue().count("still in its folder")) == (2, 1)


def test_revert_of_a_table_keeps_the_other_parts(warehouse: Warehouse) -> None:
    path = _loaded(warehouse)
    revert(warehouse.config, UndoRequest(source_file=str(path), table="ref"))
    assert (warehouse.rows("sales"), warehouse.rows("ref")) == ([(1,)], [])
    (result,) = warehouse.load().results
    assert [part.outcome for part in result.parts] == [Outcome.SKIPPED, Outcome.LOADED]
    assert len(warehouse.rows("ref")) == 2


def test_revert_of_a_hash_reverts_all_parts_of_one_file(warehouse: Warehouse) -> None:
    _loaded(warehouse)
    ((sha256,),) = warehouse.query("SELECT DISTINCT file_sha256 FROM etl_imports")
    revert(warehouse.config, UndoRequest(file_hash=sha256, hold=True))
    assert (warehouse.rows("sales"), warehouse.rows("ref")) == ([], [])
    assert _only(warehouse).outcome is Outcome.SKIPPED, "on hold"


def test_revert_of_an_import_names_the_other_parts(warehouse: Warehouse) -> None:
    _loaded(warehouse)
    result = revert(warehouse.config, UndoRequest(import_id=1))
    assert "the other parts of the file stay: import 2 in ref" in result.plan.notes
    assert (warehouse.rows("sales"), len(warehouse.rows("ref"))) == ([], 2)


def test_rows_changed_by_hand_refuse_the_whole_file(warehouse: Warehouse) -> None:
    path = _loaded(warehouse)
    warehouse.query("DELETE FROM ref WHERE code = 'x' RETURNING 1")
    with pytest.raises(UndoError):
        revert(warehouse.config, UndoRequest(source_file=str(path)))
    assert warehouse.rows("sales") == [(1,)]
    revert(warehouse.config, UndoRequest(source_file=str(path), table="sales"))
    assert warehouse.rows("sales") == []
