"""Names of ranges in workbooks that LibreOffice and Aspose.Cells saved; ``tests/formats/make_ranges.py`` made them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.ranges.range_names import describe_area
from pgdatahub.readers.xls.workbook import XlsWorkbook
from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from tests.unit.readers.xls.conftest import source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgdatahub.model.workbooks import Workbook

FORMATS: Final = Path(__file__).parents[2] / "formats"
NAMES: Final = {("Codes", "Ref!A1:B3"), ("Data", "Ref!A1:A3"), ("Data", "Sales!A21:A23")}
INSTEAD: Final = {
    "Dyn": ("it is a formula (OFFSET …)", "A1:"),
    "Cube": ("it is several areas, or an area of several sheets", "A1:B2"),
    "Both": ("it is several areas, or an area of several sheets", "A1:A3"),
}


def _open(suffix: str) -> Workbook:
    path = FORMATS / f"ranges.{suffix}"
    if suffix == "xls":
        return XlsWorkbook(source_of(path))
    kinds: dict[str, Callable[..., Workbook]] = {"xlsx": XlsxWorkbook, "xlsb": XlsbWorkbook, "ods": OdsWorkbook}
    return kinds[suffix](path, name=path.name)


@pytest.mark.parametrize(
    ("suffix", "tables"),
    [
        ("xlsx", {("Orders", "Sales!B3:C5")}),
        ("xlsb", {("Orders", "Sales!B3:C5")}),
        ("ods", {("Orders", "Sales!B3:C6")}),  # the format does not mark totals
        ("xls", set()),
    ],
)
def test_names_saved_by_other_programs_are_the_same(suffix: str, tables: set[tuple[str, str]]) -> None:
    with closing(_open(suffix)) as workbook:
        labels = [sheet.name for sheet in workbook.sheets]
        ranges = [one for one in getattr(workbook, "ranges", ()) if not one.hidden]
    usable = {(one.name, describe_area(one, labels)) for one in ranges if one.problem is None}
    problems = {one.name: one.problem for one in ranges if one.problem is not None}
    assert usable == NAMES | tables
    assert problems.keys() == {*INSTEAD, "Rate"}
    for name, (reason, area) in INSTEAD.items():
        if name == "Cube" and suffix in ("ods", "xls"):
            continue  # LibreOffice does not keep areas of several sheets
        assert problems[name].startswith(f"{reason}; write the area itself, such as ")
        assert problems[name].endswith(area)
