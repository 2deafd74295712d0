"""Sheets of a workbook: those that are loaded, and those that are not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgdatahub.cli.render import file_lines, report_json
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import Outcome
from pgdatahub.runs.history import history
from pgdatahub.runs.inspect import inspect
from pgdatahub.runs.plans.plan import plan

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse


def rewrite(path: Path, part: str, old: str, new: str) -> None:
    """Replace a text in a part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.fixture
def two_of_a_name(warehouse: Warehouse) -> Path:
    """A workbook with the sheets Data, Notes and Data."""
    sheets: dict[str, Rows] = {
        name: [["h", "x"], [number, "n/a"]] for number, name in enumerate(("Data", "Notes", "Data_"), start=1)
    }
    path = warehouse.write_sheets("t/a.xlsx", sheets)
    rewrite(path, "xl/workbook.xml", '"Data_"', '"Data"')
    return path


@pytest.mark.usefixtures("two_of_a_name")
def test_all_sheets_of_one_name_are_loaded_and_told_apart(warehouse: Warehouse) -> None:
    warehouse.configure('t:\n  sheet: "*"\n  sheet_column: sheet\n')
    (result,) = warehouse.load().results
    assert result.sheets == ("Data (sheet 1)", "Notes", "Data (sheet 3)")
    assert sorted(warehouse.rows("t")) == [
        (1, "n/a", "Data (sheet 1)"),
        (2, "n/a", "Notes"),
        (3, "n/a", "Data (sheet 3)"),
    ]


@pytest.mark.usefixtures("two_of_a_name")
@pytest.mark.parametrize("wanted", ["Data", "DATA", '[Notes, "data"]'])
def test_a_setting_that_names_two_sheets_fails_the_file(warehouse: Warehouse, wanted: str) -> None:
    warehouse.configure(f"t:\n  sheet: {wanted}\n")
    failure = warehouse.fail().failure
    assert failure is not None
    assert "2 sheets have the name" in failure.message
    assert "sheet 1 'Data', sheet 3 'Data'" in failure.message


def test_a_hidden_sheet_of_the_same_name_is_not_loaded(warehouse: Warehouse, two_of_a_name: Path) -> None:
    rewrite(
        two_of_a_name,
        "xl/workbook.xml",
        '<sheet name="Data" sheetId="1"',
        '<sheet name="Data" state="hidden" sheetId="1"',
    )
    rewrite(two_of_a_name, "xl/workbook.xml", '<sheet name="Notes"', '<sheet name="Notes" state="hidden"')
    (result,) = warehouse.load().results
    assert result.sheets == ("Data (sheet 3)",)
    assert warehouse.rows("t") == [(3, "n/a")]


@pytest.mark.usefixtures("two_of_a_name")
def test_an_error_names_the_position_of_a_doubled_sheet(warehouse: Warehouse) -> None:
    warehouse.configure('t:\n  sheet: "*"\n  columns:\n    x:\n      type: integer\n')
    failure = warehouse.fail().failure
    assert failure is not None
    assert failure.where == "Data (sheet 1) › B2"


def test_inspect_reads_each_sheet_of_one_name(warehouse: Warehouse, two_of_a_name: Path) -> None:
    sheets = inspect(warehouse.config, two_of_a_name).sheets
    assert [(sheet.name, sheet.chosen, sheet.rows) for sheet in sheets] == [
        ("Data (sheet 1)", True, 1),
        ("Notes", False, 1),
        ("Data (sheet 3)", False, 1),
    ]


def test_a_listed_first_sheet_without_part_fails_the_file(warehouse: Warehouse) -> None:
    path = warehouse.write_sheets("t/a.xlsx", {"Data": [["h"], [1]], "Other": [["h"], [2]]})
    rewrite(path, "xl/workbook.xml", 'r:id="rId1"', 'r:id="rId71"')
    failure = warehouse.fail().failure
    assert failure is not None
    assert failure.where == "a.xlsx › Data"
    assert "no part for it" in failure.message
    warehouse.configure("t:\n  sheet: Other\n")
    warehouse.load()
    assert warehouse.rows("t") == [(2,)]


