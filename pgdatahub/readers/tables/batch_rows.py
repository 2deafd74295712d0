"""Rows of batches: cutting, filtering, and the search for cells with a value, by whole columns where possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from operator import not_

from pgdatahub.model.workbooks import Batch
from pgdatahub.values.cells import UNCACHED, Column, ErrorValue, InvalidValue, Kind, TextColumn
from pgdatahub.values.copytext import escape, unescape
from pgdatahub.values.fields import FieldBuffer
from pgdatahub.values.numbers import canonical_number, parse_number
from pgdatahub.values.python_values import type_value
from pgdatahub.values.tallies import MixedColumn


def cut(batch: Batch, start: int, stop: int) -> Batch:
    """Return the rows from index ``start`` up to ``stop``."""
    if start >= stop:  # a slice would make single fields of all columns
        return Batch(rows=(), columns={})
    return batch if start == 0 and stop == len(batch.rows) else batch.slice(start, stop)


def text_bytes(batch: Batch) -> int:
    """Return the size of the texts of a batch, in characters where a column has values."""
    return sum(map(_text_bytes, batch.columns.values()))


def _text_bytes(column: Column) -> int:
    if not isinstance(column, TextColumn):
        return sum(len(value) for value in column if isinstance(value, str))
    if column.kind is not Kind.TEXT:
        return 0
    return len(column.texts.lines) if isinstance(column.texts, FieldBuffer) else sum(map(len, column.texts))


def sieve(batch: Batch, selectors: Sequence[object]) -> Batch:
    """Return the rows whose selector is true."""
    columns: dict[int, Column] = {
        position: TextColumn(kind=column.kind, texts=list(compress(column.texts, selectors)))
        if isinstance(column, TextColumn)
        else list(compress(column, selectors))
        for position, column in batch.columns.items()
    }
    return replace(batch, rows=tuple(compress(batch.rows, selectors)), columns=columns)


def column_selectors(column: Column) -> Sequence[object]:
    """Return a true object for each cell with a value and a false object for each empty cell."""
    if isinstance(column, TextColumn | MixedColumn):
        texts = column.texts if isinstance(column, TextColumn) else column.fields
        if not isinstance(texts, FieldBuffer):
            return texts
        return (True,) * len(column) if texts.is_full else list(texts)
    kinds = set(map(type, column))
    if type(None) not in kinds and not any(issubclass(kind, str) for kind in kinds):
        return (True,) * len(column)
    return [value is not None and not (isinstance(value, str) and not value.strip()) for value in column]


def row_selectors(batch: Batch) -> Sequence[object]:
    """Return a true object for each row with a value and a false object for each empty row.

    Most first columns have no empty cell, and then the other columns are not examined. A row is not examined after its first
    value either. Of a sparse sheet nearly all cells would be examined, so a reader that knows its rows tells.
    """
    if batch.filled:
        return (True,) * len(batch.rows)
    empty: Sequence[int] = range(len(batch.rows))
    for position in sorted(batch.columns):
        if not empty:
            break
        selectors = column_selectors(batch.columns[position])
        if isinstance(empty, range):
            empty = list(compress(empty, map(not_, selectors)))
        else:
            empty = [index for index in empty if not selectors[index]]
    filled = [True] * len(batch.rows)
    for index in empty:
        filled[index] = False
    return filled


def filled_rows(batch: Batch) -> list[int]:
    """Return the numbers of the rows with a value."""
    return list(compress(batch.rows, row_selectors(batch)))


def may_hold(column: Column, text: str) -> bool:
    """Return whether a cell of ``column`` may be the casefolded ``text``: a quick test with false positives only."""
    if not isinstance(column, TextColumn):
        return True
    if column.kind is Kind.NUMBER:
        return any(map(str.isdigit, text))
    return escape(text).decode() in b"\n".join(column.texts).decode().casefold()


def shown_cell(column: Column, index: int) -> tuple[Kind | None, str]:
    """Return the kind and the canonical text of a cell; ``(None, "")`` for an empty cell; an error's kind is None."""
    if not isinstance(column, TextColumn):
        value = column[index]
        if value is UNCACHED:
            return None, UNCACHED.value
        if isinstance(value, InvalidValue):
            return None, value.fault
        kind, text = type_value(value)
        return (None if isinstance(value, ErrorValue) else kind), unescape(text)
    text = column.texts[index]
    if column.kind is Kind.NUMBER and text:
        number = parse_number(text)
        return (Kind.INTEGER if isinstance(number, int) else Kind.NUMBER), canonical_number(number).decode()
    return (column.kind if text else None), unescape(text)
