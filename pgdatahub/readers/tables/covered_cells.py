"""Cells under a merged area: their hidden values are not loaded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.model.file_notice import UNDER_MERGED, FileNotice
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.advice import ASK_SENDER
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.values.cells import Column, TextColumn, Value, cell_address
from pgdatahub.values.column_values import as_values

_OVERLAPS: Final = 10
"""Times that areas may cover the cells of a batch. Areas of a sound sheet do not overlap."""


def describe_covered(count: int, sheet: str, address: str) -> FileNotice:
    """Return a notice about values under merged areas.

    Args:
        count: The number of the values, at least 1.
        sheet: The label of the sheet.
        address: The address of the first value.
    """
    values = "1 value under a merged area was" if count == 1 else f"{count:,} values under merged areas were"
    text = f"{values} not loaded, since no program shows a covered cell; the first is {sheet} › {address}"
    return FileNotice(text, UNDER_MERGED)


class CoveredCells:
    """Leaves out the values under merged areas.

    Args:
        areas: The merged areas of the sheet.
        columns: Columns that a sheet may have: no more areas stand side by side.
    """

    def __init__(self, areas: Iterable[Area], columns: int) -> None:
        self._areas = sorted(areas, key=lambda area: area.first_row)
        self._columns = columns
        self._upcoming = 0
        self._open: list[Area] = []
        self.count = 0
        """Values that were left out."""
        self.first = ""
        """The address of the first of them."""

    def leave_out(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield batches without the values under merged areas.

        Raises:
            CorruptError: Areas overlap so often that looking at them would take too long.
        """
        for batch in batches:
            yield self._leave_out(batch) if batch.rows else batch

    def _leave_out(self, batch: Batch) -> Batch:
        self._open = [area for area in self._open if area.last_row >= batch.rows[0]]
        if len(self._open) > self._columns:
            raise _overlap()
        while self._upcoming < len(self._areas) and self._areas[self._upcoming].first_row <= batch.rows[-1]:
            if self._areas[self._upcoming].last_row >= batch.rows[0]:
                self._open.append(self._areas[self._upcoming])
            self._upcoming += 1
        covered = self._covered(batch)
        if not covered:
            return batch
        columns: dict[int, Column] = dict(batch.columns)
        found: list[tuple[int, int]] = []
        for position, indexes in covered.items():
            column, emptied = _without(batch.columns[position], sorted(indexes))
            found += ((batch.rows[index], position) for index in emptied)
            if any(column.texts if isinstance(column, TextColumn) else (value is not None for value in column)):
                columns[position] = column
            else:
                del columns[position]
        if not found:
            return batch
        if not self.count:
            self.first = cell_address(*min(found))
        self.count += len(found)
        return batch.with_columns(columns)

    def _covered(self, batch: Batch) -> dict[int, set[int]]:
        """Return the position of each column that areas cover → the indexes of the covered cells."""
        positions = sorted(batch.columns)
        covered: dict[int, set[int]] = {}
        left = _OVERLAPS * len(batch.rows) * max(1, len(positions)) + len(self._open)
        for area in self._open:
            start, stop = bisect_left(batch.rows, area.first_row), bisect_right(batch.rows, area.last_row)
            first, last = bisect_left(positions, area.first_column), bisect_right(positions, area.last_column)
            left -= 1 + (stop - start) * (last - first)
            if left < 0:
                raise _overlap()
            for position in positions[first:last]:
                indexes = covered.setdefault(position, set())
                indexes.update(range(start, stop))
                if position == area.first_column and start < stop and batch.rows[start] == area.first_row:
                    indexes.discard(start)
        return covered


def _overlap() -> CorruptError:
    return CorruptError("merged areas overlap many times", hint=ASK_SENDER)


def _without(column: Column, indexes: Sequence[int]) -> tuple[Column, list[int]]:
    """Return a column without the values at some indexes, and the indexes of those that had one."""
    if isinstance(column, TextColumn):
        texts = column.texts
        emptied = [index for index in indexes if texts[index]]
        if not emptied:
            return column, emptied
        kept = list(texts)
        for index in emptied:
            kept[index] = b""
        return TextColumn(kind=column.kind, texts=kept), emptied
    values: list[Value] = list(as_values(column))
    emptied = [index for index in indexes if values[index] is not None]
    for index in emptied:
        values[index] = None
    return (values if emptied else column), emptied
