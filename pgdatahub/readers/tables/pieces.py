"""Columns of cells side by side and one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from pgdatahub.values.cells import Column, TextColumn, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.fields import FieldBuffer, empty_fields, one_below_the_other


def has_value(piece: Column) -> bool:
    """Return whether any cell of a column has a value."""
    if isinstance(piece, TextColumn):
        return piece.texts.has_value if isinstance(piece.texts, FieldBuffer) else any(piece.texts)
    return any(value is not None for value in piece)


def join_pieces(pieces: Sequence[tuple[int, Column | None]]) -> Column | None:
    """Join columns one below the other: in the compact form if they are of one kind, else as Python values.

    Args:
        pieces: Lengths and columns; None is a column of empty cells.

    Returns:
        The column, None if all its cells are empty.
    """
    with_values = [piece for _, piece in pieces if piece is not None and has_value(piece)]
    if not with_values:
        return None
    kinds = {piece.kind if isinstance(piece, TextColumn) else None for piece in with_values}
    if len(kinds) == 1 and (kind := next(iter(kinds))) is not None:
        if len(pieces) == 1 and isinstance(pieces[0][1], TextColumn):
            return pieces[0][1]
        lengths = [(length, piece) for length, piece in pieces if length]
        parts = [part for length, piece in lengths if (part := _fields(length, piece)) is not None]
        if len(parts) == len(lengths):
            return TextColumn(kind=kind, texts=one_below_the_other(parts))
        texts: list[bytes] = []
        for length, piece in pieces:
            texts.extend(piece.texts if isinstance(piece, TextColumn) else [b""] * length)
        return TextColumn(kind=kind, texts=texts)
    values: list[Value] = []
    for length, piece in pieces:
        values.extend([None] * length if piece is None else as_values(piece))
    return values


def _fields(length: int, piece: Column | None) -> FieldBuffer | None:
    """Return a column that is one piece of bytes, None if it is not."""
    if piece is None:
        return empty_fields(length)
    return piece.texts if isinstance(piece, TextColumn) and isinstance(piece.texts, FieldBuffer) else None


def merge_pieces(pieces: Sequence[Column]) -> Column:
    """Merge columns side by side, of which at most one has a value in each row."""
    with_values = [piece for piece in pieces if has_value(piece)] or pieces[:1]
    if len(with_values) == 1:
        return with_values[0]
    kinds = {piece.kind if isinstance(piece, TextColumn) else None for piece in with_values}
    if len(kinds) == 1 and (kind := next(iter(kinds))) is not None:
        columns = [piece.texts for piece in with_values if isinstance(piece, TextColumn)]
        return TextColumn(kind=kind, texts=list(map(b"".join, zip(*columns, strict=True))))
    rows = zip(*map(as_values, with_values), strict=True)
    return [next((value for value in row if value is not None), None) for row in rows]
