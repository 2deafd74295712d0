"""Search for the row that ends a table, by the text or the pattern that a setting names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pgdatahub.config.stop_rules import StopRule, parse_stop
from pgdatahub.errors import SheetError
from pgdatahub.model.batches import Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import may_hold, shown_cell


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFinder:
    """One rule for the end of a table.

    Attributes:
        rule: The rule.
        positions: The columns to search; None for all.
    """

    rule: StopRule
    positions: tuple[int, ...] | None

    def find(self, batch: Batch) -> int:
        """Return the index of the first row that the rule finds, all of which have a value; else the number of rows."""
        if self.rule.pattern is not None:
            return self._find_pattern(batch, self.rule.pattern)
        text = self.rule.text or ""
        # Without a header, the table's first column is unknown until the sheet is read: compare each row's first cell.
        positions = sorted(batch.columns) if self.positions is None else self.positions
        columns = [batch.columns[position] for position in positions if position in batch.columns]
        if not any(may_hold(column, text) for column in columns):
            return len(batch.rows)
        for index in range(len(batch.rows)):
            shown = next((found for column in columns if (found := shown_cell(column, index)[1])), "")
            if shown.strip().casefold() == text:
                return index
        return len(batch.rows)

    def _find_pattern(self, batch: Batch, pattern: str) -> int:
        search = re.compile(pattern, re.IGNORECASE).search
        positions = sorted(batch.columns) if self.positions is None else self.positions
        end = len(batch.rows)
        for position in positions:
            column = batch.columns.get(position)
            if column is None:
                continue
            for index in range(end):
                text = shown_cell(column, index)[1]
                if text and search(text):
                    end = index
                    break
        return end


def stop_finders(written: str | Sequence[str] | None, table: Table) -> list[StopFinder]:
    """Return the rules for the end of a table.

    Args:
        written: The setting.
        table: The table.

    Raises:
        SheetError: A rule names a header that the table does not have.
    """
    if written is None:
        return []
    first = min(table.headers, default=None)
    finders = []
    for rule in map(parse_stop, (written,) if isinstance(written, str) else written):
        positions: tuple[int, ...] | None = None if first is None or rule.pattern is not None else (first,)
        if rule.header is not None:
            key = rule.header.casefold()
            positions = tuple(
                position for position, header in table.headers.items() if header.strip().casefold() == key
            )
            if not positions:
                raise SheetError(
                    f"stop_at: {rule.written} names a header that the table does not have",
                    where=table.sheet,
                    hint=f"the headers are: {', '.join(list(table.headers.values())[:20])}",
                )
        finders.append(StopFinder(rule=rule, positions=positions))
    return finders
