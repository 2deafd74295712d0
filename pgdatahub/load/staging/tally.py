"""Running totals of a file over its batches: columns, rows, counts, notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pgdatahub.model.batches import NormalizedBatch
from pgdatahub.model.schema import ColumnSchema, observed_column


@dataclass(slots=True, kw_only=True)
class Tally:
    """The sum of all batches so far, of a file or of one sheet.

    Attributes:
        columns: By name, in the order of the sheet, even if a column shows its first value in a late batch.
        rows: The number of rows.
        counts: Change of cells and rows → number of times.
        examples: Change of cells and rows → place of the first.
    """

    columns: dict[str, ColumnSchema] = field(default_factory=dict)
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    _notices: dict[str, None] = field(default_factory=dict)

    @property
    def notices(self) -> tuple[str, ...]:
        """Messages for the user, each once."""
        return tuple(self._notices)

    def add(self, batch: NormalizedBatch) -> None:
        """Add a batch."""
        late = []
        for column in batch.columns:
            known = self.columns.get(column.name)
            if known is None:
                late.append(column.name)
                self.columns[column.name] = observed_column(
                    name=column.name,
                    header=column.header,
                    observed=column.observed,
                    configured_type=column.configured_type,
                    created_as=column.created_as,
                    description=column.description,
                )
            else:
                self.columns[column.name] = known.observing(
                    column.observed, header=column.header, configured_type=column.configured_type
                )
        if late and len(late) < len(self.columns):
            self._put_in_order([column.name for column in batch.columns], frozenset(late))
        self.rows += batch.rows
        self.count(batch.counts, batch.examples)
        self.note(batch.notices)

    def _put_in_order(self, names: Sequence[str], late: frozenset[str]) -> None:
        """Move each name of ``late`` to its position in ``names``: behind a known name, else before the first."""
        known = [name for name in names if name not in late]
        if not known:
            return
        behind: dict[str, list[str]] = {}
        before: list[str] = []
        latest = before
        for name in names:
            if name in late:
                latest.append(name)
            else:
                latest = behind.setdefault(name, [])
        order = []
        for name in self.columns:
            if name not in late:
                order += [*(before if name == known[0] else ()), name, *behind.get(name, ())]
        self.columns = {name: self.columns[name] for name in order}

    def count(self, counts: Mapping[str, int], examples: Mapping[str, str]) -> None:
        """Add counts, and the place of the first occurrence of each."""
        for key, number in counts.items():
            self.counts[key] = self.counts.get(key, 0) + number
            if key in examples:
                self.examples.setdefault(key, examples[key])

    def note(self, notices: Iterable[str]) -> None:
        """Add notices."""
        self._notices.update(dict.fromkeys(notices))
