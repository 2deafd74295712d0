"""White space at both ends of texts, which a setting removes."""

from __future__ import annotations

from pgdatahub.values.cells import Column, Kind, TextColumn
from pgdatahub.values.copytext import escape, unescape


def trimmed(column: Column) -> Column:
    """Return a column whose texts have no white space at their ends; Unicode decides what is white space."""
    if not isinstance(column, TextColumn):
        if not any(isinstance(value, str) and value != value.strip() for value in column):
            return column
        return [(value.strip() or None) if isinstance(value, str) else value for value in column]
    if column.kind is not Kind.TEXT:
        return column
    found = {text: escape(plain.strip()) for text in set(column.texts) if (plain := unescape(text)) != plain.strip()}
    if not found:
        return column
    return TextColumn(kind=column.kind, texts=[found.get(text, text) for text in column.texts])
