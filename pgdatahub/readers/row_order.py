"""Rows of a sheet that are not in the order of their numbers: small sheets are sorted, large ones refused."""

from __future__ import annotations

from collections.abc import Sequence

from pgdatahub.errors import CorruptError
from pgdatahub.readers.package import SAVE_AGAIN


class RowOrderError(CorruptError):
    """A row comes after one with a larger number."""


def row_order_error(row: int, last_row: int) -> RowOrderError:
    """Return the error of a row that comes after one with a larger number."""
    return RowOrderError(f"row {row} comes after row {last_row}", hint=SAVE_AGAIN)


def too_large_to_sort(error: RowOrderError, size: int) -> CorruptError:
    """Return the error of a sheet of ``size`` bytes whose rows would have to be sorted in memory."""
    return CorruptError(
        f"{error.message}, and the sheet is too large to be sorted while it is read ({size:,} bytes)",
        where=error.where,
        hint="open and save it in Excel or LibreOffice, which sort its rows",
    )


def sorted_places(rows: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return row numbers in ascending order, and the place of each given number in that order."""
    order = sorted(range(len(rows)), key=rows.__getitem__)
    places = [0] * len(rows)
    for place, index in enumerate(order):
        places[index] = place
    return [rows[index] for index in order], places
