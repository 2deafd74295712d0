"""Marks of a workbook: the cells to colour and to comment, and the lines of the list, from the faults of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pgdatahub.model.faults import Fault, FaultyCell
from pgdatahub.model.results import Failure
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.xlsx.addresses import parse_address
from pgdatahub.reports.marked.comments import Cell
from pgdatahub.reports.marked.wording import expectation
from pgdatahub.values.counting import count

MAX_COLOURED: Final = 10_000
"""Cells of a workbook that are coloured."""
MAX_COMMENTS: Final = 1_000
"""Cells of a workbook that get a comment."""

_HINTS_FOR_SENDERS: Final = frozenset({"values", "unique", "key", "missing-column", "unknown-column"})
"""Rules whose hints name a word or a cell; those of other rules name settings, and may quote a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the list: a faulty cell, or a fault without a cell.

    Attributes:
        sheet: The label of the sheet; empty for the whole file.
        cell: The address; empty for none.
        place: The cell as row and position; None for none.
        column: The header or the name of the column.
        rule: The broken rule.
        value: The text of the cell, if the settings show values.
        expected: A sentence about the expected content.
        position: The position of the sheet; None for no sheet.
    """

    sheet: str
    cell: str
    place: Cell | None
    column: str
    rule: str
    value: str
    expected: str
    position: int | None

    @property
    def is_cell(self) -> bool:
        """Return whether the line is about one cell of a sheet."""
        return self.position is not None and self.place is not None and bool(self.cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of a file, as a check or a run found them.

    Attributes:
        file: The file as the sender knows it: its path below the data root.
        faults: The faults.
        failure: The reason for which a run refuses the file, if any.
    """

    file: str
    faults: Sequence[Fault]
    failure: Failure | None = None

    @property
    def count(self) -> int:
        """The number of faults; one for a failure that names no cell."""
        return sum(fault.count for fault in self.faults) or 1

    @property
    def summary(self) -> str:
        """One sentence with the number of faults."""
        return f"pgdatahub found {count(self.count, 'fault')} in {self.file}"


def lines_of(faults: Faults, labels: Sequence[str]) -> list[Line]:
    """Return the lines of the list: faults of the file, then cells in the order of the workbook.

    Args:
        faults: The faults.
        labels: The labels of the sheets.
    """
    positions = {label: position for position, label in enumerate(labels)}
    lines = [line for fault in faults.faults for line in _lines(fault, positions)]
    if not faults.faults and faults.failure is not None:
        lines.append(_line_of(faults.failure))
    return sorted(lines, key=_order)


def _order(line: Line) -> tuple[int, tuple[int, int]]:
    return (-1 if line.position is None else line.position, line.place or (0, 0))


def _lines(fault: Fault, positions: Mapping[str, int]) -> Iterator[Line]:
    position = positions.get(fault.sheet)
    expected = expectation(fault)
    for cell in fault.cells or (FaultyCell(cell="", row=0, value=None, hint=None),):
        yield Line(
            sheet=fault.sheet,
            cell=cell.cell,
            place=_place(cell.cell),
            column=fault.header or fault.column,
            rule=fault.rule,
            value=cell.value or "",
            expected=f"{expected} ({cell.hint})" if cell.hint and fault.rule in _HINTS_FOR_SENDERS else expected,
            position=position,
        )
    left = fault.count - len(fault.cells)
    if fault.cells and left > 0:
        yield Line(
            sheet=fault.sheet,
            cell="",
            place=(DEFAULT_LIMITS.rows, 0),
            column=fault.header or fault.column,
            rule=fault.rule,
            value="",
            expected=f"{expected}; {count(left, 'further cell')} of this fault are not listed",
            position=position,
        )


def _place(cell: str) -> Cell | None:
    place = parse_address(cell)
    if place is None or place[0] > DEFAULT_LIMITS.rows or place[1] >= DEFAULT_LIMITS.columns:
        return None
    return place


def _line_of(failure: Failure) -> Line:
    text = f"{failure.message} ({failure.hint})" if failure.hint else failure.message
    where = failure.where or ""
    return Line(sheet="", cell="", place=None, column=where, rule="", value="", expected=text, position=None)


def cells_of(lines: Sequence[Line]) -> dict[int, dict[Cell, list[str]]]:
    """Return position of the sheet → cell → sentences, for the cells to colour: the first ones of the list."""
    found: dict[int, dict[Cell, list[str]]] = {}
    count = 0
    for line in lines:
        if not line.is_cell or line.position is None or line.place is None:
            continue
        cells = found.setdefault(line.position, {})
        if line.place not in cells:
            if count >= MAX_COLOURED:
                continue
            count += 1
            cells[line.place] = []
        if line.expected not in cells[line.place]:
            cells[line.place].append(line.expected)
    return found
