"""Other people's readers and writers as witnesses: equal cell for cell, but for a written list of differences."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
import python_calamine
import xlsxwriter
from openpyxl.utils.cell import coordinate_to_tuple

from pgdatahub.errors import ReadError
from pgdatahub.readers.xlsx.reader_choice import available_readers
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.values.cells import ErrorValue, Uncached, Value, cell_address

CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS", Path(__file__).parents[5] / "shared" / "corpus"))
Read: TypeAlias = Callable[[Any], dict[str, Value]]
MOST_CELLS = 2_000_000  # of what calamine would fill up to the last cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Cells in which a witness says something else.

    Attributes:
        witness: Who.
        what: Which cells.
        right: Who is right.
        why: The reason.
        applies: Whether it explains our value and theirs.
    """

    witness: str
    what: str
    right: str
    why: str
    applies: Callable[[Any, Any], bool]


def _is_sixtieth(ours: Any, theirs: Any) -> bool:
    return isinstance(ours, int | float) and 60 <= ours < 61 and isinstance(theirs, datetime)


def _is_trimmed(ours: object, theirs: object) -> bool:
    return isinstance(ours, str) and isinstance(theirs, str) and theirs.strip(" \t\r\n") == ours


DIFFERENCES = (
    Difference(
        witness="calamine",
        what="error cells",
        right="pgdatahub",
        why="an error is no empty cell: it is there to be counted, and a policy decides about it",
        applies=lambda ours, theirs: isinstance(ours, ErrorValue) and theirs is None,
    ),
    Difference(
        witness="openpyxl",
        what="error cells",
        right="both",
        why="openpyxl gives the error's code as a text, which a text '#N/A' cannot be told from",
        applies=lambda ours, theirs: isinstance(ours, ErrorValue) and theirs == ours.code,
    ),
    Difference(
        witness="calamine",
        what="formulas without a cached value",
        right="pgdatahub",
        why="the value is not known, which is not the same as empty",
        applies=lambda ours, theirs: isinstance(ours, Uncached) and theirs is None,
    ),
    Difference(
        witness="openpyxl",
        what="formulas without a cached value",
        right="pgdatahub",
        why="the value is not known, which is not the same as empty",
        applies=lambda ours, theirs: isinstance(ours, Uncached) and theirs is None,
    ),
    Difference(
        witness="calamine",
        what="texts with white space around them and no xml:space",
        right="pgdatahub",
        why="texts are exact; Excel drops that white space when it opens such a file, which no version of Excel writes",
        applies=lambda ours, theirs: isinstance(ours, str) and ours != theirs and ours.strip() == theirs,
    ),
    Difference(
        witness="openpyxl",
        what="_xHHHH_ in texts",
        right="pgdatahub",
        why="it stands for a UTF-16 unit (ECMA-376 part 1, 22.9.2.19), here a carriage return",
        applies=lambda ours, theirs: isinstance(theirs, str) and ours == theirs.replace("_x000D_", "\r"),
    ),
    *(
        Difference(
            witness=witness,
            what="serials from 60 to below 61 of the 1900 system",
            right="pgdatahub",
            why="Excel shows them as 1900-02-29, which never was; any other day would be a wrong one, so it stays a number",
            applies=_is_sixtieth,
        )
        for witness in ("calamine", "openpyxl")
    ),
    *(
        Difference(
            witness=witness,
            what="white space around a text without xml:space",
            right="pgdatahub",
            why="Excel shows and saves such a text without it",
            applies=_is_trimmed,
        )
        for witness in ("calamine", "openpyxl")
    ),
)


def canonical(value: Any) -> object:
    """Return a value in the form in which readers are compared."""
    if isinstance(value, str) and (not value or value.isspace()):
        return None
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a sheet's times have no zone
    if isinstance(value, int | float):
        return ("number", float(value))
    return value


