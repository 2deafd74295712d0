"""Cells that are emptied: texts that mean an empty cell, and cells by index."""

from __future__ import annotations

from collections.abc import Container

from pgdatahub.values.cells import Column, Kind, TextColumn
from pgdatahub.values.copytext import escape
from pgdatahub.values.numbers import canonical_number, parse_value
from pgdatahub.values.python_values import type_value


def without_nulls(cells: Column, nulls: frozenset[str]) -> Column:
    """Empty the cells whose text is one of ``nulls``; the text of a number, a date … is its canonical one."""
    fields = {escape(null) for null in nulls}
    if not isinstance(cells, TextColumn):
        return [None if type_value(value)[1] in fields else value for value in cells]
    if cells.kind is Kind.NUMBER:
        # No number's text is another's than digits; as found it may have an exponent or zeros at its end.
        numeric = {field for field in fields if field[-1:].isdigit()}
        empty = (
            {text for text in set(cells.texts) if text and canonical_number(parse_value(text)) in numeric}
            if numeric
            else set()
        )
    else:
        empty = fields.intersection(cells.texts)
    if not empty:
        return cells
    return TextColumn(kind=cells.kind, texts=[b"" if text in empty else text for text in cells.texts])


def blanked(cells: Column, indexes: Container[int]) -> Column:
    """Return a column in which the cells at ``indexes`` are empty."""
    if isinstance(cells, TextColumn):
        texts = [b"" if index in indexes else text for index, text in enumerate(cells.texts)]
        return TextColumn(kind=cells.kind, texts=texts)
    return [None if index in indexes else value for index, value in enumerate(cells)]
