"""Signs that a header row is not one: a title, numbers, or few cells above a wider table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pgdatahub.model.file_notice import FileNotice
from pgdatahub.values.cells import Kind
from pgdatahub.values.counting import count

ROWS: Final = 20
"""Rows with a value below the headers that are looked at."""
_YEARS: Final = range(1900, 2101)  # numbers that headers are made of
_MOMENTS: Final = frozenset({Kind.DATE, Kind.TIMESTAMP})
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.NUMBER})


def describe_doubt(row: int, headers: Sequence[tuple[Kind | None, str]], widths: Sequence[int]) -> str:
    """Return a warning about a row that does not look like headers, empty if it does.

    Args:
        row: Its number.
        headers: Kind and text of its cells with a value.
        widths: Number of cells with a value of each of the rows below.
    """
    widest = max(widths, default=0)
    others = [text for kind, text in headers if not is_header_text(kind, text)]
    if may_be_wider(widest, headers):
        why = f"it has {count(len(headers), 'value')}, and a row below has {widest}"
    elif headers and 2 * len(others) > len(headers):
        why = f"{len(others)} of its {count(len(headers), 'cell')} {'is not a text' if len(others) == 1 else 'are not texts'}, such as {others[0][:40]!r}"
    else:
        return ""
    return FileNotice(
        f"row {row}, whose cells became the names of the columns, does not look like headers: {why}; "
        "set header_row: to the number of the right row, auto (find it) or none (there are no headers)",
        "the first row does not look like headers (set header_row:)",
    )


def may_be_wider(width: int, headers: Sequence[tuple[Kind | None, str]]) -> bool:
    """Return whether a row of so many cells would raise doubts about a header row with these cells."""
    return width > 1 and 2 * len(headers) <= width


def is_header_text(kind: Kind | None, text: str) -> bool:
    """Return whether a cell looks like a header: a text or a year."""
    return kind is Kind.TEXT or (kind is Kind.INTEGER and len(text) == 4 and int(text) in _YEARS)


def family(kind: Kind | None) -> object:
    """Return an object that kinds share which one column may have together, such as dates and times of day."""
    if kind in _MOMENTS:
        return _MOMENTS
    return _NUMBERS if kind in _NUMBERS else kind
