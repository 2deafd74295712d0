"""Faults of a file: the cells that keep it from being loaded, grouped by sheet, column and rule.

The JSON form is the same in ``etl_failures.faults``, ``run --format json`` and ``plan --format json``::

    [{"sheet", "column", "header", "rule", "expected", "count", "truncated", "cells": [{"cell", "row", "value", "hint"}]}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from pgdatahub.errors import CellFault, FaultKey

MAX_CELLS_OF_A_FAULT: Final = 1000
"""Maximum number of cells that one fault lists; its count is exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyCell:
    """One cell of a fault; ``row`` counts from 1 and is 0 if unknown."""

    cell: str
    row: int
    value: str | None
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Cells of one column that violate one rule.

    Attributes:
        sheet: The sheet.
        column: The column's SQL name; empty if it has none yet.
        header: Its header as written, if any.
        rule: The rule: ``type``, ``error``, ``uncached``, ``number``, or a rule of a contract.
        expected: The expected value, such as ``INTEGER``.
        count: The number of cells found.
        truncated: There may be more cells, since the search ended early, or since ``cells`` is cut.
        cells: The cells in the order of the sheet.
    """

    sheet: str
    column: str
    header: str | None
    rule: str
    expected: str | None
    count: int
    truncated: bool
    cells: tuple[FaultyCell, ...]

    @property
    def key(self) -> FaultKey:
        """The key of its cells; see :class:`~pgdatahub.errors.CellFault`."""
        return self.sheet, self.column, self.rule, self.expected


def group_faults(
    faults: Iterable[CellFault], *, counted: Mapping[FaultKey, int] | None = None, search_ended_early: bool = False
) -> tuple[Fault, ...]:
    """Return single faults grouped by sheet, column and rule, in the order of their first cells.

    Args:
        faults: The cells.
        counted: The number of cells of a fault, if ``faults`` has only the first ones.
        search_ended_early: The reading stopped before the end of the file.
    """
    counts = counted or {}
    groups: dict[FaultKey, list[CellFault]] = {}
    for fault in faults:
        groups.setdefault(fault.key, []).append(fault)
    return tuple(
        Fault(
            sheet=sheet,
            column=column,
            header=group[0].header,
            rule=rule,
            expected=expected,
            count=(count := counts.get((sheet, column, rule, expected), len(group))),
            truncated=search_ended_early or count > min(len(group), MAX_CELLS_OF_A_FAULT),
            cells=tuple(
                FaultyCell(cell=one.cell, row=one.row, value=one.value, hint=one.hint)
                for one in group[:MAX_CELLS_OF_A_FAULT]
            ),
        )
        for (sheet, column, rule, expected), group in groups.items()
    )


def together(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults of several tables, each once: two tables on one sheet can have columns of one name."""
    found: dict[FaultKey, Fault] = {}
    for fault in faults:
        known = found.get(fault.key)
        if known is not None:
            cells = known.cells + fault.cells
            fault = replace(
                known,
                count=known.count + fault.count,
                truncated=known.truncated or fault.truncated or len(cells) > MAX_CELLS_OF_A_FAULT,
                cells=cells[:MAX_CELLS_OF_A_FAULT],
            )
        found[fault.key] = fault
    return tuple(found.values())


def faults_to_json(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Return faults as JSON values."""
    return [{**asdict(fault), "cells": [asdict(cell) for cell in fault.cells]} for fault in faults]


def faults_from_json(content: Iterable[dict[str, Any]]) -> tuple[Fault, ...]:
    """Return the faults in JSON values of :func:`faults_to_json`."""
    return tuple(Fault(**{**entry, "cells": tuple(FaultyCell(**cell) for cell in entry["cells"])}) for entry in content)
