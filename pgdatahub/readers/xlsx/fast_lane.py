"""The fast lane: whole rows of a piece of sheet data by the expression of their shape.

It knows nothing but the piece, so that pieces can be matched in any order and by any process.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import lt

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.cell_classes import Source
from pgdatahub.readers.xlsx.cell_text import is_sound, resolve_texts
from pgdatahub.readers.xlsx.matching import find_columns
from pgdatahub.readers.xlsx.number_texts import are_plain_numbers, parse_indexes
from pgdatahub.readers.xlsx.shapes import Shape, Slot, hides, repeats
from pgdatahub.values.cells import Texts

_MARKED_UP = (Source.TEXT, Source.ERROR, Source.DATE)


@dataclass(slots=True, kw_only=True)
class Matched:
    """A piece of sheet data that was taken apart.

    Attributes:
        rows: The numbers of the rows that have the shape, ascending.
        hidden: Those of them that are hidden.
        columns: For each slot of the shape what its cells say, ``b""`` if empty; None if they all are. Where they were
            converted already it is a column that may be loaded.
        misfits: What else there is: XML of rows, and the index in ``rows`` that it stands before.
    """

    rows: list[int]
    hidden: set[int]
    columns: list[Sequence[bytes] | Texts | None]
    misfits: list[tuple[int, bytes]]


def match_rows(shape: Shape, piece: bytes, limits: Limits) -> Matched | None:
    """Take a piece of sheet data apart, None if it is a case for an XML parser as a whole.

    Args:
        shape: The shape of most of its rows.
        piece: Whole rows in UTF-8, without comments, CDATA or declarations.
        limits: How much it may ask.
    """
    if not piece or not is_sound(piece):
        return None
    numbers, attributes, *values, others, rest = find_columns(shape.pattern, piece)
    rows = parse_indexes(list(filter(None, numbers)))
    if not all(map(lt, rows, rows[1:])) or (rows and rows[-1] > limits.rows):
        return None
    kinds = set(attributes)
    if any(map(repeats, kinds)):
        return None
    if len(rows) < len(numbers):
        values = [tuple(compress(column, numbers)) for column in values]
    columns: list[Sequence[bytes] | Texts | None] = []
    for slot, texts in zip(shape.slots, values, strict=True):
        if not any(texts):
            columns.append(None)
        elif _fits(slot, texts, limits):
            columns.append(resolve_texts(texts) if slot.cell_class.source in _MARKED_UP else texts)
        else:
            return None
    return Matched(
        rows=rows,
        hidden=_hidden({found for found in kinds if hides(found)}, attributes, numbers),
        columns=columns,
        misfits=_misfits(numbers, others, rest[-1]) if rest[-1] or any(others) else [],
    )


def _fits(slot: Slot, texts: Sequence[bytes], limits: Limits) -> bool:
    """Tell whether the texts of a slot are what its shape only guesses that they are."""
    source = slot.cell_class.source
    if source is Source.NUMBER:
        return are_plain_numbers(texts)
    return source is not Source.TEXT or max(map(len, texts)) <= limits.cell_bytes


def _hidden(hiding: Collection[bytes], attributes: Sequence[bytes], numbers: Sequence[bytes]) -> set[int]:
    if not hiding:
        return set()
    return {int(number) for number, found in zip(numbers, attributes, strict=True) if found in hiding}


def _misfits(numbers: Sequence[bytes], others: Sequence[bytes], rest: bytes) -> list[tuple[int, bytes]]:
    misfits = []
    before = 0
    for number, other in zip(numbers, others, strict=True):
        if number:
            before += 1
        elif other:
            misfits.append((before, other))
    return [*misfits, (before, rest)] if rest else misfits
