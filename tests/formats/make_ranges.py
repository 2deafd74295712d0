"""Saves one workbook with names of ranges in four formats: ``python make_ranges.py`` in an environment with xlsxwriter.

LibreOffice (``soffice``) saves it as ods and xls. Neither LibreOffice nor SheetJS writes names into xlsb, so Aspose.Cells does
(``pip install aspose-cells-python``, 26.10; without a license it adds the sheet ``Evaluation Warning``). The results are
committed beside this script.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

import xlsxwriter

HERE: Final = Path(__file__).parent


def write(path: Path) -> None:
    """Write the workbook: an Excel table with a hidden row and a row of totals, and names of all kinds."""
    with xlsxwriter.Workbook(path) as book:
        sales, ref = book.add_worksheet("Sales"), book.add_worksheet("Ref")
        columns = [
            {"header": "id", "total_string": "Total"},
            {"header": "n", "total_function": "sum", "total_value": 30},
        ]
        sales.add_table("B3:C6", {"name": "Orders", "total_row": True, "columns": columns, "data": [[1, 10], [2, 20]]})
        sales.set_row(4, None, None, {"hidden": True})
        for row, cells in enumerate([["code", "what"], ["a", "A"], ["b", "B"]]):
            ref.write_row(row, 0, cells)
            sales.write_row(row + 20, 0, cells)
        book.define_name("Codes", "=Ref!$A$1:$B$3")
        book.define_name("Dyn", "=OFFSET(Ref!$A$1,0,0,3,2)")
        book.define_name("Rate", "=0.19")
        book.define_name("Cube", "=Sales:Ref!$A$1:$B$2")
        book.define_name("Both", "=Ref!$A$1:$A$3,Ref!$B$1:$B$3")
        book.define_name("Ref!Data", "=Ref!$A$1:$A$3")
        book.define_name("Sales!Data", "=Sales!$A$21:$A$23")


def save(source: Path) -> None:
    """Save the workbook in the other formats."""
    for suffix, writer in (("ods", "calc8"), ("xls", "MS Excel 97")):
        with tempfile.TemporaryDirectory() as profile:
            home = f"-env:UserInstallation=file://{profile}"
            to = ["--convert-to", f"{suffix}:{writer}", "--outdir", str(HERE), str(source)]
            subprocess.run(["soffice", home, "--headless", *to], check=True, timeout=300)
    from aspose.cells import SaveFormat, Workbook  # type: ignore[import-not-found,unused-ignore]  # for this script alone

    Workbook(str(source)).save(str(source.with_suffix(".xlsb")), SaveFormat.XLSB)


if __name__ == "__main__":
    write(HERE / "ranges.xlsx")
    save(HERE / "ranges.xlsx")
