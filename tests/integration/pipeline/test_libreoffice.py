"""Marked copies in LibreOffice: all of a workbook is there, and a corrected copy comes back and is loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from pgdatahub.model.results import Outcome
from tests.libreoffice import HOW_TO_GET_IT, LibreOffice
from tests.marked_workbooks import fault, mark, write_rich_workbook

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning"),  # openpyxl's own limits
]
ORDERS: Rows = [
    ["Order ID", "Status", "Amount", "Day", "Code"],
    *([number, "open", number * 10, f"{number:02}.03.2025", f"A-{number}"] for number in range(1, 21)),
]
RULES = """
sales:
  report_dir: reports
  on_bad: quarantine
  columns:
    Order ID: {required: true, unique: true}
    Status: {values: [open, paid]}
    Amount: {type: numeric, min: 0}
    Day: {type: date, format: "%d.%m.%Y"}
    Code: {pattern: "[A-Z]-[0-9]+"}
"""
FIVE_KINDS = {(3, 1): "Open", (5, 2): -4, (7, 3): "soon", (9, 4): "a 9", (11, 0): 1}
"""Row and column, from 0, of a cell → wrong content: values, min, type, pattern, unique."""


@pytest.fixture(scope="module")
def libreoffice(tmp_path_factory: pytest.TempPathFactory) -> LibreOffice:
    found = LibreOffice.find(tmp_path_factory.mktemp("profile"))
    if found is None:
        pytest.skip(HOW_TO_GET_IT)
    return found


def parts_text(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return "".join(
            archive.read(name).decode("utf-8", "replace")
            for name in archive.namelist()
            if name.endswith((".xml", ".vml"))
        )


def test_libreoffice_keeps_all_of_a_marked_workbook(libreoffice: LibreOffice, tmp_path: Path) -> None:
    rich = write_rich_workbook(tmp_path / "rich.xlsm", macros=True)
    mark(rich, tmp_path / "marked.xlsm", fault("max", "20", ["C16", "B5"]), fault("required", None, ["K6"]))
    saved = libreoffice.save_as(tmp_path / "marked.xlsm", tmp_path / "saved.xlsx")
    text = parts_text(saved)
    for kept in ("c:lineChart", "x14:sparkline>", "x14:dataBar", "<dataValidation ", "<sheetProtection ", ">Go<"):
        assert kept in text, kept
    workbook = openpyxl.load_workbook(saved)
    assert workbook.sheetnames == ["Data", "It's other", "pgdatahub faults"]
    sheet = workbook["Data"]
    assert {sheet[cell].fill.fgColor.rgb for cell in ("C16", "B5", "K6")} == {"FFFFC7CE"}
    assert sheet["C16"].number_format == "#,##0.00"
    assert [sheet[cell].comment.text.strip() for cell in ("B4", "C16", "K6")] == [
        "a comment of the sender",
        "at most 20 is expected",
        "a value is expected; the cell is empty",
    ]
    links = [cell.hyperlink.location for row in workbook["pgdatahub faults"] for cell in row if cell.hyperlink]
    assert len(links) == 3
    assert openpyxl.load_workbook(saved, data_only=True)["Data"]["F16"].value == 45


def test_a_marked_workbook_keeps_its_macros(libreoffice: LibreOffice, tmp_path: Path) -> None:
    rich = write_rich_workbook(tmp_path / "rich.xlsx")
    macros = libreoffice.save_as(rich, tmp_path / "macros.xlsm", basic='MsgBox "Hello"')
    mark(macros, tmp_path / "marked.xlsm", fault("max", "20", ["C16"]))
    libreoffice.save_as(tmp_path / "marked.xlsm", tmp_path / "opened.ods")
    with zipfile.ZipFile(macros) as before, zipfile.ZipFile(tmp_path / "marked.xlsm") as after:
        assert after.read("xl/vbaProject.bin") == before.read("xl/vbaProject.bin")


def write_bad(warehouse: Warehouse) -> Path:
    rows = [list(row) for row in ORDERS]
    for (row, column), value in FIVE_KINDS.items():
        rows[row][column] = value
    return warehouse.write("sales/march.xlsx", rows, sheet="Orders")


def test_a_round_trip_corrects_five_kinds_of_faults(libreoffice: LibreOffice, warehouse: Warehouse) -> None:
    warehouse.configure(RULES)
    write_bad(warehouse)
    (before,) = warehouse.run().results
    assert {one.rule for one in before.faults} == {"values", "min", "type", "pattern", "unique"}
    assert (before.rows, before.quarantined) == (14, 6)
    marked = warehouse.directory / "reports" / "sales" / "march.xlsx"
    libreoffice.save_as(
        marked,
        warehouse.root / "sales" / "march, corrected.xlsx",
        {
            ("Orders", "B4"): "open",
            ("Orders", "C6"): 4,
            ("Orders", "D8"): "07.03.2025",
            ("Orders", "E10"): "A-9",
            ("Orders", "A12"): 11,
        },
    )
    results = {result.source.name: result for result in warehouse.run().results}
    after = results["march, corrected.xlsx"]
    assert (after.outcome, after.rows, after.quarantined) == (Outcome.LOADED, 20, 0)
    assert "is the changed version of sales/march.xlsx: its rows take the place of 14 rows" in after.notices
    assert len(warehouse.rows("sales")) == 20


@pytest.mark.parametrize(
    ("folder", "ending"),
    [("data", ".xlsx"), ("reports", ".xlsx"), ("reports", ".ods")],  # edge cases 35 and 37, law 14
)
def test_an_unchanged_copy_saved_again_has_the_same_content(
    libreoffice: LibreOffice, warehouse: Warehouse, folder: str, ending: str
) -> None:
    warehouse.configure(RULES)
    write_bad(warehouse)
    warehouse.run()
    origin = warehouse.directory / folder / "sales" / "march.xlsx"
    libreoffice.save_as(origin, warehouse.root / "sales" / f"again{ending}")
    again = {result.source.name: result for result in warehouse.run().results}[f"again{ending}"]
    assert again.outcome is Outcome.SKIPPED
    assert "has the same content as sales/march.xlsx" in str(again.reason)


def test_a_copy_corrected_as_ods_knows_its_origin(libreoffice: LibreOffice, warehouse: Warehouse) -> None:
    warehouse.configure("sales: {report_dir: reports, on_bad: quarantine, columns: {a: {max: 5, type: integer}}}")
    warehouse.write("sales/a.xlsx", [["a"], [1], [9]])
    warehouse.run()
    marked = warehouse.directory / "reports" / "sales" / "a.xlsx"
    libreoffice.save_as(marked, warehouse.root / "sales" / "b.ods", {("Sheet1", "A3"): 2, ("pgdatahub faults", ""): ""})
    warehouse.run()
    assert sorted(warehouse.rows("sales")) == [(1,), (2,)]
