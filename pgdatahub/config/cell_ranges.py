"""Ranges of cells as the settings write them: areas such as ``B4:H200``, and names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_ROW: Final = 1_048_576
MAX_COLUMN: Final = 16_384
"""Rows and columns of a sheet of ``.xlsx``; no other format has more."""

_CELL = r"\$?(?P<{0}column>[A-Za-z]{{1,3}})\$?(?P<{0}row>[1-9][0-9]{{0,6}})"
_AREA: Final = re.compile(
    "|".join(
        (
            _CELL.format("a_") + r"(?P<a_colon>:(?:" + _CELL.format("b_") + ")?)?",
            _CELL.format("c_") + r":\$?(?P<d_column>[A-Za-z]{1,3})",
            r"\$?(?P<e_column>[A-Za-z]{1,3}):(?:\$?(?P<f_column>[A-Za-z]{1,3}))?",
            r"\$?(?P<g_row>[1-9][0-9]{0,6}):(?:\$?(?P<h_row>[1-9][0-9]{0,6}))?",
        )
    )
)
_SHEET: Final = re.compile(r"(?:'(?P<quoted>(?:[^']|'')+)'|(?P<plain>[^'!\[\]:,*]+))!(?P<rest>.+)", re.DOTALL)
_NAME: Final = re.compile(r"[^\W\d][\w.\\?]*|\\[\w.\\?]*")
_R1C1: Final = re.compile(r"R[0-9]+C[0-9]+(?::R[0-9]+C[0-9]+)?", re.IGNORECASE)
ONE_AREA: Final = "it is not one area of one sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRange:
    """A range of cells.

    Attributes:
        text: The range as written.
        sheet: The sheet that it names, if any.
        name: The name of a table or of a range in the workbook; None for an area.
        first_row: Its first row, from 1.
        last_row: Its last row; None for the last row of the sheet.
        first_column: The position of its first column, from 0.
        last_column: The position of its last column; None for the last column of the sheet.
    """

    text: str
    sheet: str | None = None
    name: str | None = None
    first_row: int = 1
    last_row: int | None = None
    first_column: int = 0
    last_column: int | None = None


def parse_range(text: str) -> CellRange:
    """Return the range that a setting means.

    Raises:
        ValueError: It is not an area of one sheet, nor a name; the message has the reason.
    """
    written = text.strip()
    sheet = None
    rest = written
    match = _SHEET.fullmatch(written)
    if match is not None:
        sheet = match["quoted"].replace("''", "'") if match["quoted"] else match["plain"].strip()
        rest = match["rest"].strip()
    area = _area(rest)
    if area is not None:
        rows, columns = area
        return CellRange(
            text=written,
            sheet=sheet,
            first_row=rows[0] or 1,
            last_row=rows[1],
            first_column=columns[0] or 0,
            last_column=columns[1],
        )
    name, bracket, _ = rest.partition("[")
    if bracket and name and _NAME.fullmatch(name):
        raise ValueError(f"write {name}, which is the body of the table without its totals")
    if not _NAME.fullmatch(rest) or _R1C1.fullmatch(rest):
        raise ValueError(ONE_AREA)
    return CellRange(text=written, sheet=sheet, name=rest)


_Ends = tuple[int | None, int | None]


def _area(text: str) -> tuple[_Ends, _Ends] | None:
    """Return first and last row and column of an area in A1 notation; None if it is not one."""
    match = _AREA.fullmatch(text)
    if match is None:
        return None
    found = match.groupdict()
    names = ("a", "b", "c", "d", "e", "f", "g", "h")
    columns = {name: column_position(found[f"{name}_column"]) for name in names if found.get(f"{name}_column")}
    rows = {name: int(found[f"{name}_row"]) for name in names if found.get(f"{name}_row")}
    if any(row > MAX_ROW for row in rows.values()) or any(column >= MAX_COLUMN for column in columns.values()):
        return None
    if "a" in rows:
        if not found["a_colon"]:
            raise ValueError(f"{text} is one cell; write {text}: for the cells from there on")
        if "b" not in rows:
            return (rows["a"], None), (columns["a"], None)
        return _ordered(rows["a"], rows["b"]), _ordered(columns["a"], columns["b"])
    if "c" in rows:
        return (rows["c"], None), _ordered(columns["c"], columns["d"])
    if "e" in columns:
        return (None, None), _ordered(columns["e"], columns["f"]) if "f" in columns else (columns["e"], None)
    return (_ordered(rows["g"], rows["h"]) if "h" in rows else (rows["g"], None)), (None, None)


def _ordered(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def column_position(letters: str) -> int:
    """Return the position of a column, from 0."""
    position = 0
    for letter in letters.upper():
        position = position * 26 + ord(letter) - 64
    return position - 1


def parse_cell(text: str) -> tuple[int, int]:
    """Return the row (from 1) and the position of the column (from 0) of a cell such as ``B1``.

    Raises:
        ValueError: It is not the address of a cell.
    """
    match = re.fullmatch(_CELL.format(""), text.strip())
    if match is None or int(match["row"]) > MAX_ROW or column_position(match["column"]) >= MAX_COLUMN:
        raise ValueError
    return int(match["row"]), column_position(match["column"])
