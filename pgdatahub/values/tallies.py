"""Columns with tallies from reading: counts of each kind of cell, and the first cell of each kind.

The compiled core counts while it reads, so evidence for a column's type needs no second pass over the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, overload

from pgdatahub.values.cells import UNCACHED, ColumnTally, ErrorValue, Kind, Place, Value
from pgdatahub.values.column_values import VALUES
from pgdatahub.values.copytext import unescape
from pgdatahub.values.evidence import Evidence, Locate, Observed, sample_of
from pgdatahub.values.fields import FieldBuffer, buffer_of

EMPTY: Final = 0
"""The code of an empty cell."""
ERROR: Final = 9
"""The code of an error cell; the field is the error's name."""
UNCACHED_FORMULA: Final = 10
"""The code of a formula without a stored result; the field is not empty."""
KINDS: Final[Mapping[int, Kind]] = {
    1: Kind.INTEGER,
    2: Kind.NUMBER,
    3: Kind.BOOLEAN,
    4: Kind.DATE,
    5: Kind.TIMESTAMP,
    6: Kind.TIME,
    7: Kind.INTERVAL,
    8: Kind.TEXT,
}
"""The core's code → kind of a value."""
_NO_ISSUES: Final = bytes.maketrans(bytes([ERROR, UNCACHED_FORMULA]), bytes(2))


def observed_tally(fields: FieldBuffer, tally: ColumnTally, locate: Locate) -> Observed:
    """Return the evidence for a column's type; ``locate`` gives the address of a cell by its index."""
    evidence = {
        kind: Evidence(
            count=count,
            cell=locate(tally.firsts[kind].index),
            sample=sample_of(_field(fields, tally.firsts[kind])),
        )
        for kind, count in tally.counts.items()
    }
    if tally.largest is None:
        return Observed(evidence=evidence)
    largest = VALUES[Kind.INTEGER](_field(fields, tally.largest))
    if not isinstance(largest, int):
        raise TypeError(f"{largest!r} was counted as an integer")
    return Observed(evidence=evidence, largest=largest, largest_cell=locate(tally.largest.index))


def _field(fields: FieldBuffer, place: Place) -> bytes:
    lines = fields.lines
    end = lines.find(b"\n", place.at)
    return lines[place.at :] if end < 0 else lines[place.at : end]


class MixedColumn(Sequence[Value]):
    """A column of several kinds as fields; converts them to Python values on first use.

    Args:
        fields: The fields in canonical form.
        tally: The tally of the fields.
        codes: A code of :data:`KINDS` for each cell; a single byte if all cells have one kind.
        has_issues: The column has errors or formulas without a stored result, to which the folder's policies apply.
    """

    __slots__ = ("_codes", "_values", "fields", "has_issues", "tally")

    def __init__(self, fields: FieldBuffer, tally: ColumnTally, codes: bytes, *, has_issues: bool) -> None:
        self.fields = fields
        self.tally = tally
        self.has_issues = has_issues
        self._codes = codes
        self._values: list[Value] | None = None

    def issues(self) -> Iterator[tuple[int, Value]]:
        """Yield the index and the value of each error and of each formula without a stored result."""
        for index, code in enumerate(self._all_codes()):
            if code in (ERROR, UNCACHED_FORMULA):
                yield index, _value(code, self.fields[index])

    def without_issues(self) -> MixedColumn:
        """Return the column with empty cells instead of errors and formulas without a stored result."""
        codes = self._all_codes().translate(_NO_ISSUES)
        texts = [field if code else b"" for field, code in zip(self.fields, codes, strict=True)]
        ends = list(accumulate(len(text) + 1 for text in texts))

        def moved(place: Place) -> Place:
            return Place(index=place.index, at=ends[place.index - 1] if place.index else 0)

        tally = self.tally
        moved_tally = ColumnTally(
            counts=tally.counts,
            firsts={kind: moved(place) for kind, place in tally.firsts.items()},
            largest=moved(tally.largest) if tally.largest else None,
        )
        return MixedColumn(buffer_of(texts), moved_tally, codes, has_issues=False)

    def _all_codes(self) -> bytes:
        return self._codes if len(self._codes) == len(self.fields) else self._codes * len(self.fields)

    def _cells(self) -> list[Value]:
        if self._values is None:
            self._values = [_value(code, field) for code, field in zip(self._all_codes(), self.fields, strict=True)]
        return self._values

    @overload
    def __getitem__(self, index: int) -> Value: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Value]: ...

    def __getitem__(self, index: int | slice) -> Value | Sequence[Value]:
        """Return a cell's value, or a slice of the values."""
        return self._cells()[index]

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.fields)

    def __iter__(self) -> Iterator[Value]:
        """Iterate over the values."""
        return iter(self._cells())


def _value(code: int, field: bytes) -> Value:
    if not field:
        return None
    if code == ERROR:
        return ErrorValue(unescape(field))
    if code == UNCACHED_FORMULA:
        return UNCACHED
    # Digits without a point are an integer, unless the cell is a double beyond 2^53.
    return float(field) if KINDS[code] is Kind.NUMBER else VALUES[KINDS[code]](field)
