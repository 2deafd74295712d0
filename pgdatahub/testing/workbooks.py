"""Workbooks written from rows of Python values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

PlainValue: TypeAlias = bool | int | float | Decimal | str | date | datetime | time | timedelta | None
"""Value of a cell; None leaves the cell empty."""

EXACT_INTEGERS = 2**53
"""Excel's numbers are doubles: beyond this, some whole numbers have no double (IEEE 754 binary64)."""

_FORMATS: Final = {
    datetime: "yyyy-mm-dd hh:mm:ss",
    date: "yyyy-mm-dd",
    time: "hh:mm:ss",
    timedelta: "[h]:mm:ss",
}


def make_workbook(
    path: Path, sheets: Mapping[str, Iterable[Sequence[PlainValue]]], *, hidden_sheets: Collection[str] = ()
) -> Path:
    """Write an ``.xlsx`` workbook; its cells hold exactly the given values, without parsing or guessing.

    Args:
        path: Path of the workbook; missing folders are created.
        sheets: Name of a sheet → its rows from the first on, consumed one at a time.
        hidden_sheets: Names of hidden sheets; the first sheet cannot be hidden.

    Returns:
        ``path``.

    Raises:
        ValueError: A value is of another class, or Excel cannot hold it exactly.
    """
    # XlsxWriter has no dependencies and writes rows without keeping them in memory.
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        formats = {kind: workbook.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            if name in hidden_sheets:
                sheet.hide()
            for number, row in enumerate(rows):
                for position, value in enumerate(row):
                    _write(sheet, number, position, value, formats)
    return path


def _write(sheet: Any, row: int, position: int, value: PlainValue, formats: Mapping[type, Any]) -> None:
    if value is None:
        return
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            write(sheet, row, position, value, formats.get(kind))
            return
    raise ValueError(f"no cell holds a {type(value).__name__}")


def _write_text(sheet: Any, row: int, position: int, value: str, _format: object) -> None:
    if sheet.write_string(row, position, value) != 0:
        raise ValueError(f"no cell holds a text of {len(value):,} characters")


def _write_boolean(sheet: Any, row: int, position: int, value: bool, _format: object) -> None:
    sheet.write_boolean(row, position, value)


def _write_number(sheet: Any, row: int, position: int, value: float | Decimal, _format: object) -> None:
    if isinstance(value, int) and abs(value) > EXACT_INTEGERS:
        raise ValueError(f"no cell holds {value} exactly: Excel's numbers are doubles")
    if isinstance(value, Decimal) and Decimal(repr(float(value))) != value:
        raise ValueError(f"no cell holds {value} exactly: Excel's numbers are doubles")
    sheet.write_number(row, position, value)


def _write_moment(sheet: Any, row: int, position: int, value: object, cell_format: object) -> None:
    sheet.write_datetime(row, position, value, cell_format)


_WRITERS: Final[Mapping[type, Callable[[Any, int, int, Any, Any], None]]] = {
    # In this order: bool is an int, and datetime is a date.
    str: _write_text,
    bool: _write_boolean,
    int: _write_number,
    float: _write_number,
    Decimal: _write_number,
    datetime: _write_moment,
    date: _write_moment,
    time: _write_moment,
    timedelta: _write_moment,
}
