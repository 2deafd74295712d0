"""Addresses of cells and areas as workbooks write them."""

from __future__ import annotations

import re

_CELL = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})")


def column_position(letters: str) -> int:
    """Return a column's position: ``A`` is 0, ``AA`` is 26."""
    position = 0
    for letter in letters.upper():
        position = position * 26 + ord(letter) - 64
    return position - 1


def parse_address(address: str) -> tuple[int, int] | None:
    """Return the row (from 1) and the column's position (from 0) of an address such as ``B17``; None if it is none.

    A column of more than three letters and a row of more than seven digits are far outside of any sheet.
    """
    match = _CELL.fullmatch(address)
    return (int(match[2]), column_position(match[1])) if match else None


def parse_area(area: str) -> tuple[int, int, int, int] | None:
    """Return first row, first column, last row, last column of an area such as ``A1:C3``; None if it is none."""
    first, _, last = area.partition(":")
    start = parse_address(first)
    end = parse_address(last or first)
    if start is None or end is None or end[0] < start[0] or end[1] < start[1]:
        return None
    return (*start, *end)
