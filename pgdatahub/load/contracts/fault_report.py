"""All faults of a file under a contract: exact counts, and the first cells of each fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias

from pgdatahub.errors import CellFault, ContractError, FaultKey
from pgdatahub.model.faults import MAX_CELLS_OF_A_FAULT, Fault, group_faults
from pgdatahub.values.counting import count

MAX_CELLS: Final = 10_000
"""Maximum number of cells that a report of a file lists."""

Found: TypeAlias = "tuple[tuple[int, int, int], CellFault]"
"""A cell's place (section, row, position) and its fault."""


@dataclass(slots=True)
class FaultReport:
    """The faults of the rows for one table."""

    counts: Counter[FaultKey] = field(default_factory=Counter)
    rows: int = 0
    """Rows read."""
    bad_rows: int = 0
    """Rows with a fault."""
    fails: bool = False
    """A fault fails the file."""
    _cells: dict[FaultKey, list[Found]] = field(default_factory=dict)
    _listed: int = 0

    def add(self, key: FaultKey, count: int, cells: Iterable[Found]) -> None:
        """Add cells of one fault, in the order of their rows.

        Args:
            key: The fault.
            count: The number of cells.
            cells: Yields them; only the first ones are taken.
        """
        self.counts[key] += count
        listed = self._cells.setdefault(key, [])
        room = min(count, MAX_CELLS_OF_A_FAULT - len(listed))
        if room > 0:
            listed += islice(cells, room)
            self._listed += room
        if self._listed > 2 * MAX_CELLS:
            self._cells = _grouped(self._first())
            self._listed = sum(map(len, self._cells.values()))

    def _first(self) -> list[Found]:
        """Return the first cells of the workbook, and the first one of each fault."""
        found = sorted((one for cells in self._cells.values() for one in cells), key=_place)
        firsts = [cells[0] for cells in self._cells.values()]
        late = {id(one) for one in found[MAX_CELLS:]}
        return found[:MAX_CELLS] + sorted((one for one in firsts if id(one) in late), key=_place)

    @property
    def faults(self) -> tuple[CellFault, ...]:
        """The first cells, in the order of the workbook."""
        return tuple(fault for _, fault in self._first())

    @property
    def grouped(self) -> tuple[Fault, ...]:
        """The faults with their first cells."""
        return group_faults(self.faults, counted=self.counts)


def _place(found: Found) -> tuple[int, int, int]:
    return found[0]


def _grouped(found: Iterable[Found]) -> dict[FaultKey, list[Found]]:
    cells: dict[FaultKey, list[Found]] = {}
    for one in found:
        fault = one[1]
        cells.setdefault(fault.key, []).append(one)
    return cells


def contract_error(reports: Sequence[FaultReport]) -> ContractError:
    """Return the error of a file with the faults of all its tables."""
    counts: Counter[FaultKey] = Counter()
    for report in reports:
        counts.update(report.counts)  # two tables on a sheet can have columns of one name
    total = sum(counts.values())
    bad, rows = sum(report.bad_rows for report in reports), sum(report.rows for report in reports)
    within = f" in {bad:,} of {count(rows, 'row')}" if bad else ""
    error = ContractError(
        f"{count(total, 'fault')}{within}; nothing was loaded", hint="correct the file, or the rules below columns:"
    )
    error.faults = tuple(fault for report in reports for fault in report.faults)
    error.counted = counts
    return error