# ── sheets left out ───────────────────────────────────────────────────────────────────────────────────────────────────

MONTHS: dict[str, Rows] = {name: [["month", "amount"], [name, 1]] for name in ("Jan", "Feb", "Mar")}
SENTENCE = (
    "2 visible sheets with data not loaded: Feb, Mar; to load them, "
    'set sheet: "*" or a list of names for the folder sales/2024 in etl_config.yaml'
)


def test_a_run_names_the_sheets_that_it_did_not_load(warehouse: Warehouse) -> None:
    warehouse.write_sheets("sales/2024/a.xlsx", {**MONTHS, "Empty": []})
    report = warehouse.load()
    (result,) = report.results
    assert result.sheets_left_out == ("Feb", "Mar")
    assert result.notices == (SENTENCE,)
    (file,) = json.loads(report_json(report))["files"]
    assert file["sheets_left_out"] == ["Feb", "Mar"]
    log = (warehouse.directory / "etl.log").read_text()
    assert 'sheets_left_out="Feb, Mar" hint="sheet: ' in log
    (counts,) = warehouse.query("SELECT counts -> 'sheets not loaded' FROM etl_imports")
    assert counts == (["Feb", "Mar"],)
    (past,) = (one for one in history(warehouse.config).entries if isinstance(one, ImportRow))
    assert past.sheets_left_out == ("Feb", "Mar")


def test_a_workbook_with_an_empty_first_sheet_names_the_others(warehouse: Warehouse) -> None:
    warehouse.write_sheets("sales/2024/a.xlsx", {**MONTHS, "Jan": []})
    (result,) = warehouse.run().results
    assert result.outcome is Outcome.SKIPPED
    assert result.notices == (SENTENCE,)
    assert SENTENCE in file_lines(result).plain
    (file,) = plan(warehouse.config).files
    assert (file.action, file.notices, file.sheets_left_out) == ("skip", (SENTENCE,), ("Feb", "Mar"))


def test_a_plan_names_the_sheets_that_a_run_would_not_load(warehouse: Warehouse) -> None:
    warehouse.write_sheets("sales/2024/a.xlsx", MONTHS)
    (file,) = plan(warehouse.config).files
    assert (file.action, file.notices, file.sheets_left_out) == ("load", (SENTENCE,), ("Feb", "Mar"))


@pytest.mark.parametrize("setting", ["sheet: Jan", "sheet: [Jan]", 'sheet: "J*"'])
def test_a_setting_that_names_sheets_is_not_repeated_as_a_notice(warehouse: Warehouse, setting: str) -> None:
    warehouse.configure(f"sales:\n  {setting}\n")
    warehouse.write_sheets("sales/a.xlsx", MONTHS)
    (result,) = warehouse.load().results
    assert (result.sheets_left_out, result.notices) == (("Feb", "Mar"), ())


def test_sheets_that_are_loaded_hidden_or_empty_are_not_named(warehouse: Warehouse) -> None:
    warehouse.configure('all:\n  sheet: "*"\n')
    warehouse.write_sheets("all/a.xlsx", MONTHS)
    path = warehouse.write_sheets("one/b.xlsx", {"Jan": [["month"], ["Jan"]], "Old": [["h"], [1]], "Blank": [[" "]]})
    rewrite(path, "xl/workbook.xml", '<sheet name="Old"', '<sheet name="Old" state="hidden"')
    rewrite(
        path,
        "xl/worksheets/sheet3.xml",
        '<c r="A1" t="s"><v>3</v></c>',
        '<c r="A1" t="inlineStr"><is><t> </t></is></c>',
    )
    for result in warehouse.load().results:
        assert (result.sheets_left_out, result.notices) == ((), ())


def test_a_damaged_sheet_that_is_left_out_is_named(warehouse: Warehouse) -> None:
    path = warehouse.write_sheets("sales/a.xlsx", MONTHS)
    rewrite(path, "xl/workbook.xml", 'r:id="rId3"', 'r:id="rId71"')
    (result,) = warehouse.load().results
    assert result.sheets_left_out == ("Feb", "Mar")
