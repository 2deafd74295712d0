"""Remarks on doubtful rows and columns of a CSV file: rows of other lengths, and numbers that are written as texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pgdatahub import cell_address
from pgdatahub_read_csv.values import Scalar

MAX_NAMED: Final = 3
_NUMBER_LIKE: Final = re.compile(r"[+-]?(?:\d{1,3}(?:[.,' ]\d{3})+|\d{1,40})(?:[.,]\d{1,40})?", re.ASCII)
_CODE: Final = re.compile(r"0\d+|\d+", re.ASCII)  # 007: a code, which no setting should turn into a number


@dataclass(slots=True)
class _Texts:
    """Cells of a column that look like numbers and are texts."""

    filled: int = 0
    numbers: int = 0
    alike: int = 0
    first: str = ""


class Remarks:
    """Counts of doubtful rows and columns."""

    def __init__(self) -> None:
        self._usual = 0
        self._long: tuple[int, int] = (0, 0)
        self._short: tuple[int, int] = (0, 0)
        self._columns: dict[int, _Texts] = {}

    def widths(self, first: int, rows: Sequence[Sequence[str]]) -> None:
        """Count the rows that are longer or shorter than most rows of the first batch, after the first one of that length."""
        lengths = list(map(len, rows))
        if set(lengths) <= {self._usual, 0}:
            return
        start = 0
        if not self._usual:
            counts = Counter(length for length in lengths if length)
            if not counts:
                return
            self._usual = counts.most_common(1)[0][0]
            start = lengths.index(self._usual)
        for index in range(start, len(rows)):
            length = lengths[index]
            if length > self._usual and any(rows[index][self._usual :]):
                self._long = (self._long[0] + 1, self._long[1] or first + index)
            elif 0 < length < self._usual:
                self._short = (self._short[0] + 1, self._short[1] or first + index)

    def column(self, position: int, first: int, values: Sequence[Scalar]) -> None:
        """Count the cells of a column that look like numbers and are texts."""
        known = self._columns.setdefault(position, _Texts())
        texts = [value for value in values if type(value) is str]
        filled = len(values) - values.count(None)
        known.filled += filled
        known.numbers += filled - len(texts)
        alike = {text for text in set(texts) if _NUMBER_LIKE.fullmatch(text) and not _CODE.fullmatch(text)}
        if alike:
            known.alike += sum(text in alike for text in texts)
            if not known.first:
                index = next(index for index, value in enumerate(values) if value in alike)
                known.first = f'"{values[index]}" in {cell_address(first + index, position)}'

    def notices(self) -> Iterator[str]:
        """Yield the notices to the user."""
        for (count, first), kind, advice in (
            (self._long, "more", "; is a delimiter in them not quoted?"),
            (self._short, "fewer", "; missing cells are empty"),
        ):
            if count:
                rows = "1 row has" if count == 1 else f"{count:,} rows have"
                yield f"{rows} {kind} cells than the {self._usual} of most rows (first: row {first}){advice}"
        # All cells but the headers.
        doubtful = [one for one in self._columns.values() if one.alike and one.numbers + one.alike >= one.filled - 3]
        if doubtful:
            named = ", ".join(one.first for one in doubtful[:MAX_NAMED])
            more = f" and {len(doubtful) - MAX_NAMED} more" if len(doubtful) > MAX_NAMED else ""
            columns = "1 column has" if len(doubtful) == 1 else f"{len(doubtful)} columns have"
            yield f"{columns} numbers that stay texts, as they are written: {named}{more}; type: numeric makes them numbers"
