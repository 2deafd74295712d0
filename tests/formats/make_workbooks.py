"""Saves one workbook in four formats: ``python make_workbooks.py`` in an environment with xlsxwriter.

LibreOffice (``soffice``) saves it as xlsx, xls and ods; SheetJS (``npm install xlsx``, 0.18.5 or later; ``NODE_PATH`` names
its folder) reads the xlsx of LibreOffice and saves it as xlsb. The results are committed beside this script.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import xlsxwriter

HERE: Final = Path(__file__).parent
ROWS: Final = 6
DAY: Final = 45000

RECALCULATE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode"><value>0</value></prop></item>
</oor:items>
"""
"""LibreOffice calculates what it opens; without, it stores 0 in .xls for a formula whose result is a text."""

Cell = tuple[str, Any]
"""The method of a cell's kind, and its value."""


def numbers(*values: float) -> list[Cell]:
    """Return cells of numbers."""
    return [("number", value) for value in values]


def texts(*values: str) -> list[Cell]:
    """Return cells of texts."""
    return [("string", value) if value else ("blank", None) for value in values]


def formulas(formula: str, *results: Any) -> list[Cell]:
    """Return cells of formulas, for which ``{row}`` is the number of the row, with their results."""
    return [("formula", (formula.format(row=row), result)) for row, result in enumerate(results, 2)]


COLUMNS: Final[dict[str, tuple[str | None, list[Cell]]]] = {
    "id": (None, numbers(1, 2, 3, 4, 5, 6)),
    "large": (None, numbers(2147483648, 123456789012345, -5, 0, 10, 100000000000)),
    "fraction": (None, numbers(0.1, -2.5, 1e-7, 123456.789, 0.3333333333333333, 2)),
    "money": ("[$R$-416] #,##0.00", numbers(1234.5, -2, 0, 0.01, 99, 1e6)),
    "unit": ('0.0" kg"', numbers(1.5, 2, 3.25, 0, -1, 10)),
    "percent": ("0.00%", numbers(0.5, 1, 0.125, 0, -0.25, 2)),
    "day": ("dd/mm/yyyy", numbers(DAY, DAY + 1, 1, 61, 36526, 2958464)),
    "moment": ("yyyy-mm-dd hh:mm:ss", numbers(DAY + 0.5, DAY + 0.25, DAY, DAY + 0.999988425925926, DAY + 1 / 3, 36526)),
    "clock": ("hh:mm", numbers(0.5, 0.25, 0, 0.75, 0.999988425925926, 1 / 3)),
    "duration": ("[h]:mm:ss", numbers(1.5, 0.25, 0, 10, 100, 0.5)),
    "code": ("00000", numbers(501, 99999, 1, 0, 12345, 7)),
    "parts": ("00000\\-0000", numbers(12345678, 123456789, 1, 0, 99999, 5)),
    "sections": ('[=0]"";dd/mm/yyyy', numbers(DAY, 0, DAY + 2, 0, DAY + 4, 0)),
    "truth": (None, [("boolean", value) for value in (True, False, True, True, False, False)]),
    "name": (None, texts("José", "東京", "😀", "", "a\\b", "line\nbreak")),
    "spaces": (None, texts(" outer ", "two  inside", "tab\tinside", "true", "007", "2020-01-01")),
    "escape": (None, texts("_x000D_", "a_x0041_b", "&amp;", "<b>", "'quote", "=1+1")),
    "mixed": (None, [*numbers(1, 2.5), *texts("three", ""), ("boolean", True), *numbers(6)]),
    "sum": (None, formulas("=A{row}*2", 2, 4, 6, 8, 10, 12)),
    "joined": (None, formulas('="n"&A{row}', "n1", "n2", "n3", "n4", "n5", "n6")),
    "larger": (None, formulas("=A{row}>3", False, False, False, True, True, True)),
    "next_day": ("dd/mm/yyyy", formulas("=G{row}+1", DAY + 1, DAY + 2, 2, 62, 36527, 2958465)),
    "error": (None, [*formulas("=1/0", "#DIV/0!"), *formulas("=NA()", "#N/A"), *numbers(3, 4, 5, 6)]),
    "hidden": (None, numbers(1, 2, 3, 4, 5, 6)),
    "merged": (None, [*texts("area", ""), *texts("one", "two", "three", "four")]),
}


def write(path: Path) -> None:
    """Write the workbook that LibreOffice saves."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": datetime(2024, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)})
        for name in ("Data", "Hidden", "Other"):
            sheet = book.add_worksheet(name)
            if name == "Hidden":
                sheet.hide()
            for column, (header, (code, cells)) in enumerate(COLUMNS.items()):
                sheet.write_string(0, column, header)
                number_format = book.add_format({"num_format": code}) if code else None
                for row, (kind, value) in enumerate(cells, 1):
                    write_cell: Callable[..., Any] = getattr(sheet, f"write_{kind}")
                    if kind == "formula":
                        write_cell(row, column, value[0], number_format, value[1])
                    else:
                        write_cell(row, column, value, number_format)
            last = len(COLUMNS) - 1
            sheet.merge_range(1, last, 2, last, "area")
            sheet.set_column(last - 1, last - 1, None, None, {"hidden": True})
            sheet.set_row(4, None, None, {"hidden": True})


def save(source: Path) -> None:
    """Save the workbook in the four formats."""
    for suffix, writer in (("xlsx", "Calc MS Excel 2007 XML"), ("xls", "MS Excel 97"), ("ods", "calc8")):
        with tempfile.TemporaryDirectory() as profile:
            settings = Path(profile) / "user" / "registrymodifications.xcu"
            settings.parent.mkdir()
            settings.write_text(RECALCULATE, encoding="utf-8")
            home = f"-env:UserInstallation=file://{profile}"
            to = ["--convert-to", f"{suffix}:{writer}", "--outdir", str(HERE), str(source)]
            subprocess.run(["soffice", home, "--headless", *to], check=True, timeout=300)
    subprocess.run(["node", str(HERE / "save_xlsb.js"), str(HERE / "all.xlsx"), str(HERE / "all.xlsb")], check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        write(Path(directory) / "all.xlsx")
        save(Path(directory) / "all.xlsx")