def unexplained(witness: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """Return the cells in which the witness differs and no written difference says why."""
    return {
        address: (ours.get(address), theirs.get(address))
        for address in ours.keys() | theirs.keys()
        if canonical(ours.get(address)) != canonical(theirs.get(address))
        and not any(
            difference.witness == witness and difference.applies(ours.get(address), canonical(theirs.get(address)))
            for difference in DIFFERENCES
        )
    }


def read_calamine(path: Path, sheet: str) -> dict[str, object] | None:
    """Return the cells of a sheet as calamine has them; None where it would fill the memory with empty cells."""
    found = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
    if found.end and (found.end[0] + 1) * (found.end[1] + 1) > MOST_CELLS:
        return None
    return {
        cell_address(row, position): value
        for row, values in enumerate(found.to_python(skip_empty_area=False), 1)
        for position, value in enumerate(values)
        if canonical(value) is not None
    }


def open_openpyxl(path: Path) -> openpyxl.Workbook | None:
    """Open a workbook with openpyxl; None if it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return openpyxl.load_workbook(path, data_only=True)
        except (TypeError, ValueError, KeyError):
            return None


def read_openpyxl(book: openpyxl.Workbook | None, sheet: str, rows: int, columns: int) -> dict[str, object] | None:
    """Return the cells of a sheet as openpyxl has them, as far as we found any."""
    if book is None or sheet not in book.sheetnames:
        return None
    return {
        cell.coordinate: cell.value
        for row in book[sheet].iter_rows(max_row=rows + 3, max_col=min(columns + 3, 16384))
        for cell in row
        if canonical(cell.value) is not None
    }


def compare(path: Path, read: Read) -> int:
    """Compare all sheets of a workbook with what the witnesses say, by both ways; return how many cells there were."""
    count = 0
    workbook = XlsxWorkbook(path, name=path.name)
    parsed = XlsxWorkbook(path, name=path.name, reader="parser")
    other = open_openpyxl(path)
    for position, sheet in enumerate(workbook.sheets):
        ours = read(workbook.open(position))
        assert read(parsed.open(position)) == ours
        corners = [coordinate_to_tuple(address) for address in ours] or [(1, 1)]
        rows, columns = max(row for row, _ in corners), max(column for _, column in corners)
        theirs = {
            "calamine": read_calamine(path, sheet.name),
            "openpyxl": read_openpyxl(other, sheet.name, rows, columns),
        }
        for witness, cells in theirs.items():
            if cells is not None:
                assert unexplained(witness, ours, cells) == {}, f"{witness}: {path.name} › {sheet.name}"
                count += len(ours)
    workbook.close()
    parsed.close()
    return count


def corpus_books() -> list[Path]:
    return sorted(path for path in CORPUS.rglob("*.xls[xm]"))


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus of other people's workbooks")
def test_other_peoples_workbooks_read_as_others_read_them(sheet_cells: Read) -> None:
    compared, refused = 0, []
    for path in corpus_books():
        try:
            compared += compare(path, sheet_cells)
        except ReadError:
            refused.append(path.name)
    assert compared > 40_000
    assert sorted(refused) == [
        "csv_renamed.xlsx",  # what its name says
        "empty_file.xlsx",  # no bytes
        "pass_protected.xlsx",  # encrypted
        "type_excel.xlsx",  # an .xls
        "type_openoffice.xlsx",  # an .ods
    ]


VALUES: tuple[tuple[Any, str | None], ...] = (
    *(
        (value, None)
        for value in (0, 1, -1, 43.5, 1e-7, 1e15, 123456789012, 0.1, 1 / 3, "text", " kept ", "a\nb", "ü€😀")
    ),
    *((value, None) for value in ("<&>\"'", "=not a formula", "00501", "TRUE", True, False, "a\tb", "x" * 32767)),
    (datetime(2024, 2, 29, 13, 37, 1), "yyyy-mm-dd hh:mm:ss"),  # noqa: DTZ001
    (datetime(2024, 2, 29), "d. mmm yyyy"),  # noqa: DTZ001
    (datetime(1999, 12, 31, 23, 59, 59), "[$-409]m/d/yy h:mm AM/PM;@"),  # noqa: DTZ001
    (time(8, 30), "hh:mm"),
    (timedelta(hours=30, minutes=5), "[h]:mm:ss"),
    (0.25, "0.00%"),
    (1234.5, '#,##0.00 "days"'),
)


def xlsxwriter_book(path: Path) -> None:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("All of it")
        for row in range(0, 400, 2):
            for column, (value, number_format) in enumerate(VALUES):
                style = book.add_format({"num_format": number_format}) if number_format and row == 0 else None
                sheet.write(row, column, str(value) if number_format and row else value, style)
        sheet.set_row(4, None, None, {"hidden": True})
        sheet.set_column(2, 3, None, None, {"hidden": True})
        sheet.write_array_formula("AD1:AD2", "{=A1:A2}", None, 7)


def openpyxl_book(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in range(1, 201):
        for column, (value, number_format) in enumerate(VALUES, 1):
            cell = sheet.cell(row, column)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
            if number_format:
                cell.number_format = number_format
    sheet["AZ1"] = "#DIV/0!"
    sheet["AZ2"] = "=1+1"
    sheet.row_dimensions[3].hidden = True
    book.create_sheet("Empty")
    book.save(path)


@pytest.mark.parametrize("write", [xlsxwriter_book, openpyxl_book])
def test_workbooks_of_other_writers_read_as_others_read_them(
    write: Callable[[Path], None], tmp_path: Path, sheet_cells: Read
) -> None:
    path = tmp_path / "book.xlsx"
    write(path)
    assert compare(path, sheet_cells) > 1000


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_workbooks_resaved_by_libreoffice_read_as_others_do(tmp_path: Path, sheet_cells: Read) -> None:
    saved = tmp_path / "saved"
    books = {"a.xlsx": xlsxwriter_book, "b.xlsx": openpyxl_book}
    for name, write in books.items():
        write(tmp_path / name)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", "xlsx", "--outdir", str(saved)]
    subprocess.run([*command, *(str(tmp_path / name) for name in books)], check=True, capture_output=True, timeout=120)
    for name in books:
        assert compare(saved / name, sheet_cells) > 1000


def test_hidden_rows_and_columns_are_known(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    xlsxwriter_book(path)
    for reader in available_readers():
        with closing(XlsxWorkbook(path, name="x", reader=reader)) as workbook:
            sheet = workbook.open(0)
            assert sheet.hidden_columns == {2, 3}
            assert frozenset[int]().union(*(batch.hidden_rows for batch in sheet.batches(100))) == {5}
