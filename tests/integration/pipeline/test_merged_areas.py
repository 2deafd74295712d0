"""Merged areas of large sheets, which stand behind the rows that they cover."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.model.results import Outcome
from pgdatahub.runs.inspect import inspect
from pgdatahub.testing.workbooks import make_workbook
from tests.unit.readers.ods.conftest import make_ods
from tests.unit.readers.xls import conftest as xls
from tests.unit.readers.xlsb import building as xlsb
from tests.unit.readers.xlsx.conftest import MAIN, make_book

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
    assert any("under a merged area" in notice and "A3" in notice for notice in result.notices)
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


def covered_xlsx(path: Path) -> None:
    cells = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
    )
    for row in (2, 3):
        cells += f'<row r="{row}">{"".join(f"""<c r="{column}{row}"><v>{row}</v></c>""" for column in "AB")}</row>'
    merged = '<mergeCells><mergeCell ref="A2:B3"/></mergeCells>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData>{merged}</worksheet>'
    path.write_bytes(make_book(sheet=sheet).getvalue())


def covered_xlsb(path: Path) -> None:
    rows = [xlsb.row(1), xlsb.text(0, "a"), xlsb.text(1, "b")]
    for row in (2, 3):
        rows += [xlsb.row(row), xlsb.rk(0, row), xlsb.rk(1, row)]
    path.write_bytes(xlsb.workbook([xlsb.sheet(*rows, after=xlsb.merged(1, 2, 0, 1))]).getvalue())


def covered_xls(path: Path) -> None:
    cells = xls.label(0, 0, "a") + xls.label(0, 1, "b")
    for row in (2, 3):
        cells += xls.number(row - 1, 0, row) + xls.number(row - 1, 1, row)
    cells += xls.record(0xE5, struct.pack("<HHHHH", 1, 1, 2, 0, 1))
    path.write_bytes(xls.compound(xls.book(cells)))


def covered_ods(path: Path) -> None:
    def text(value: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    def cell(kind: str, row: int, more: str = "") -> str:
        return f'<table:{kind} office:value-type="float" office:value="{row}"{more}/>'

    spans = ' table:number-columns-spanned="2" table:number-rows-spanned="2"'
    rows = (
        text("a") + text("b"),
        cell("table-cell", 2, spans) + cell("covered-table-cell", 2),
        cell("covered-table-cell", 3) * 2,
    )
    path.write_bytes(make_ods("".join(f"<table:table-row>{row}</table:table-row>" for row in rows)).getvalue())


WRITERS = {".xlsx": covered_xlsx, ".xlsb": covered_xlsb, ".xls": covered_xls, ".ods": covered_ods}


@pytest.fixture(params=WRITERS)
def covered(request: pytest.FixtureRequest, warehouse: Warehouse) -> Warehouse:
    """A data root with a workbook in which three values stand under the merged area A2:B3."""
    path = warehouse.root / "t" / f"a{request.param}"
    path.parent.mkdir(parents=True)
    WRITERS[request.param](path)
    return warehouse


def test_covered_values_are_counted_and_named(covered: Warehouse) -> None:
    (result,) = covered.load().results
    assert covered.rows("t") == [(2, None)]
    (notice,) = (notice for notice in result.notices if "merged" in notice)
    assert notice.startswith("3 values under merged areas were not loaded")
    assert notice.endswith(" › B2")


def test_json_of_a_run_has_the_count_of_covered_values(covered: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(covered.directory)
    shown = CliRunner().invoke(create_app(only="run"), ["run", "--format", "json"], env={"DATABASE_URL": covered.url})
    assert shown.exit_code == 0, shown.output
    (file,) = json.loads(shown.stdout)["files"]
    assert any(notice.startswith("3 values under merged areas were not loaded") for notice in file["notices"])


def test_merged_area_is_filled(covered: Warehouse) -> None:
    covered.configure("t:\n  merged: fill\n")
    (result,) = covered.load().results
    assert covered.rows("t") == [(2, 2), (2, 2)]
    assert not [notice for notice in result.notices if "merged" in notice]
