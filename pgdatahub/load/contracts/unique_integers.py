"""Integers of a column that must be unique: those that ascend differ anyway, others are marked in a table."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pgdatahub.load.contracts.column_facts import all_differ, integers_of

PlacedRows: TypeAlias = "tuple[int, int, str, Sequence[int]]"
"""The cells of a batch: number of the section, position, the sheet's label, and the rows."""
_MOST_GAPS: Final = 16
"""The table has a place for each integer that could be there, at most so many for each that is."""


@dataclass(slots=True)
class UniqueIntegers:
    """The batches of a column, from its first on, whose cells are integers from 0 on.

    Consecutive integers that ascend take no memory, others four or eight bytes.
    """

    _largest: int = -1
    _ascend: bool = True
    _end: bool = False
    _kept: list[tuple[PlacedRows, range | array[int]]] = field(default_factory=list)

    def add(self, texts: Sequence[bytes], rows: PlacedRows) -> bool:
        """Keep the cells of a batch; return False, for this batch and all after it, if one has other cells."""
        found = None if self._end else integers_of(texts)
        if found is None:
            self._end = True
            return False
        integers, ascend, largest = found
        first = integers[0]
        self._ascend = self._ascend and ascend and first > self._largest
        self._largest = max(largest, self._largest)
        is_whole = ascend and largest - first + 1 == len(integers)
        self._kept.append(
            (rows, range(first, largest + 1) if is_whole else array("I" if largest < 2**32 else "Q", integers))
        )
        return True

    def differ(self) -> bool:
        """Return whether all differ; False also if finding out takes too much memory."""
        if self._ascend:
            return True
        count = sum(len(integers) for _, integers in self._kept)
        if self._largest > _MOST_GAPS * count:
            return False
        return all_differ((integers for _, integers in self._kept), self._largest)

    def batches(self) -> Iterator[tuple[PlacedRows, Iterator[bytes]]]:
        """Yield the kept batches with their fields."""
        for rows, integers in self._kept:
            yield rows, map(b"%d".__mod__, integers)
