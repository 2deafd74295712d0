"""Merged areas of large sheets, which stand behind the rows that they cover."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.runs.inspect import inspect
from pgdatahub.testing.workbooks import make_workbook

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

COLUMNS = "ABCDEFGH"


def write_merged(path: Path, rows: int, covered: str) -> None:
    """Write a workbook of numbers in which the cell A3 lies under the merged area A2:A3."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make_workbook(path, {"Data": [["x"]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    header = "".join(f'<c r="{c}1" t="inlineStr"><is><t>{c.lower()}</t></is></c>' for c in COLUMNS)
    lines = [f'<row r="1">{header}</row>']
    for row in range(2, rows + 2):
        first = covered if row == 3 else f'<c r="A{row}"><v>{row}</v></c>'
        others = "".join(f'<c r="{c}{row}"><v>{row}123456</v></c>' for c in COLUMNS[1:])
        lines.append(f'<row r="{row}">{first}{others}</row>')
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<sheetData>{"".join(lines)}</sheetData><mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells></worksheet>'
    )
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


# 40,000 rows are more than a sheet whose rows are held, 140,000 are copied while they are read.
@pytest.mark.parametrize("rows", [40_000, 140_000])
def test_covered_value_of_a_large_sheet_is_left_out(warehouse: Warehouse, rows: int) -> None:
    write_merged(warehouse.root / "t/a.xlsx", rows, '<c r="A3" t="inlineStr"><is><t>hidden</t></is></c>')
    (result,) = warehouse.load().results
    assert result.outcome is Outcome.LOADED
    assert any("under merged cells" in notice and "A3" in notice for notice in result.notices)
    assert warehouse.query("SELECT count(*), count(a), min(a), max(a), sum(b::numeric)::bigint FROM t") == [
        (rows, rows - 1, 2, rows + 1, sum(int(f"{row}123456") for row in range(2, rows + 2)))
    ]
    assert warehouse.columns("t")["a"] == "integer"


@pytest.mark.parametrize("rows", [40_000, 140_000])
def test_covered_error_of_a_large_sheet_fails_nothing(warehouse: Warehouse, rows: int) -> None:
    warehouse.configure("t:\n  errors: fail\n")
    write_merged(warehouse.root / "t/a.xlsx", rows, '<c r="A3" t="e"><v>#N/A</v></c>')
    (result,) = warehouse.load().results
    assert result.failure is None
    assert warehouse.query("SELECT count(*), count(a) FROM t") == [(rows, rows - 1)]


def test_inspect_leaves_out_a_covered_value(warehouse: Warehouse) -> None:
    write_merged(warehouse.root / "t/a.xlsx", 40_000, '<c r="A3" t="inlineStr"><is><t>hidden</t></is></c>')
    (sheet,) = inspect(warehouse.config, warehouse.root / "t/a.xlsx").sheets
    assert {column.name: column.type.sql for column in sheet.columns}["a"] == "integer"
