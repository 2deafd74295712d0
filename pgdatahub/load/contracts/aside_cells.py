"""Cells of a row as the reader gave them: canonical text and kind, from which the row can be made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from pgdatahub.model.workbooks import Batch
from pgdatahub.values.cells import UNCACHED, ErrorValue, InvalidValue, Kind, TextColumn, Value
from pgdatahub.values.column_values import VALUES
from pgdatahub.values.copytext import unescape
from pgdatahub.values.python_values import type_value

LETTERS: Final[Mapping[Kind, str]] = {
    Kind.INTEGER: "i",
    Kind.NUMBER: "n",
    Kind.DECIMAL: "m",
    Kind.BOOLEAN: "b",
    Kind.DATE: "d",
    Kind.TIMESTAMP: "s",
    Kind.TIME: "t",
    Kind.INTERVAL: "v",
    Kind.TEXT: "x",
}
"""Kind → its letter in ``etl_quarantine.kinds``; an error is ``e``, a formula without a value ``u``, another number ``r``."""
_KINDS: Final = {letter: kind for kind, letter in LETTERS.items()}


def cells_of_row(batch: Batch, index: int, name_of: Callable[[int], str | None]) -> tuple[dict[str, str], str]:
    """Return the cells of a row by the name of their column, and a letter for each, both in the order of the names.

    Args:
        batch: The rows as read.
        index: The row.
        name_of: Returns the name of the column at a position; None leaves the column out.
    """
    found = {}
    for position in batch.columns:
        name = name_of(position)
        if name is None:
            continue
        letter, text = cell_of(batch, position, index)
        if letter:
            found[name] = (letter, text)
    ordered = sorted(found.items(), key=lambda item: item[0].encode())
    return {name: text for name, (_, text) in ordered}, "".join(letter for _, (letter, _) in ordered)


def cell_of(batch: Batch, position: int, index: int) -> tuple[str, str]:
    """Return the letter of a cell's kind and its text; two empty texts for an empty cell."""
    cells = batch.columns[position]
    if isinstance(cells, TextColumn):
        field = cells.texts[index]
        if not field:
            return "", ""
        return letter_of(VALUES[cells.kind](field))
    return letter_of(cells[index])


def letter_of(value: Value) -> tuple[str, str]:
    """Return the letter of a value's kind and its text; two empty texts for an empty cell."""
    if isinstance(value, ErrorValue):
        return "e", value.code
    if isinstance(value, InvalidValue):
        return "r", value.text or value.fault
    if value is UNCACHED:
        return "u", ""
    try:
        kind, field = type_value(value)
    except OverflowError as error:
        return "r", str(error)
    return (LETTERS[kind], unescape(field)) if kind is not None else ("", "")


def value_of(letter: str, text: str) -> Value:
    """Return the value of a cell in ``etl_quarantine``."""
    if letter == "e":
        return ErrorValue(text)
    if letter == "u":
        return UNCACHED
    if letter == "r":
        return InvalidValue(f'the number "{text}" is beyond the range of a double')
    kind = _KINDS[letter]
    if kind is Kind.DATE:
        return date.fromisoformat(text)
    return text if kind is Kind.TEXT else VALUES[kind](text.encode())
