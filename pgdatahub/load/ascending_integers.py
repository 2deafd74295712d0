"""Integers of a column that ascend from batch to batch, which therefore differ without a comparison of all."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import lt
from typing import TypeAlias

import orjson

from pgdatahub.values.fields import FieldBuffer

PlacedRows: TypeAlias = "tuple[int, int, str, Sequence[int]]"
"""The cells of a batch: number of the section, position, the sheet's label, and the rows."""


@dataclass(slots=True)
class AscendingIntegers:
    """The batches of a column, from its first on, whose cells are integers from 0 on, each larger than the one before.

    Consecutive integers take no memory, others eight bytes.
    """

    _last: int = -1
    _ends: bool = False
    _kept: list[tuple[PlacedRows, range | array[int]]] = field(default_factory=list)

    def add(self, texts: Sequence[bytes], rows: PlacedRows) -> bool:
        """Keep the cells of a batch; return False, for this batch and all after it, if one does not ascend."""
        integers = None if self._ends else _ascending(texts)
        if integers is None or integers[0] <= self._last:
            self._ends = True
            return False
        self._last = integers[-1]
        whole = range(integers[0], integers[-1] + 1)
        self._kept.append((rows, whole if len(whole) == len(integers) else array("Q", integers)))
        return True

    def batches(self) -> Iterator[tuple[PlacedRows, Iterator[bytes]]]:
        """Yield the kept batches with their fields."""
        for rows, integers in self._kept:
            yield rows, map(b"%d".__mod__, integers)


def _ascending(texts: Sequence[bytes]) -> list[int] | None:
    """Return fields as integers if they ascend and each is the canonical text of its integer, else None."""
    if not isinstance(texts, FieldBuffer) or not texts.is_full or texts.lines.translate(None, b"0123456789\n"):
        return None
    try:
        integers: list[int] = orjson.loads(b"[%b]" % texts.lines.replace(b"\n", b","))
    except orjson.JSONDecodeError:
        return None  # leading zeros
    # The reader gives integers from 2^64 on as doubles; they are larger than all others, so the last one shows them.
    if type(integers[-1]) is not int or not all(map(lt, integers, islice(integers, 1, None))):
        return None
    return integers
