"""The program that reads a workbook by python-calamine in a process of its own (see :mod:`pgdatahub.readers.isolated`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

MAX_CELLS = 1_000_000
"""Cells in one answer, so that a wide sheet does not make a large one."""


def describe(error: BaseException) -> tuple[str, str]:
    """Return what went wrong: a word for the kind of error, and its text."""
    name = type(error).__name__
    if name == "PanicException":
        return "panic", str(error)
    if isinstance(error, MemoryError):
        return "memory", ""
    if isinstance(error, OSError):
        gone = isinstance(error, FileNotFoundError) or "os error 2" in str(error)
        return ("gone" if gone else "damaged"), str(error)
    return ("password" if name == "PasswordError" else "damaged"), str(error) or name


class Reader:
    """The workbook and the sheet that are open. The methods are the requests."""

    def __init__(self) -> None:
        self._workbook: Any = None
        self._rows: Iterator[tuple[int, Sequence[Any]]] = iter(())
        self._first_column = 0
        self._width = 1

    def open(self, path: str) -> list[tuple[int, str, bool]]:
        """Open a workbook; return the index of each worksheet, its name, and whether it is visible."""
        import python_calamine

        self._workbook = python_calamine.CalamineWorkbook.from_path(path)
        return [
            (index, sheet.name, sheet.visible == python_calamine.SheetVisibleEnum.Visible)
            for index, sheet in enumerate(self._workbook.sheets_metadata)
            if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]

    def sheet(self, index: int, fill: bool) -> bool:
        """Parse a sheet; return whether its merged areas are known."""
        self._rows = iter(())  # lets go of the last sheet before there is another
        sheet = self._workbook.get_sheet_by_index(index)
        ranges = sheet.merged_cell_ranges if fill else None
        if sheet.start is not None and sheet.end is not None:
            self._first_column = sheet.start[1]
            self._width = sheet.end[1] - sheet.start[1] + 1
            self._rows = enumerate(sheet.iter_rows())
            if ranges:
                self._rows = _filled(self._rows, self._first_column, ranges)
        return ranges is not None

    def batch(self, max_rows: int) -> tuple[int, int, dict[int, list[Any]]] | None:
        """Return the next rows: the first's number (from 1), how many, and the columns; None after the last."""
        rows = list(islice(self._rows, max(1, min(max_rows, MAX_CELLS // self._width))))
        if not rows:
            return None
        columns = {
            position: encoded
            for position, column in enumerate(zip(*(cells for _, cells in rows), strict=True), self._first_column)
            if (encoded := _encoded(column)) is not None
        }
        return rows[0][0] + 1, len(rows), columns


def _filled(
    rows: Iterator[tuple[int, Sequence[Any]]],
    first_column: int,
    ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]],
) -> Iterator[tuple[int, Sequence[Any]]]:
    """Give every cell of a merged area the value of its first, as far as the sheet's own cells reach."""
    starting: dict[int, list[tuple[int, int, int]]] = {}
    for (top, left), (bottom, right) in ranges:
        starting.setdefault(top, []).append((bottom, left - first_column, right - first_column))
    active: list[tuple[int, int, int, Any]] = []
    for number, cells in rows:
        for bottom, left, right in starting.pop(number, ()):
            value = cells[left] if 0 <= left < len(cells) else ""
            active.append((bottom, max(left, 0), min(right + 1, len(cells)), value))
        if active:
            cells = list(cells)
            for _, left, stop, value in active:
                cells[left:stop] = [value] * (stop - left)
            active = [area for area in active if area[0] > number]
        yield number, cells


def _encoded(column: Sequence[Any]) -> list[Any] | None:
    """Return a column as data that marshal knows; None if it has no value."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return [text or None for text in column] if any(column) else None
    if kinds <= {float, int, bool}:
        return list(column)
    if kinds <= {float, int, bool, str}:
        return [None if value == "" else value for value in column]
    return [None if value == "" else _encoded_value(value) for value in column]


def _encoded_value(value: Any) -> Any:
    if isinstance(value, timedelta):
        return "interval", value.days, value.seconds, value.microseconds
    if isinstance(value, datetime):
        return "datetime", value.isoformat()
    if isinstance(value, date):
        return "date", value.isoformat()
    if isinstance(value, time):
        return "time", value.isoformat()
    return value
