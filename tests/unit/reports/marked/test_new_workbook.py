from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from pgdatahub.config import FolderOptions, load_config
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.reports.marked.marking import MarkedFile, mark_file
from pgdatahub.reports.marked.marks import Faults
from tests.marked_workbooks import fault, stored_parts, with_parts, write_rich_workbook

FORMATS = Path(__file__).parents[3] / "formats"


def new_workbook(path: Path, out: Path, *, samples: bool = True, sheet: str = "Data") -> MarkedFile:
    source = SourceFile(
        location=str(path),
        identity=f"sales/{path.name}",
        table=TableName(schema="public", name="sales"),
        options=FolderOptions(samples=samples),
        size=path.stat().st_size,
    )
    faults = Faults(file=source.identity, faults=(fault("max", "1", ["B3", "C3", "A5"], sheet=sheet),))
    stages = Stages(create_plugin_manager())
    return mark_file(source, faults, out, stages=stages, config=load_config())


@pytest.mark.parametrize("ending", ["xls", "xlsb", "ods"])
def test_other_formats_get_the_rows_with_faults(tmp_path: Path, ending: str) -> None:
    path = FORMATS / f"all.{ending}"
    first = openpyxl.load_workbook(FORMATS / "all.xlsx").sheetnames[0]
    done = new_workbook(path, tmp_path / "out.xlsx", sheet=first)
    assert done.is_new
    workbook = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert workbook.sheetnames == ["pgdatahub faults", "pgdatahub faults 2"]
    rows = list(workbook["pgdatahub faults 2"].iter_rows())
    assert [row[0].value for row in rows] == [first, "Row", "1", "3", "5"]
    assert [cell.coordinate for row in rows for cell in row if cell.fill.fill_type == "solid"] == ["C4", "D4", "B5"]
    links = {
        cell.value: cell.hyperlink.location for row in workbook["pgdatahub faults"] for cell in row if cell.hyperlink
    }
    assert links == {
        "B3": "'pgdatahub faults 2'!C4",
        "C3": "'pgdatahub faults 2'!D4",
        "A5": "'pgdatahub faults 2'!B5",
    }


def test_a_prefixed_package_gets_a_new_workbook(tmp_path: Path) -> None:
    path = write_rich_workbook(tmp_path / "rich.xlsx")
    assert "xl/styles.xml" in stored_parts(path)
    odd = with_parts(path, tmp_path / "odd.xlsx", {"xl/styles.xml": b"<x/>"})
    done = new_workbook(odd, tmp_path / "out.xlsx")
    assert done.is_new
    assert "a new workbook, since the styles have an unusual form" in done.remarks


def test_without_samples_no_row_is_copied(tmp_path: Path) -> None:
    first = openpyxl.load_workbook(FORMATS / "all.xlsx").sheetnames[0]
    new_workbook(FORMATS / "all.ods", tmp_path / "out.xlsx", samples=False, sheet=first)
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").sheetnames == ["pgdatahub faults"]
