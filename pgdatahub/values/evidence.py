"""Evidence for a column's type: the cells of each kind, the first of them, and the largest integer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pgdatahub.values.cells import Kind
from pgdatahub.values.copytext import unescape
from pgdatahub.values.numbers import canonical_number
from pgdatahub.values.printable import shortened
from pgdatahub.values.sql_types import SqlType, integer_type, join, join_all, widens_to

Locate = Callable[[int], str]
"""Index of a cell in a column → its address, such as ``Sheet1!D17``."""

SAMPLE_LENGTH = 40
"""Characters kept of a deciding value, for plans and reports."""
HIDDEN: Final = "(not shown)"
"""The sample of a value that the settings keep out of plans, reports and the history."""
_CLASS_BOUNDS: Final = (2**31 - 1, 2**53, 2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Cells of one kind in a column.

    Attributes:
        count: The number of cells.
        cell: The address of the first cell.
        sample: The value of the first cell, cut to :data:`SAMPLE_LENGTH`.
        is_largest: ``cell`` and ``sample`` are those of the largest integer, which decides alone, whatever the others are.
    """

    count: int
    cell: str
    sample: str
    is_largest: bool = False

    def join(self, other: Evidence) -> Evidence:
        """Return the sum of both, with the first cell of ``self``."""
        return Evidence(count=self.count + other.count, cell=self.cell, sample=self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Evidence of a column's cells for its type.

    Attributes:
        evidence: Kind → evidence of the cells of that kind.
        largest: The integer of largest absolute value, with its sign; the first of several.
        largest_cell: The address of that integer.
    """

    evidence: Mapping[Kind, Evidence] = field(default_factory=dict)
    largest: int = 0
    largest_cell: str = ""

    @property
    def type(self) -> SqlType:
        """The narrowest type that holds all values."""
        return join_all(self.needs())

    @property
    def values(self) -> int:
        """The number of cells with a value."""
        return sum(evidence.count for evidence in self.evidence.values())

    def needs(self) -> dict[SqlType, Evidence]:
        """Return each type that values need, with the evidence of those values."""
        needs = {}
        for kind, evidence in self.evidence.items():
            if kind is Kind.INTEGER:
                needed = integer_type(abs(self.largest))
                if needed is not SqlType.INTEGER:
                    evidence = Evidence(
                        count=evidence.count,
                        cell=self.largest_cell,
                        sample=HIDDEN if evidence.sample == HIDDEN else sample_of(canonical_number(self.largest)),
                        is_largest=True,
                    )
                needs[needed] = evidence
            else:
                needs[_NEEDS[kind]] = evidence
        return needs

    def deciding(self, current: SqlType) -> Evidence | None:
        """Return the evidence for cells that a column of type ``current`` cannot hold; None if it holds all.

        Of several kinds, the kind with the widest type decides; among equals, the rarer kind.
        """
        too_wide = {needed: evidence for needed, evidence in self.needs().items() if not widens_to(needed, current)}
        if not too_wide:
            return None
        wide = join_all([current, *too_wide])
        decisive = {needed: evidence for needed, evidence in too_wide.items() if join(current, needed) is wide}
        return min((decisive or too_wide).values(), key=lambda evidence: evidence.count)

    def without_samples(self) -> Observed:
        """Return the evidence without values: of the largest integer the bound of its class, which decides the type."""
        if not self.evidence:
            return self
        size = abs(self.largest)
        bound = next((bound for bound in _CLASS_BOUNDS if size <= bound), 2**63)
        return Observed(
            evidence={kind: replace(evidence, sample=HIDDEN) for kind, evidence in self.evidence.items()},
            largest=bound if Kind.INTEGER in self.evidence else 0,
            largest_cell=self.largest_cell,
        )

    def join(self, other: Observed) -> Observed:
        """Return the evidence of both columns together."""
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
"""Evidence of a column without values."""


def sample_of(text: bytes) -> str:
    """Return a field's text, cut to :data:`SAMPLE_LENGTH` characters."""
    return shortened(unescape(text), SAMPLE_LENGTH)
