"""Independent readers of .xls, .xlsb and .ods: the cells that they find, each with the texts that agree with it.

A reader's value is put into words by the rules of the documentation, by none of the package's own code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import xlrd
from odf import namespaces as names
from odf import opendocument, teletype
from python_calamine import CalamineWorkbook, SheetTypeEnum

from tests.integration.pipeline.test_cell_for_cell import text_of

_ZEROS: Final = re.compile(r"-?[0-9][0-9 .\-/]*")
_DAY: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A cell as a reader sees it.

    Attributes:
        text: Its value in words.
        agrees: Tells whether a text from the database is this value.
    """

    text: str
    agrees: Callable[[str], bool]


Sheet: TypeAlias = "dict[int, dict[int, Seen]]"
"""Row (from 1) → column (from 0) → cell with a value."""
Sheets: TypeAlias = "Mapping[str, Sheet]"


def exactly(text: str) -> Seen:
    """Return a cell with only one right text."""
    return Seen(text=text, agrees=lambda found: found == text)


# ── xlrd ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_xls(path: Path) -> Sheets:
    """Return the cells that xlrd finds, without those under merged areas.

    Raises:
        Exception: xlrd cannot read the file; it raises errors of many classes.
    """
    with Path("/dev/null").open("w", encoding="utf-8") as log:
        book = xlrd.open_workbook(str(path), logfile=log, formatting_info=True)
    sheets = {}
    for sheet in book.sheets():
        found: Sheet = {}
        covered = {
            (row, column)
            for top, bottom, left, right in sheet.merged_cells
            for row in range(top, min(bottom, sheet.nrows))
            for column in range(left, right)
            if (row, column) != (top, left)
        }
        for row in range(sheet.nrows):
            for column in range(sheet.row_len(row)):
                seen = None if (row, column) in covered else _of_xlrd(sheet.cell(row, column), book.datemode)
                if seen is not None:
                    found.setdefault(row + 1, {})[column] = seen
        sheets[sheet.name] = found
    return sheets


def _of_xlrd(cell: Any, datemode: int) -> Seen | None:
    kind, value = cell.ctype, cell.value
    if kind == xlrd.XL_CELL_TEXT:
        return exactly(value) if value.strip() else None
    if kind == xlrd.XL_CELL_NUMBER:
        return _number(value)
    if kind == xlrd.XL_CELL_DATE:
        return Seen(text=f"serial {value!r}", agrees=lambda found: _is_moment(found, value, datemode))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return exactly("true" if value else "false")
    if kind == xlrd.XL_CELL_ERROR:
        return exactly(xlrd.error_text_from_code[value])
    return None


def _number(value: float) -> Seen:
    """Return a number; under a format of zeros, the table has its digits as shown."""
    shown = text_of(value) or ""

    def agrees(found: str) -> bool:
        digits = re.sub("[ ./-]", "", found).lstrip("0") or "0"
        return found == shown or (_ZEROS.fullmatch(found) is not None and digits == shown.lstrip("-"))

    return Seen(text=shown, agrees=agrees)


def _is_moment(found: str, serial: float, datemode: int) -> bool:
    """Tell whether a text is the date, the time or the span of a serial number, to the millisecond."""
    if match := re.fullmatch(r"(-?)([0-9]+):([0-9]{2}):([0-9.]+)", found):
        sign, hours, minutes, seconds = match.groups()
        span = (int(hours) * 60 + int(minutes)) * 60 + float(seconds)
        return abs((-span if sign else span) - serial * _DAY) < 0.001
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return found == text_of(serial)
    epoch = datetime(1904, 1, 1) if datemode else datetime(1899, 12, 30 if serial >= 60 else 31)  # noqa: DTZ001
    return abs((moment - epoch).total_seconds() - serial * _DAY) < 0.001


# ── calamine ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_xlsb(path: Path) -> Sheets:
    """Return the cells that calamine finds.

    Raises:
        Exception: calamine cannot read the file.
    """
    book = CalamineWorkbook.from_path(str(path))
    sheets = {}
    for name in [sheet.name for sheet in book.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]:
        found: Sheet = {}
        for row, values in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False), 1):
            for column, value in enumerate(values):
                if not isinstance(value, str) or value.strip():
                    found.setdefault(row, {})[column] = _of_calamine(value)
        sheets[name] = found
    return sheets


