"""Evidence for a column's type: the cells of each kind, the first of them, and the largest integer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.values.cells import Kind
from pgdatahub.values.copytext import unescape
from pgdatahub.values.numbers import canonical_number
from pgdatahub.values.sql_types import SqlType, integer_type, join, join_all, widens_to

Locate = Callable[[int], str]
"""Index of a cell in a column → its address, such as ``Sheet1!D17``."""

SAMPLE_LENGTH = 40
"""Characters of a deciding value that are kept for the reader of a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Cells of one kind in a column.

    Attributes:
        count: How many.
        cell: The address of the first one.
        sample: What it says, cut.
    """

    count: int
    cell: str
    sample: str

    def join(self, other: Evidence) -> Evidence:
        """Return the evidence of both, the first cell being this one's."""
        return Evidence(count=self.count + other.count, cell=self.cell, sample=self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the cells of a column show of its type.

    Attributes:
        evidence: For each kind the cells of it.
        largest: The first of the integers with the largest absolute value, with its sign.
        largest_cell: Its address.
    """

    evidence: Mapping[Kind, Evidence] = field(default_factory=dict)
    largest: int = 0
    largest_cell: str = ""

    @property
    def type(self) -> SqlType:
        """The narrowest type that holds all the values."""
        return join_all(self.needs())

    @property
    def values(self) -> int:
        """How many cells had a value."""
        return sum(evidence.count for evidence in self.evidence.values())

    def needs(self) -> dict[SqlType, Evidence]:
        """Return the types that the values need, each with the cells that need it."""
        needs = {}
        for kind, evidence in self.evidence.items():
            if kind is Kind.INTEGER:
                needed = integer_type(abs(self.largest))
                if needed is not SqlType.INTEGER:
                    evidence = Evidence(
                        count=evidence.count,
                        cell=self.largest_cell,
                        sample=sample_of(canonical_number(self.largest)),
                    )
                needs[needed] = evidence
            else:
                needs[_NEEDS[kind]] = evidence
        return needs

    def deciding(self, current: SqlType) -> Evidence | None:
        """Return the cells that a column of type ``current`` cannot hold, None if it holds all.

        Of several kinds, the one whose type reaches furthest decides; of equals, the rarer one.
        """
        too_wide = {needed: evidence for needed, evidence in self.needs().items() if not widens_to(needed, current)}
        if not too_wide:
            return None
        wide = join_all([current, *too_wide])
        decisive = {needed: evidence for needed, evidence in too_wide.items() if join(current, needed) is wide}
        return min((decisive or too_wide).values(), key=lambda evidence: evidence.count)

    def join(self, other: Observed) -> Observed:
        """Return what both show together."""
        if not other.evidence:
            return self
        if not self.evidence:
            return other
        evidence = dict(self.evidence)
        for kind, more in other.evidence.items():
            known = evidence.get(kind)
            evidence[kind] = more if known is None else known.join(more)
        largest, largest_cell = (
            (other.largest, other.largest_cell)
            if abs(other.largest) > abs(self.largest) or not self.largest_cell
            else (self.largest, self.largest_cell)
        )
        return Observed(evidence=evidence, largest=largest, largest_cell=largest_cell)


_NEEDS: Final = {
    Kind.NUMBER: SqlType.DOUBLE,
    Kind.DECIMAL: SqlType.NUMERIC,
    Kind.BOOLEAN: SqlType.BOOLEAN,
    Kind.DATE: SqlType.DATE,
    Kind.TIMESTAMP: SqlType.TIMESTAMP,
    Kind.TIME: SqlType.TIME,
    Kind.INTERVAL: SqlType.INTERVAL,
    Kind.TEXT: SqlType.TEXT,
}

NOTHING: Final = Observed()
"""What a column without a value shows."""


def sample_of(text: bytes) -> str:
    """Return a deciding value for the reader of a plan, cut to :data:`SAMPLE_LENGTH` characters."""
    sample = unescape(text)
    return sample if len(sample) <= SAMPLE_LENGTH else sample[: SAMPLE_LENGTH - 1] + "…"
