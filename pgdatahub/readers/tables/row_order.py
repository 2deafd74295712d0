"""Rows of a sheet that are not in the order of their numbers: small sheets are sorted, large ones refused."""

from __future__ import annotations

from collections.abc import Sequence

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import ASK_SENDER, DAMAGED, SAVE_AGAIN


class RowOrderError(CorruptError):
    """A row comes after one with a larger number."""


class RowNumbers:
    """The numbers of a sheet's rows, each of which may be there once.

    Args:
        most: The largest number of a row.
        any_order: Rows may come in any order.
    """

    def __init__(self, most: int, *, any_order: bool) -> None:
        self._most = most
        self._seen: set[int] | None = set() if any_order else None
        self.row = 0
        """The number of the last row, also if another reader took it."""

    def begin(self, number: int) -> None:
        """Begin a row.

        Args:
            number: Its number; 0 if it has none that can be read.

        Raises:
            RowOrderError: It comes after a row with a larger number.
            CorruptError: There cannot be such a row, or it is there already.
        """
        if not 0 < number <= self._most:
            shown = f"the number {number:,}" if number else "a number"
            raise CorruptError(f"a row has {shown} that it cannot have, after row {self.row}", hint=DAMAGED)
        if number == self.row or (self._seen is not None and number in self._seen):
            raise CorruptError(f"row {number} is there twice", hint=ASK_SENDER)
        if self._seen is not None:
            self._seen.add(number)
        elif number < self.row:
            raise RowOrderError(f"row {number} comes after row {self.row}", hint=SAVE_AGAIN)
        self.row = number


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
