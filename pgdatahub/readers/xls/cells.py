"""A sheet of a workbook in memory, column by column: some twenty bytes a cell."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Final

NUMBER: Final = 0
TEXT: Final = 1
BOOLEAN: Final = 2
ERROR: Final = 3
UNCACHED: Final = 4
"""A formula without a result."""
MISSING_TEXT: Final = 5
"""A shared string that the workbook does not have; the number is its index."""
_COVERED: Final = 6
"""A value under a merged area."""

MAX_COLUMNS: Final = 256
MAX_CELLS: Final = 500_000
"""Cells in one answer, so that a wide sheet does not make a large one."""
MAX_CHARACTERS: Final = 1 << 23
"""Characters in one answer of several rows: many cells may have one long shared string."""

ColumnMessage = tuple[bytes | None, bytes, bytes, bytes, list[str]]
"""Indexes of rows (None for all), kinds, indexes of formats, numbers, and the texts in their order."""


class PositionError(Exception):
    """A cell lies outside the sheet."""


class _Column:
    __slots__ = ("formats", "kinds", "numbers", "rows")

    def __init__(self) -> None:
        self.rows = array("H")
        self.kinds = bytearray()
        self.formats = array("H")
        self.numbers = array("d")
        """The number, or the index of a text."""

    def put(self, row: int, kind: int, number: float, extended_format: int) -> None:
        """Add a cell."""
        self.rows.append(row)
        self.kinds.append(kind)
        self.formats.append(extended_format)
        self.numbers.append(number)

    def sort(self) -> None:
        """Sort cells by row; of several cells in one row the last one counts."""
        rows = self.rows
        if all(map(int.__lt__, rows, rows[1:])):
            return
        last = {row: index for index, row in enumerate(rows)}
        order = [last[row] for row in sorted(last)]
        self.rows = array("H", [rows[index] for index in order])
        self.kinds = bytearray(self.kinds[index] for index in order)
        self.formats = array("H", [self.formats[index] for index in order])
        self.numbers = array("d", [self.numbers[index] for index in order])


class Cells:
    """The cells of a sheet; rows and columns count from 0."""

    def __init__(self) -> None:
        self._columns: dict[int, _Column] = {}
        self._texts: list[str] = []
        self.hidden_rows: set[int] = set()
        self.other_rows: set[int] = set()
        """Rows that the file describes and does not hide."""
        self.rows_hidden = False
        """Rows that the file does not describe are hidden."""
        self.hidden_columns: set[int] = set()
        self.areas: list[tuple[int, int, int, int]] = []
        """Merged areas: first and last row, first and last column."""
        self.covered = 0
        self.first_covered: tuple[int, int] | None = None

    def put(self, row: int, position: int, kind: int, number: float, extended_format: int) -> None:
        """Add a cell.

        Raises:
            PositionError: The cell lies outside the sheet.
        """
        column = self._columns.get(position)
        if column is None:
            if not 0 <= position < MAX_COLUMNS:
                raise PositionError(f"row {row + 1} has a cell in column {position + 1:,}; a sheet has {MAX_COLUMNS}")
            column = self._columns[position] = _Column()
        column.put(row, kind, number, extended_format)

    def put_text(self, row: int, position: int, text: str, extended_format: int) -> None:
        """Add a cell of text; an empty text is an empty cell."""
        if text:
            self.put(row, position, TEXT, len(self._texts), extended_format)
            self._texts.append(text)

    def finish(self) -> None:
        """Sort the cells."""
        for column in self._columns.values():
            column.sort()

    def cover(self) -> None:
        """Leave out the values under merged areas, and count them."""
        for top, bottom, left, right in dict.fromkeys(self.areas):
            for position in range(left, min(right, MAX_COLUMNS - 1) + 1):
                column = self._columns.get(position)
                if column is None:
                    continue
                first = bisect_left(column.rows, top + 1 if position == left else top)
                for index in range(first, bisect_right(column.rows, bottom)):
                    if column.kinds[index] != _COVERED:
                        column.kinds[index] = _COVERED
                        self.covered += 1
                        place = (column.rows[index], position)
                        self.first_covered = min(self.first_covered or place, place)

    def used_formats(self) -> set[int]:
        """Return the extended formats of all cells."""
        return {number for column in self._columns.values() for number in set(column.formats)}

    def batches(self, max_rows: int) -> Iterator[tuple[bytes, list[int], dict[int, ColumnMessage]]]:
        """Yield rows with values: their numbers, those that are hidden, and the columns."""
        for column in self._columns.values():
            if _COVERED in column.kinds:
                _drop_covered(column)
        rows = array("H", sorted(set().union(*(set(column.rows) for column in self._columns.values()))))
        size = max(1, min(max_rows, MAX_CELLS // max(1, len(self._columns))))
        for start, end in self._windows(rows, size):
            window = rows[start:end]
            columns = {}
            for position, column in sorted(self._columns.items()):
                message = self._message(column, window)
                if message is not None:
                    columns[position] = message
            yield window.tobytes(), list(self._hidden(window)), columns

    def _windows(self, rows: array[int], size: int) -> Iterator[tuple[int, int]]:
        """Yield index of first row and index behind the last of each answer, of at most ``size`` rows."""
        if sum(map(len, self._texts)) <= MAX_CHARACTERS:
            yield from ((start, min(start + size, len(rows))) for start in range(0, len(rows), size))
            return
        characters: dict[int, int] = {}
        for column in self._columns.values():
            for row, kind, number in zip(column.rows, column.kinds, column.numbers, strict=True):
                if kind == TEXT:
                    characters[row] = characters.get(row, 0) + len(self._texts[int(number)])
        start = total = 0
        for index, row in enumerate(rows):
            total += characters.get(row, 0)
            if index - start == size or (total > MAX_CHARACTERS and index > start):
                yield start, index
                start, total = index, characters.get(row, 0)
        yield start, len(rows)

    def _hidden(self, rows: Iterable[int]) -> Iterator[int]:
        for row in rows:
            if row in self.hidden_rows or (self.rows_hidden and row not in self.other_rows):
                yield row

    def _message(self, column: _Column, window: array[int]) -> ColumnMessage | None:
        first, end = bisect_left(column.rows, window[0]), bisect_right(column.rows, window[-1])
        if first == end:
            return None
        indexes = None
        if end - first < len(window):
            places = {row: index for index, row in enumerate(window)}
            indexes = array("H", [places[row] for row in column.rows[first:end]]).tobytes()
        kinds = bytes(column.kinds[first:end])
        numbers = column.numbers[first:end]
        texts: list[Any] = []
        if TEXT in kinds:
            known = self._texts
            texts = [known[int(number)] for kind, number in zip(kinds, numbers, strict=True) if kind == TEXT]
        return indexes, kinds, column.formats[first:end].tobytes(), numbers.tobytes(), texts


class FoundValueError(Exception):
    """The sheet has a value."""


class FirstValue(Cells):
    """Stops the reading of a sheet at its first value."""

    def put(self, row: int, position: int, kind: int, number: float, extended_format: int) -> None:  # noqa: ARG002
        """Stop.

        Raises:
            FoundValueError: Always.
        """
        raise FoundValueError

    def put_text(self, row: int, position: int, text: str, extended_format: int) -> None:  # noqa: ARG002
        """Stop, unless the text is white space.

        Raises:
            FoundValueError: The text is a value.
        """
        if text.strip():
            raise FoundValueError


def _drop_covered(column: _Column) -> None:
    keep = [index for index, kind in enumerate(column.kinds) if kind != _COVERED]
    column.rows = array("H", [column.rows[index] for index in keep])
    column.formats = array("H", [column.formats[index] for index in keep])
    column.numbers = array("d", [column.numbers[index] for index in keep])
    column.kinds = bytearray(column.kinds[index] for index in keep)