def _of_calamine(value: Any) -> Seen:
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, date | time | timedelta | bool | str):
        return exactly(text_of(value) or "")
    return exactly(str(value))


# ── odfpy ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CALCEXT: Final = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
_MOST_REPEATED: Final = 100_000
_DURATION: Final = re.compile(r"(-?)P(?:([0-9]+)D)?T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9.]+)S)?")


def read_ods(path: Path) -> Sheets:
    """Return the cells that odfpy finds, without those under merged areas.

    Raises:
        Exception: odfpy cannot read the file.
    """
    document = opendocument.load(str(path))
    sheets = {}
    for table in _elements(document.spreadsheet):
        if table.qname != (names.TABLENS, "table"):
            continue
        found: Sheet = {}
        number = 1
        for row in _rows(table):
            cells = _row(row)
            repeated = _attribute(row, names.TABLENS, "number-rows-repeated", 1)
            if repeated * len(cells) > _MOST_REPEATED:
                raise OverflowError("the sheet repeats a row too often to be compared cell by cell")
            if cells:
                found |= {number + index: cells for index in range(repeated)}
            number += repeated
        sheets[table.getAttrNS(names.TABLENS, "name")] = found
    return sheets


def _elements(parent: Any) -> list[Any]:
    """Return the elements in an element, without the white space between them."""
    return [child for child in parent.childNodes if child.nodeType == child.ELEMENT_NODE]


def _rows(element: Any) -> Iterator[Any]:
    for child in _elements(element):
        if child.qname == (names.TABLENS, "table-row"):
            yield child
        elif child.qname[1] in ("table-row-group", "table-header-rows", "table-rows"):
            yield from _rows(child)


def _row(row: Any) -> dict[int, Seen]:
    found: dict[int, Seen] = {}
    column = 0
    for cell in _elements(row):
        if cell.qname[1] not in ("table-cell", "covered-table-cell"):
            continue
        repeated = _attribute(cell, names.TABLENS, "number-columns-repeated", 1)
        seen = _of_odfpy(cell) if cell.qname[1] == "table-cell" else None
        if seen is not None and repeated > _MOST_REPEATED:
            raise OverflowError("the sheet repeats a cell too often to be compared cell by cell")
        if seen is not None:
            found |= {column + index: seen for index in range(repeated)}
        column += repeated
    return found


def _of_odfpy(cell: Any) -> Seen | None:
    kind = cell.getAttrNS(names.OFFICENS, "value-type")
    shown = "\n".join(teletype.extractText(child) for child in _elements(cell) if child.qname == (names.TEXTNS, "p"))
    if cell.attributes.get((_CALCEXT, "value-type")) == "error":
        return exactly(shown)
    if kind in ("float", "percentage", "currency"):
        text = cell.getAttrNS(names.OFFICENS, "value")
        number = Decimal(text)
        value = text_of(int(number) if number == number.to_integral_value() else float(text)) or ""
        return Seen(text=value, agrees=lambda found: found == value or (found == shown and _is_code(found, value)))
    if kind == "date":
        moment = datetime.fromisoformat(cell.getAttrNS(names.OFFICENS, "date-value").removesuffix("Z"))
        return exactly(text_of(moment) or "")
    if kind == "time":
        return exactly(_span(cell.getAttrNS(names.OFFICENS, "time-value")))
    if kind == "boolean":
        return exactly(cell.getAttrNS(names.OFFICENS, "boolean-value"))
    text = cell.getAttrNS(names.OFFICENS, "string-value") or shown
    return exactly(text) if text.strip() else None


def _is_code(found: str, value: str) -> bool:
    return found.startswith("0") and found.lstrip("0") == value.lstrip("0")


def _span(text: str) -> str:
    match = _DURATION.fullmatch(text)
    assert match is not None, text
    sign, *parts = match.groups()
    days, hours, minutes, seconds = (float(part or 0) for part in parts)
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return text_of(-span if sign else span) or ""


def _attribute(element: Any, namespace: str, name: str, default: int) -> int:
    value = element.getAttrNS(namespace, name)
    return int(value) if value else default


READERS: Final[Mapping[str, Callable[[Path], Sheets]]] = {".xls": read_xls, ".xlsb": read_xlsb, ".ods": read_ods}
