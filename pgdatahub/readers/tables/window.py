"""Windows on a sheet: the rows and columns of a range, and single cells above a table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pgdatahub.errors import SheetError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import cut, filled_rows
from pgdatahub.readers.tables.layout_counts import LayoutCounts
from pgdatahub.values.cells import TextColumn, Value, cell_address, column_letters
from pgdatahub.values.column_values import VALUES


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The cells of a table's range.

    Attributes:
        text: The range as written.
        first_row: Its first row, from 1.
        last_row: Its last row; None for the last row of the sheet.
        first_column: The position of its first column, from 0.
        last_column: The position of its last column; None for the last column of the sheet.
        is_table: It is the body of an Excel table, whose end is not a guess.
        names: The names of the columns of an Excel table without a header row; None if the range says nothing about it.
        doubt: A remark about the range for the user; empty for none.
    """

    text: str
    first_row: int = 1
    last_row: int | None = None
    first_column: int = 0
    last_column: int | None = None
    is_table: bool = False
    names: tuple[str, ...] | None = None
    doubt: str = ""

    def break_rows(self, header_rows: int) -> Iterator[int]:
        """Yield the rows at which batches of the sheet are best divided: the headers, the data, and what is below.

        Args:
            header_rows: The rows from the first one of the range down to the last header.
        """
        yield from (self.first_row, self.first_row + header_rows)
        if self.last_row is not None:
            # The row below alone decides on a notice.
            yield from (self.last_row + 1, self.last_row + 2)

    def holds(self, position: int) -> bool:
        """Return whether a column is in the range."""
        return position >= self.first_column and (self.last_column is None or position <= self.last_column)


def crop(source: Iterator[Batch], window: Window, counts: LayoutCounts) -> Iterator[Batch]:
    """Yield the cells of a range, one batch for each batch of the sheet; the sheet is not read beyond its last row.

    A notice tells of values directly below the range.
    """
    last = window.last_row
    for batch in source:
        start = bisect_left(batch.rows, window.first_row)
        stop = len(batch.rows) if last is None else bisect_right(batch.rows, last)
        inside = _columns(cut(batch, start, max(start, stop)), window)
        if last is None or not batch.rows or batch.rows[-1] < last:
            yield inside
            continue
        below = cut(batch, stop, len(batch.rows)) if stop < len(batch.rows) else next(source, None)
        if below is not None and below.rows and not window.is_table:
            _note_rows_below(_columns(below, window), last, window, counts)
        yield inside
        return


def _columns(batch: Batch, window: Window) -> Batch:
    columns = {position: column for position, column in batch.columns.items() if window.holds(position)}
    return batch if len(columns) == len(batch.columns) else batch.with_columns(columns)


def _note_rows_below(below: Batch, last: int, window: Window, counts: LayoutCounts) -> None:
    if below.rows[0] == last + 1 and filled_rows(cut(below, 0, 1)):
        if window.last_column is None:
            open_end = f"{window.first_row}:"
        else:
            letters = column_letters(window.first_column), column_letters(window.last_column)
            open_end = f"{letters[0]}{window.first_row}:{letters[1]}"
        counts.notices.append(f"data goes on at row {last + 1}, below the range {window.text}; {open_end} takes it")


@dataclass(slots=True, kw_only=True)
class CellCapture:
    """Cells of a sheet that become columns.

    Attributes:
        cells: Column → row (from 1) and position of its cell.
        values: Column → the value of its cell, for the cells that have one.
    """

    cells: Mapping[str, tuple[int, int]]
    values: dict[str, Value] = field(default_factory=dict)

    def see(self, batch: Batch) -> None:
        """Note the values of the cells that are in a batch."""
        rows = batch.rows
        for name, (row, position) in self.cells.items():
            if not rows or not rows[0] <= row <= rows[-1]:
                continue
            index = bisect_left(rows, row)
            column = batch.columns.get(position)
            if rows[index] != row or column is None:
                continue
            if isinstance(column, TextColumn):
                text = column.texts[index]
                value = VALUES[column.kind](text) if text else None
            else:
                value = column[index]
            if value is not None and not (isinstance(value, str) and not value.strip()):
                self.values[name] = value

    def watch(self, source: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches after the cells in them are noted."""
        for batch in source:
            self.see(batch)
            yield batch

    def check_above(self, first_data_row: int, sheet: str) -> None:
        """Check that the cells are above the rows of the table.

        Raises:
            SheetError: A cell is not.
        """
        for name, (row, position) in self.cells.items():
            if row >= first_data_row:
                raise SheetError(
                    f"the cell {cell_address(row, position)} of the column {name} is not above the first row of data, "
                    f"which is row {first_data_row}",
                    where=sheet,
                    hint="cell_columns takes cells of a title or a header",
                )


def empty_range(window: Window, sheet: str) -> SheetError:
    """Return the error for a range without a value: the settings claim that there is data."""
    return SheetError(f"the range {window.text} is empty: no cell of it has a value", where=sheet)


def side_by_side(headers: Mapping[int, str], rows: Sequence[frozenset[int]]) -> tuple[int, int] | None:
    """Return the last column of a table and the first of another table beside it; None if there is none.

    Between them are columns without header and value, and rows are filled on one side only.

    Args:
        headers: Position → header.
        rows: The positions with a value, for each of the first rows below the headers.
    """
    positions = sorted(headers)
    for left, right in pairwise(positions):
        if right == left + 1 or any(left < position < right for row in rows for position in row):
            continue
        sides = {(any(one <= left for one in row), any(one >= right for one in row)) for row in rows}
        if (True, False) in sides or (False, True) in sides:
            return left, right
    return None
