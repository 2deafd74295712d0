"""Texts of cells of one class → a column of cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pgdatahub.readers.numbers.formatted_numbers import FormattedNumbers
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.tables.pieces import merge_pieces
from pgdatahub.readers.xlsx.cell_classes import CellClass, Source
from pgdatahub.readers.xlsx.cell_text import copy_text, copy_texts
from pgdatahub.readers.xlsx.iso_dates import iso_text
from pgdatahub.readers.xlsx.number_texts import parse_indexes, shown
from pgdatahub.readers.xlsx.string_table import StringTable
from pgdatahub.values.cells import UNCACHED, Column, ErrorValue, InvalidValue, Kind, TextColumn, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.copytext import unescape

Locate: TypeAlias = Callable[[int], str]
"""Index of a cell in a piece → its address."""

_BOOLEANS = {b"": b"", b"0": b"false", b"1": b"true", b"false": b"false", b"true": b"true"}


@dataclass(slots=True)
class Cleaning:
    """Cells from which characters were removed that no database can store."""

    count: int = 0
    first: str = ""

    def add(self, address: str) -> None:
        """Count one more."""
        self.count += 1
        self.first = self.first or address


class Converter:
    """Makes columns of the texts that a reader found.

    Args:
        strings: The workbook's shared strings.
        serials: The workbook's date system.
    """

    def __init__(self, strings: StringTable, serials: Serials) -> None:
        self._strings = strings
        self._numbers = FormattedNumbers(serials)
        self.cleaning = Cleaning()

    def convert(self, cell_class: CellClass, texts: Sequence[bytes], locate: Locate) -> Column:
        """Return a column.

        Args:
            cell_class: The class of all its cells.
            texts: What they say, ``b""`` if empty: numbers in JSON's syntax, finite; indexes in digits; UTF-8 with
                XML's references resolved.
            locate: Gives the address of a cell.
        """
        source = cell_class.source
        if source is Source.NUMBER:
            return self._numbers.column(cell_class.format, texts)
        if source is Source.SHARED:
            return self._shared(texts, locate)
        if source is Source.TEXT:
            return TextColumn(kind=Kind.TEXT, texts=copy_texts(texts, lambda index: self.cleaning.add(locate(index))))
        if source is Source.BOOLEAN:
            try:
                return TextColumn(kind=Kind.BOOLEAN, texts=list(map(_BOOLEANS.__getitem__, texts)))
            except KeyError:
                return _with_invalid(Kind.BOOLEAN, texts, _BOOLEANS.get, "is not a boolean")
        if source is Source.ERROR:
            return [ErrorValue(unescape(copy_text(text.decode()))) if text else None for text in texts]
        if source is Source.DATE:
            return _iso_dates(texts)
        if source is Source.INVALID:
            return [InvalidValue(text.decode()) if text else None for text in texts]
        return [UNCACHED if text else None for text in texts]

    def _shared(self, texts: Sequence[bytes], locate: Locate) -> Column:
        lookup = self._strings.lookup
        indexes = list(filter(None, texts))
        try:
            found: Sequence[bytes] = list(map(lookup, parse_indexes(indexes)))
        except IndexError:
            count = len(self._strings)
            self._note_cleaned([text if text and int(text) < count else b"" for text in texts], locate)
            return _with_invalid(
                Kind.TEXT,
                texts,
                lambda text: lookup(int(text)) if int(text) < count else None,
                f"refers to a shared string past the last of {count:,}",
            )
        self._note_cleaned(texts, locate)
        if len(indexes) < len(texts):
            rest = iter(found)
            found = [next(rest) if text else text for text in texts]
        return TextColumn(kind=Kind.TEXT, texts=found)

    def _note_cleaned(self, texts: Sequence[bytes], locate: Locate) -> None:
        """Count the cells whose shared string lost characters."""
        if self._strings.cleaned:
            for index, text in enumerate(texts):
                if text and int(text) in self._strings.cleaned:
                    self.cleaning.add(locate(index))


def _iso_dates(texts: Sequence[bytes]) -> Column:
    found = {text: iso_text(text) for text in set(texts) if text}
    kinds = {pair[0] if pair else None for pair in found.values()}
    if len(kinds) == 1 and (kind := next(iter(kinds))):
        known = {text: pair[1] for text, pair in found.items() if pair}
        known[b""] = b""
        return TextColumn(kind=kind, texts=list(map(known.__getitem__, texts)))
    values: dict[bytes, Value] = {b"": None}
    for text, pair in found.items():
        if pair:
            values[text] = as_values(TextColumn(kind=pair[0], texts=(pair[1],)))[0]
        else:
            values[text] = None if text.isspace() else text.decode()
    return [values[text] for text in texts]


def _with_invalid(kind: Kind, texts: Sequence[bytes], field_of: Callable[[bytes], bytes | None], fault: str) -> Column:
    """Return a column in which some cells are invalid: those for which ``field_of`` returns None."""
    fields = {text: field_of(text) for text in set(filter(None, texts))}
    sound = TextColumn(kind=kind, texts=[(fields[text] or b"") if text else b"" for text in texts])
    invalid: list[Value] = [
        InvalidValue(f"{shown(text)} {fault}") if text and fields[text] is None else None for text in texts
    ]
    return merge_pieces([sound, invalid])
