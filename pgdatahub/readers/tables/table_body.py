"""The rows below a header: their end, and the rows and columns left out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pgdatahub.model.batches import Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import column_selectors, cut, filled_rows, row_selectors, sieve
from pgdatahub.readers.tables.layout_counts import LayoutCounts
from pgdatahub.readers.tables.table_end import stop_finders
from pgdatahub.values.cells import column_letters

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions


class TableBody:
    """The rows below the header."""

    def __init__(
        self,
        table: Table,
        options: FolderOptions,
        counts: LayoutCounts,
        hidden_columns: frozenset[int],
        hidden_headers: frozenset[int],
    ) -> None:
        self._headers = table.headers
        self._options = options
        self._counts = counts
        self._hidden_columns = hidden_columns
        self._seen_hidden: set[int] = set()
        self._first_row = table.first_row
        self._last_row = self._first_row - 1  # the last row with a value so far
        self._begun = False
        self._ended = False
        self._stops = stop_finders(options.stop_at, table)
        self._count_hidden_columns(hidden_headers)

    def batches(self, source: Iterable[Batch], *, every: bool = False) -> Iterator[Batch]:
        """Yield the table's rows; with ``every``, a batch for each batch of ``source``."""
        for batch in source:
            rest = self._without_end(self._without_blank_rows(self._without_columns(self._without_top(batch))))
            if rest.rows:
                self._count_blank_rows(rest.rows)
                rest = self._without_hidden_rows(rest)
            if rest.rows or every:
                yield rest
        named = [stop.rule for stop in self._stops if not stop.rule.is_blank]
        if named and not self._ended:
            verb = "begins with" if all(rule.pattern is None for rule in named) else "matches"
            told = " or ".join(repr(rule.written) for rule in named)
            self._counts.notices.append(f"stop_at: no row {verb} {told}; all were taken")

    def _without_top(self, batch: Batch) -> Batch:
        """Leave out the rows that ``skip_rows`` names."""
        start = bisect_left(batch.rows, self._first_row) if batch.rows and batch.rows[0] < self._first_row else 0
        if not start:
            return batch
        skipped = filled_rows(cut(batch, 0, start))
        self._counts.add("skipped rows", len(skipped), f"row {skipped[0]}" if skipped else "")
        return cut(batch, start, len(batch.rows))

    def _without_columns(self, batch: Batch) -> Batch:
        """Leave out columns with neither header nor value, and hidden columns if the folder's settings skip them."""
        hidden = self._hidden_columns & batch.columns.keys()
        empty = {
            position
            for position in (batch.columns.keys() - self._headers.keys()) | hidden
            if not any(column_selectors(batch.columns[position]))
        }
        self._count_hidden_columns(hidden - empty)
        left_out = hidden if self._options.hidden == "skip" else frozenset[int]()
        left_out |= empty - self._headers.keys()
        if not left_out:
            return batch
        kept = {position: column for position, column in batch.columns.items() if position not in left_out}
        rest = batch.with_columns(kept)
        return replace(rest, filled=batch.filled) if left_out <= empty else rest

    def _without_blank_rows(self, batch: Batch) -> Batch:
        selectors = row_selectors(batch)
        return batch if all(selectors) else sieve(batch, selectors)

    def _without_end(self, batch: Batch) -> Batch:
        """Leave out the rows after the end of the table; all rows of ``batch`` have a value."""
        if not self._stops or not batch.rows:
            return batch
        end = 0 if self._ended else self._end(batch)
        if end < len(batch.rows):
            self._ended = True
            self._counts.add("rows below the end", len(batch.rows) - end, f"row {batch.rows[end]}")
            batch = cut(batch, 0, end)
        return batch

    def _end(self, batch: Batch) -> int:
        """Return the index of the first row that any rule finds; the number of rows if there is none."""
        blank = any(stop.rule.is_blank for stop in self._stops)
        ends = [stop.find(batch) for stop in self._stops if not stop.rule.is_blank]
        return min([*ends, self._blank_row(batch.rows) if blank else len(batch.rows)])

    def _blank_row(self, rows: Sequence[int]) -> int:
        last = self._last_row if self._begun else rows[0] - 1
        if rows[-1] - last == len(rows):
            return len(rows)
        return next(index for index, row in enumerate(rows) if row != last + 1 + index)

    def _count_blank_rows(self, rows: Sequence[int]) -> None:
        blank = rows[-1] - self._last_row - len(rows)
        if blank:
            before = chain((self._last_row,), rows)
            first = next(previous + 1 for previous, row in zip(before, rows, strict=False) if row != previous + 1)
            self._counts.add("blank rows", blank, f"row {first}")
        self._last_row = rows[-1]
        self._begun = True

    def _without_hidden_rows(self, batch: Batch) -> Batch:
        if not batch.hidden_rows:
            return batch
        hidden = batch.hidden_rows.intersection(batch.rows)
        self._counts.add("hidden rows", len(hidden), f"row {min(hidden, default=0)}")
        if self._options.hidden == "load":
            return replace(batch, hidden_rows=hidden)
        batch = replace(batch, hidden_rows=frozenset())
        return sieve(batch, [row not in hidden for row in batch.rows]) if hidden else batch

    def _count_hidden_columns(self, hidden: frozenset[int]) -> None:
        for position in sorted(hidden - self._seen_hidden):
            self._seen_hidden.add(position)
            self._counts.add("hidden columns", 1, f"column {column_letters(position)}")
