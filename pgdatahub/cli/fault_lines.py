"""Faults under a contract as lines of text: a line for each sheet, column and rule, with its first cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.model.failures import FailureRow
    from pgdatahub.model.faults import Fault, FaultyCell
    from pgdatahub.model.results import Failure

_CELLS: Final = 5
"""Cells of a fault that are shown."""
_FAULTS: Final = 20
"""Faults of a file that are shown; JSON has all."""
_TEXTS: Final = {
    "type": ("is not a valid {expected}", "are not a valid {expected}"),
    "values": ("is not one of {expected}", "are not one of {expected}"),
    "pattern": ("does not match {expected}", "do not match {expected}"),
    "min": ("is below {expected}", "are below {expected}"),
    "max": ("is above {expected}", "are above {expected}"),
    "required": ("is empty", "are empty"),
    "unique": ("has a value that is there twice", "have a value that is there twice"),
    "key": ("has a key ({expected}) that is there twice", "have a key ({expected}) that is there twice"),
    "key-length": ("has a key longer than {expected}", "have a key longer than {expected}"),
    "error": ("shows an error", "show an error"),
    "uncached": ("is a formula without a computed value", "are formulas without a computed value"),
    "number": ("is a number that no column can hold", "are numbers that no column can hold"),
}
RULES: Final = {
    "type": "A value does not fit the type of its column",
    "values": "A value is not one of the listed values",
    "pattern": "A value does not match the pattern of its column",
    "min": "A value is below the smallest value of its column",
    "max": "A value is above the largest value of its column",
    "required": "A cell of a required column is empty",
    "unique": "A value of a unique column is there twice",
    "key": "A key is there twice",
    "key-length": "A key is too long",
    "error": "A cell shows an error",
    "uncached": "A formula has no computed value",
    "number": "A number is too large for each type of number",
    "missing-column": "A required column is missing",
    "unknown-column": "A column is not listed below columns:",
    "min-rows": "A file has too few rows",
    "max-rows": "A file has too many rows",
    "max-bad": "Too many rows of a file have a fault",
    "quarantine-limit": "More rows have a fault than can be set aside",
}
"""A sentence for each rule."""
_OF_THE_FILE: Final = {
    "missing-column": "the column is missing",
    "unknown-column": "no entry below columns: means this column",
    "min-rows": "the file has too few rows",
    "max-rows": "the file has too many rows",
    "max-bad": "too many rows have a fault",
    "quarantine-limit": "more rows have a fault than can be set aside",
}


def lines_of_failure(failure: Failure | FailureRow, *, most: int = _FAULTS) -> list[str]:
    """Return the lines below the failure of a file that breaks its contract; none for other failures, which name cells."""
    return fault_lines(failure.faults, most=most) if failure.kind == "ContractError" else []


def fault_lines(faults: Sequence[Fault], *, most: int = _FAULTS) -> list[str]:
    """Return a line for each of the first faults, and one that counts the others."""
    lines = [_line(fault) for fault in faults[:most]]
    if len(faults) > most:
        lines.append(f"and {len(faults) - most:,} more; --format json shows all")
    return lines


def fault_text(fault: Fault) -> str:
    """Return the rule that cells break, with their number: ``7 cells are not one of open, paid``."""
    if fault.rule in _OF_THE_FILE:
        numbers = f": {fault.cells[0].value}, {fault.expected}" if fault.cells and fault.expected else ""
        return _OF_THE_FILE[fault.rule] + numbers
    one, several = _TEXTS.get(fault.rule, ("breaks the rule", "break the rule"))
    return count(fault.count, "cell", *(text.format(expected=fault.expected) for text in (one, several)))


def _line(fault: Fault) -> str:
    subject = fault.header or fault.column
    start = f"{subject} ({fault.rule}): " if subject else f"{fault.rule}: "
    cells = ", ".join(filter(None, map(_cell, fault.cells[:_CELLS])))
    more = " …" if fault.count > _CELLS else ""
    place = f"{fault.sheet} › {cells}" if fault.sheet and cells and fault.cells[0].cell else fault.sheet or ""
    if fault.rule in _OF_THE_FILE and fault.cells and fault.cells[0].hint:
        place += f" ({fault.cells[0].hint})" if not cells else ""
    return f"{start}{fault_text(fault)}" + (f": {place}{more}" if place else "")


def _cell(cell: FaultyCell) -> str:
    if not cell.cell:
        return ""
    value = f' "{cell.value}"' if cell.value is not None else ""
    hint = f" ({cell.hint})" if cell.hint else ""
    return f"{cell.cell}{value}{hint}"
