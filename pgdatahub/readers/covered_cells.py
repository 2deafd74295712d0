"""Values under merged areas: the cells of an area other than its first one, which no program shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.package import DAMAGED
from pgdatahub.readers.xlsx.merged_areas import Area
from pgdatahub.values.cells import Column, TextColumn, cell_address

_MOST_CELLS: Final = 5_000_000
"""Cells of areas in one batch; ten times those of a batch of a wide sheet."""


_MOST_VISITS: Final = 5_000_000
"""Areas that are looked at, over all batches; areas that do not overlap need one visit each and few more."""


class CoveredCells:
    """Removes the values under merged areas, and counts them.

    Args:
        areas: The merged areas, from top to bottom.
    """

    def __init__(self, areas: Sequence[Area]) -> None:
        self._areas = areas
        self._visits = 0
        self.count = 0
        self.first = ""
        """The address of the first value that was removed."""

    def remove(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield batches without the values under merged areas.

        Raises:
            CorruptError: Areas overlap so much that looking them through would take too long.
        """
        upcoming = 0
        open_areas: list[Area] = []
        for batch in batches:
            if not batch.rows:
                yield batch
                continue
            first, last = batch.rows[0], batch.rows[-1]
            open_areas = [area for area in open_areas if area.last_row >= first]
            while upcoming < len(self._areas) and self._areas[upcoming].first_row <= last:
                open_areas.append(self._areas[upcoming])
                upcoming += 1
            self._visits += len(open_areas)
            if self._visits > _MOST_VISITS:
                raise CorruptError("there are too many merged areas over the same rows", hint=DAMAGED)
            yield self._without(batch, open_areas) if open_areas else batch

    def _without(self, batch: Batch, areas: Sequence[Area]) -> Batch:
        removed: dict[int, set[int]] = {}
        looked_at = 0
        for area in areas:
            start, stop = bisect_left(batch.rows, area.first_row), bisect_right(batch.rows, area.last_row)
            for position in _positions(batch, area):
                looked_at += 1 + stop - start
                column = batch.columns[position]
                found = {index for index in range(start, stop) if _has_value(column, index)}
                if position == area.first_column and start < stop and batch.rows[start] == area.first_row:
                    found.discard(start)
                if found:
                    removed.setdefault(position, set()).update(found)
            if looked_at > _MOST_CELLS:
                raise CorruptError(f"merged areas cover more than {_MOST_CELLS:,} cells", hint=DAMAGED)
        if not removed:
            return batch
        self.count += sum(map(len, removed.values()))
        index, position = min((min(indexes), position) for position, indexes in removed.items())
        self.first = self.first or cell_address(batch.rows[index], position)
        columns = dict(batch.columns)
        for position, indexes in removed.items():
            columns[position] = _blank(columns[position], indexes)
        return batch.with_columns(columns)


def _positions(batch: Batch, area: Area) -> list[int]:
    width = area.last_column - area.first_column + 1
    if width < len(batch.columns):
        return [position for position in range(area.first_column, area.last_column + 1) if position in batch.columns]
    return [position for position in batch.columns if area.first_column <= position <= area.last_column]


def _has_value(column: Column, index: int) -> bool:
    return bool(column.texts[index]) if isinstance(column, TextColumn) else column[index] is not None


def _blank(column: Column, indexes: set[int]) -> Column:
    if isinstance(column, TextColumn):
        texts = list(column.texts)
        for index in indexes:
            texts[index] = b""
        return TextColumn(kind=column.kind, texts=texts)
    values = list(column)
    for index in indexes:
        values[index] = None
    return values
