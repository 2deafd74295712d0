"""Values of a column that are in a file twice, found by their hashes in one reading and by their texts in the next.

The first reading keeps a hash of eight bytes a cell, and less of integers. Only a file with equal hashes is read again: the
second reading knows the cells, and compares their texts; a third one is needed only if two texts have one hash.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pgdatahub.load.contracts.unique_integers import PlacedRows, UniqueIntegers

Place: TypeAlias = "tuple[int, int, int, str]"
"""A cell: number of the section, row, position, and the sheet's label."""
Suspects: TypeAlias = "Mapping[int | bytes, Sequence[Place]]"
"""Hash, or text, of a value → the cells that have it, at least two."""

_AT_A_TIME: Final = 300_000
"""Hashes that are compared at a time, about, which bounds the memory: a set of them has 30 MB."""


@dataclass(frozen=True, slots=True)
class OtherCells:
    """The cells that have the value of a cell, without this cell.

    A list for each cell would be quadratic: a column may have one value in all its rows.

    Attributes:
        cells: All cells of the value.
        but: The cell.
    """

    cells: Sequence[Place]
    but: Place

    def __len__(self) -> int:
        return len(self.cells) - 1

    def __iter__(self) -> Iterator[Place]:
        return (cell for cell in self.cells if cell != self.but)


@dataclass(slots=True)
class UniqueColumn:
    """The values of one column in a file so far.

    Attributes:
        suspects: The cells of equal values, as the reading before found them; None in the first reading.
    """

    suspects: Suspects | None = None
    _integers: UniqueIntegers = field(default_factory=UniqueIntegers)
    _hashes: list[tuple[int, int, str, Sequence[int], array[int]]] = field(default_factory=list)
    _texts: dict[int, set[bytes]] = field(default_factory=dict)
    _places: dict[bytes, list[Place]] = field(default_factory=dict)

    def add(
        self, texts: Sequence[bytes], rows: Sequence[int], *, section: int, position: int, sheet: str
    ) -> Mapping[int, OtherCells]:
        """Add the cells of a batch; return the indexes of the cells whose value is there twice, with the other cells."""
        if self.suspects is None:
            whole = range(rows[0], rows[-1] + 1)
            batch: PlacedRows = (section, position, sheet, whole if len(whole) == len(rows) else tuple(rows))
            if not self._integers.add(texts, batch):
                self._hashes.append((*batch, _hashes_of(texts)))
            return {}
        hashes = _hashes_of(texts)
        found = {}
        for index, (text, key) in enumerate(zip(texts, hashes, strict=True)):
            places = (self.suspects.get(key) or self.suspects.get(text)) if text else None
            if places:
                place = (section, rows[index], position, sheet)
                if key in self.suspects:
                    self._texts.setdefault(key, set()).add(text)
                    self._places.setdefault(text, []).append(place)
                found[index] = OtherCells(places, place)
        return found

    def finish(self) -> Suspects | None:
        """Return the cells for which the file must be read again, None if that is not needed."""
        if self.suspects is None:
            if not self._hashes and self._integers.differ():
                return None
            self._hashes[:0] = [(*batch, _hashes_of(texts)) for batch, texts in self._integers.batches()]
            return self._equal_hashes() or None
        if all(len(texts) == 1 for texts in self._texts.values()):
            return None
        return {text: places for text, places in self._places.items() if len(places) > 1}

    def _equal_hashes(self) -> dict[int | bytes, list[Place]]:
        twice: set[int] = set()
        cells = sum(len(hashes) for *_, hashes in self._hashes)
        buckets = 1 + cells // _AT_A_TIME
        for bucket in range(buckets):
            seen: set[int] = set()
            count = 0
            for *_, hashes in self._hashes:
                keys: Sequence[int] = hashes if buckets == 1 else [key for key in hashes if key % buckets == bucket]
                seen.update(keys)
                count += len(keys) - keys.count(0)
            if len(seen - {0}) < count:
                often = Counter(key for *_, hashes in self._hashes for key in hashes if key % buckets == bucket)
                twice.update(key for key, number in often.items() if number > 1 and key)
        places: dict[int | bytes, list[Place]] = {}
        if twice:
            for section, position, sheet, rows, hashes in self._hashes:
                for row, key in zip(rows, hashes, strict=True):
                    if key in twice:
                        places.setdefault(key, []).append((section, row, position, sheet))
        return places


def _hashes_of(texts: Iterable[bytes]) -> array[int]:
    """Return a hash for each field; that of an empty field is 0."""
    return array("q", map(hash, texts))
