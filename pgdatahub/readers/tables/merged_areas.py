"""Merged areas of any format: filling them puts the value of their first cell into all their cells."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pgdatahub.errors import CorruptError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.advice import ASK_SENDER
from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.column_values import as_values

_MOST_CELLS = 5_000_000  # filled in one batch; ten times what a batch of a wide sheet has


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A merged area: rows from 1, columns from 0, the last ones included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


def areas_that_begin(areas: Iterable[Area], first: int, last: int) -> Sequence[Area]:
    """Return the areas that begin in the rows from ``first`` to ``last``."""
    return [area for area in areas if first <= area.first_row <= last]


def fill_merged_areas(batches: Iterable[Batch], areas: Sequence[Area], columns: int = 16_384) -> Iterator[Batch]:
    """Put the value of each merged area's first cell into all its cells.

    A row that has no value of its own stays blank: an area merged over two rows for its looks makes no second record.

    Args:
        batches: The sheet.
        areas: Its merged areas from top to bottom.
        columns: Columns that a sheet may have: no more areas stand side by side.

    Raises:
        CorruptError: Areas overlap, or cover too many cells of a batch.
    """
    upcoming = 0
    open_areas: list[tuple[Area, TextColumn | Value]] = []
    for batch in batches:
        if not batch.rows:
            yield batch
            continue
        open_areas = [pair for pair in open_areas if pair[0].last_row >= batch.rows[0]]
        if len(open_areas) > columns:
            raise CorruptError("merged areas overlap many times", hint=ASK_SENDER)
        while upcoming < len(areas) and areas[upcoming].first_row <= batch.rows[-1]:
            area = areas[upcoming]
            upcoming += 1
            value = _cell(batch, area.first_row, area.first_column)
            if value is not None:
                open_areas.append((area, value))
        yield _fill(batch, open_areas) if open_areas else batch


def _cell(batch: Batch, row: int, position: int) -> TextColumn | Value:
    """Return the value of a cell, as a column of one cell where its column is of one kind; None if there is none."""
    index = bisect_left(batch.rows, row)
    column = batch.columns.get(position)
    if column is None or index == len(batch.rows) or batch.rows[index] != row:
        return None
    if isinstance(column, TextColumn):
        return TextColumn(kind=column.kind, texts=(column.texts[index],)) if column.texts[index] else None
    return column[index]


def _fill(batch: Batch, areas: Sequence[tuple[Area, TextColumn | Value]]) -> Batch:
    columns: dict[int, Column] = dict(batch.columns)
    copied: set[int] = set()
    filled = [_has_value(batch, index) for index in range(len(batch.rows))]
    cells = 0
    for area, value in areas:
        first, last = bisect_left(batch.rows, area.first_row), bisect_right(batch.rows, area.last_row)
        cells += (last - first) * (area.last_column - area.first_column + 1)
        if cells > _MOST_CELLS:
            raise CorruptError(f"merged areas cover more than {_MOST_CELLS:,} cells", hint="set merged: top_left")
        indexes = [index for index in range(first, last) if filled[index]]
        for position in range(area.first_column, area.last_column + 1):
            columns[position] = _put(columns.get(position), value, indexes, len(batch.rows), position in copied)
            copied.add(position)
    return batch.with_columns(columns)


def _put(column: Column | None, value: TextColumn | Value, indexes: Sequence[int], rows: int, copied: bool) -> Column:
    """Return a column with a value put into some of its cells, in the same form if it can keep it."""
    kind: Kind | None = value.kind if isinstance(value, TextColumn) else None
    if column is None:
        column = TextColumn(kind=kind, texts=[b""] * rows) if kind else [None] * rows
        copied = True
    if isinstance(column, TextColumn) and isinstance(value, TextColumn) and column.kind is kind:
        texts = column.texts if copied and isinstance(column.texts, list) else list(column.texts)
        for index in indexes:
            texts[index] = value.texts[0]
        return TextColumn(kind=column.kind, texts=texts)
    plain = as_values(value)[0] if isinstance(value, TextColumn) else value
    values = column if copied and isinstance(column, list) else list(as_values(column))
    for index in indexes:
        values[index] = plain
    return values


def _has_value(batch: Batch, index: int) -> bool:
    return any(
        column.texts[index] if isinstance(column, TextColumn) else column[index] is not None
        for column in batch.columns.values()
    )
