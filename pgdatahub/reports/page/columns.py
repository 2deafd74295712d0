"""Entries of columns, from the history, the server's statistics, and a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pgdatahub.model.change_phrases import type_label
from pgdatahub.model.imports import ChangeRow
from pgdatahub.model.schema import RESERVED_COLUMNS
from pgdatahub.postgres.history.column_history import ImportedColumn
from pgdatahub.postgres.tables.column_estimates import ColumnEstimate
from pgdatahub.postgres.tables.column_scan import ColumnCount, Family, family_of
from pgdatahub.postgres.tables.table_facts import ColumnFacts
from pgdatahub.reports.page.content import ColumnEntry, Share
from pgdatahub.reports.page.histogram import counted_histogram, estimated_extremes, estimated_histogram
from pgdatahub.values.evidence import HIDDEN

_LONGEST: Final = 60
"""The most characters of a value."""
_BOOLEANS: Final = {"t": "true", "f": "false"}
_COMMON: Final = 5
"""The most common values of a text column that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSources:
    """Facts for the columns of a table.

    Attributes:
        imported: Column → the facts of its loaded imports.
        rows: The rows of these imports.
        deciding: Column → the change that gave it its type.
        descriptions: Column → its description.
        key: The columns of the key.
        estimates: Column → estimate.
        counts: Column → counted figures.
        counted_rows: The rows that were counted.
        shows_values: Values of numbers, dates and booleans are shown.
        shows_texts: Values of texts are shown too.
    """

    imported: Mapping[str, ImportedColumn]
    rows: int
    deciding: Mapping[str, ChangeRow]
    descriptions: Mapping[str, str]
    key: Sequence[str]
    estimates: Mapping[str, ColumnEstimate]
    counts: Mapping[str, ColumnCount]
    counted_rows: int
    shows_values: bool
    shows_texts: bool

    def shows(self, family: Family) -> bool:
        """Return whether values of a type are shown."""
        return self.shows_values and (family.is_shown or self.shows_texts)

    def entry(self, facts: ColumnFacts) -> ColumnEntry:
        """Return the entry of a column."""
        family = family_of(facts.type)
        imported = self.imported.get(facts.name)
        change = self.deciding.get(facts.name)
        known = change if change is not None and change.new_type == facts.type else None
        entry = ColumnEntry(
            name=facts.name,
            header=imported.header if imported is not None else None,
            description=self.descriptions.get(facts.name),
            type=type_label(facts.type),
            key=facts.name in self.key,
            cell=known.cell if known is not None else None,
            sample=shown_sample(known, shows=self.shows(family)) if known is not None else None,
        )
        if facts.name in RESERVED_COLUMNS:
            return entry
        if facts.name in self.counts:
            return self._counted(entry, family, self.counts[facts.name])
        if facts.name in self.estimates:
            return self._estimated(entry, family, self.estimates[facts.name])
        return replace(entry, nulls=self._nulls_by_imports(facts.name))

    def _nulls_by_imports(self, name: str) -> Share | None:
        imported = self.imported.get(name)
        if imported is None or not self.rows:
            return None
        return Share(value=min(max(1 - imported.values / self.rows, 0.0), 1.0), source="imports")

    def _counted(self, entry: ColumnEntry, family: Family, count: ColumnCount) -> ColumnEntry:
        rows = self.counted_rows
        return replace(
            entry,
            nulls=Share(value=1 - count.values / rows, source="counted") if rows else None,
            distinct=count.distinct,
            low=_short(family, count.low),
            high=_short(family, count.high),
            lengths=(count.shortest, count.longest)
            if count.shortest is not None and count.longest is not None
            else None,
            true=count.true,
            histogram=counted_histogram(family, count.bins) if count.bins is not None else None,
        )

    def _estimated(self, entry: ColumnEntry, family: Family, estimate: ColumnEstimate) -> ColumnEntry:
        by_imports = self._nulls_by_imports(entry.name)
        low, high = estimated_extremes(family, estimate)
        return replace(
            entry,
            nulls=by_imports or Share(value=estimate.nulls, source="estimated"),
            distinct=estimate.distinct,
            estimated=True,
            low=_short(family, low),
            high=_short(family, high),
            common=_common(family, estimate),
            histogram=estimated_histogram(family, estimate),
        )


def shown_sample(change: ChangeRow, *, shows: bool) -> str | None:
    """Return the value of a change's deciding cell if it is shown."""
    return change.sample if shows and change.sample != HIDDEN else None


def _common(family: Family, estimate: ColumnEstimate) -> tuple[tuple[str, float], ...]:
    """Return the most common values of a type that has no histogram."""
    if family is Family.BOOLEAN:
        return tuple((_BOOLEANS.get(value, value), share) for value, share in estimate.common)
    if family is not Family.TEXT:
        return ()
    return tuple((_short(family, value) or "", share) for value, share in estimate.common[:_COMMON])


def _short(family: Family, text: str | None) -> str | None:
    """Return a value as text, a moment without the fraction of its second, a long text cut."""
    if text is None or family is not Family.MOMENT:
        return text if text is None or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return text.partition(".")[0]
