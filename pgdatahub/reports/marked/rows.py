"""Rows of a workbook with faulty cells, read for a new workbook."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch, Workbook, sheet_labels
from pgdatahub.reports.marked.marks import Faults, Line, cells_of, lines_of
from pgdatahub.values.cells import ErrorValue, InvalidValue, TextColumn, Uncached
from pgdatahub.values.copytext import unescape
from pgdatahub.values.python_values import canonical_text

_BATCH: Final = 1_000
_MAX_CHARACTERS: Final = 32 * 1024 * 1024
"""Characters of all rows; a new workbook is for looking at, not for data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRows:
    """The rows of one sheet: the first one with a value, and those with faults.

    Attributes:
        label: The label of the sheet.
        rows: Number of the row → position of the column → text.
        bad: Number of the row → positions of the cells to colour.
    """

    label: str
    rows: Mapping[int, Mapping[int, str]]
    bad: Mapping[int, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """The faults of a workbook with its rows; ``complete`` is False where rows are left out."""

    lines: list[Line]
    sheets: Mapping[int, FoundRows]
    complete: bool


def read_rows(open_workbook: Callable[[], Workbook], faults: Faults, *, with_rows: bool) -> ReadRows:
    """Read the rows with faults; a file that cannot be read has none.

    Args:
        open_workbook: Opens the workbook.
        faults: The faults.
        with_rows: The settings show values.
    """
    if not faults.faults:
        return ReadRows(lines=lines_of(faults, ()), sheets={}, complete=True)
    try:
        with closing(open_workbook()) as workbook:
            labels = sheet_labels(workbook.sheets)
            lines = lines_of(faults, labels)
            sheets: dict[int, FoundRows] = {}
            left = _MAX_CHARACTERS
            for position, cells in cells_of(lines).items() if with_rows else ():
                bad: dict[int, set[int]] = {}
                for row, column in cells:
                    bad.setdefault(row, set()).add(column)
                rows = _rows_of(workbook, position, frozenset(bad), left)
                left -= sum(len(text) for one in rows.values() for text in one.values())
                frozen = {row: frozenset(columns) for row, columns in bad.items()}
                sheets[position] = FoundRows(label=labels[position], rows=rows, bad=frozen)
            return ReadRows(lines=lines, sheets=sheets, complete=left > 0)
    except FileError:
        return ReadRows(lines=lines_of(faults, ()), sheets={}, complete=False)


def _rows_of(workbook: Workbook, position: int, wanted: frozenset[int], most: int) -> dict[int, dict[int, str]]:
    """Return the texts of the first row with a value, and of the wanted rows, up to a number of characters."""
    found: dict[int, dict[int, str]] = {}
    left, last = most, max(wanted)
    batches = workbook.open(position).batches(_BATCH)
    try:
        for batch in batches:
            for index, row in enumerate(batch.rows):
                if found and row not in wanted:
                    continue
                texts = dict(_texts(batch, index))
                if not texts and row not in wanted:
                    continue
                left -= sum(map(len, texts.values()))
                if left < 0:
                    return found
                found[row] = texts
            if batch.rows and batch.rows[-1] >= last:
                break
    finally:
        if isinstance(batches, Generator):
            batches.close()
    return found


def _texts(batch: Batch, index: int) -> Iterator[tuple[int, str]]:
    for position, column in batch.columns.items():
        if isinstance(column, TextColumn):
            text = unescape(column.texts[index])
        else:
            value = column[index]
            if isinstance(value, ErrorValue):
                text = value.code
            elif isinstance(value, InvalidValue):
                text = value.text or ""
            else:
                text = "" if isinstance(value, Uncached) else canonical_text(value)
        if text:
            yield position, text
