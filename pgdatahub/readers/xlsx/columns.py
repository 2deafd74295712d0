"""Texts of cells of one class → a column of cells, and columns joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NoReturn, TypeAlias

from pgdatahub.errors import CorruptError
from pgdatahub.readers.xlsx.cell_classes import CellClass, Source
from pgdatahub.readers.xlsx.cell_text import copy_text, copy_texts
from pgdatahub.readers.xlsx.iso_dates import iso_text
from pgdatahub.readers.xlsx.number_formats import Shown
from pgdatahub.readers.xlsx.number_texts import parse_indexes
from pgdatahub.readers.xlsx.package import DAMAGED
from pgdatahub.readers.xlsx.serials import Memory, Serials
from pgdatahub.readers.xlsx.shared_strings import SharedStrings
from pgdatahub.values.cells import UNCACHED, ErrorValue, Kind, Texts, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.copytext import unescape
from pgdatahub.values.fields import Fields, empty_fields, one_below_the_other
from pgdatahub.values.numbers import parse_number

Piece: TypeAlias = Texts | list[Value]
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
    """Makes columns of the texts that a lane found.

    Args:
        strings: The workbook's shared strings.
        serials: The workbook's date system.
    """

    def __init__(self, strings: SharedStrings, serials: Serials) -> None:
        self._strings = strings
        self._timestamps = (Kind.TIMESTAMP, Memory(serials.timestamps))
        self._times = (Kind.TIME, Memory(serials.times))
        self._intervals = (Kind.INTERVAL, Memory(serials.intervals))
        self.cleaning = Cleaning()

    def convert(self, cell_class: CellClass, texts: Sequence[bytes], locate: Locate) -> Piece:
        """Return a column.

        Args:
            cell_class: The class of all its cells.
            texts: What they say, ``b""`` if empty: numbers in JSON's syntax, finite; indexes in digits; UTF-8 with
                XML's references resolved.
            locate: Gives the address of a cell.

        Raises:
            CorruptError: A cell says what its type cannot; named by its address.
        """
        source = cell_class.source
        if source is Source.NUMBER:
            return self._numbers(cell_class, texts)
        if source is Source.SHARED:
            return Texts(kind=Kind.TEXT, texts=self._shared(texts, locate))
        if source is Source.TEXT:
            return Texts(kind=Kind.TEXT, texts=copy_texts(texts, lambda index: self.cleaning.add(locate(index))))
        if source is Source.BOOLEAN:
            try:
                return Texts(kind=Kind.BOOLEAN, texts=list(map(_BOOLEANS.__getitem__, texts)))
            except KeyError:
                _refuse("is no boolean", texts, locate, lambda text: text in _BOOLEANS)
        if source is Source.ERROR:
            return [ErrorValue(unescape(copy_text(text.decode()))) if text else None for text in texts]
        if source is Source.DATE:
            return _iso_dates(texts)
        return [UNCACHED if text else None for text in texts]

    def _shared(self, texts: Sequence[bytes], locate: Locate) -> Sequence[bytes]:
        lookup = self._strings.lookup
        indexes = list(filter(None, texts))
        try:
            found: Sequence[bytes] = list(map(lookup, parse_indexes(indexes)))
        except IndexError:
            count = len(self._strings)
            _refuse(
                f"refers to a shared string past the last of {count:,}",
                texts,
                locate,
                lambda text: not text or int(text) < count,
            )
        if self._strings.cleaned:
            for index, text in enumerate(texts):
                if text and int(text) in self._strings.cleaned:
                    self.cleaning.add(locate(index))
        if len(indexes) == len(texts):
            return found
        rest = iter(found)
        return [next(rest) if text else text for text in texts]

    def _numbers(self, cell_class: CellClass, texts: Sequence[bytes]) -> Piece:
        shown = cell_class.format.shown
        if shown is Shown.NUMBER:
            return Texts(kind=Kind.NUMBER, texts=texts)
        if shown is Shown.ZEROS:
            digits = cell_class.format.digits
            known = {text: _with_zeros(text, digits) if text else b"" for text in set(texts)}
            return Texts(kind=Kind.TEXT, texts=list(map(known.__getitem__, texts)))
        if shown is Shown.DATE:
            return _serials(texts, (self._timestamps,))
        if shown is Shown.TIME:
            return _serials(texts, (self._times, self._timestamps))
        return _serials(texts, (self._intervals,))


def _serials(texts: Sequence[bytes], ways: Sequence[tuple[Kind, Memory]]) -> Piece:
    """Convert each serial in the first way that it goes; one that goes none is a number."""
    for kind, memory in ways:
        found = memory.convert(texts)
        if None not in found:
            return Texts(kind=kind, texts=found)  # type: ignore[arg-type]  # there is no None in it
        if any(found):
            break
    known = {text: _serial_value(text, ways) for text in set(texts)}
    return [known[text] for text in texts]


def _serial_value(text: bytes, ways: Sequence[tuple[Kind, Memory]]) -> Value:
    if not text:
        return None
    for kind, memory in ways:
        found = memory.convert((text,))[0]
        if found is not None:
            return as_values(Texts(kind=kind, texts=(found,)))[0]
    return parse_number(text)


def _with_zeros(text: bytes, digits: int) -> bytes:
    """Return a number as a format of ``digits`` zeros shows it: rounded half away from zero, filled up."""
    number = parse_number(text)
    if isinstance(number, float):
        number = int(Decimal(repr(number)).quantize(Decimal(1), ROUND_HALF_UP)) if abs(number) < 1e15 else int(number)
    return b"%s%s" % (b"-" if text.startswith(b"-") and number else b"", (b"%d" % abs(number)).rjust(digits, b"0"))


def _iso_dates(texts: Sequence[bytes]) -> Piece:
    found = {text: iso_text(text) for text in set(texts) if text}
    kinds = {pair[0] if pair else None for pair in found.values()}
    if len(kinds) == 1 and (kind := next(iter(kinds))):
        known = {text: pair[1] for text, pair in found.items() if pair}
        known[b""] = b""
        return Texts(kind=kind, texts=list(map(known.__getitem__, texts)))
    values: dict[bytes, Value] = {b"": None}
    for text, pair in found.items():
        if pair:
            values[text] = as_values(Texts(kind=pair[0], texts=(pair[1],)))[0]
        else:
            values[text] = None if text.isspace() else text.decode()
    return [values[text] for text in texts]


def _refuse(what: str, texts: Sequence[bytes], locate: Locate, sound: Callable[[bytes], bool]) -> NoReturn:
    index = next(index for index, text in enumerate(texts) if not sound(text))
    shown = texts[index][:40].decode("utf-8", "replace")
    raise CorruptError(f"{shown!r} {what}", where=locate(index), hint=DAMAGED)


def has_value(piece: Piece) -> bool:
    """Tell whether any cell of a column has a value."""
    if isinstance(piece, Texts):
        return piece.texts.has_value if isinstance(piece.texts, Fields) else any(piece.texts)
    return any(value is not None for value in piece)


def join_pieces(pieces: Sequence[tuple[int, Piece | None]]) -> Piece | None:
    """Join columns one below the other: in the compact form if they are of one kind, else as Python values.

    Args:
        pieces: Lengths and columns; None is a column of empty cells.

    Returns:
        The column, None if all its cells are empty.
    """
    with_values = [piece for _, piece in pieces if piece is not None and has_value(piece)]
    if not with_values:
        return None
    kinds = {piece.kind if isinstance(piece, Texts) else None for piece in with_values}
    if len(kinds) == 1 and (kind := next(iter(kinds))) is not None:
        if len(pieces) == 1 and isinstance(pieces[0][1], Texts):
            return pieces[0][1]
        lengths = [(length, piece) for length, piece in pieces if length]
        parts = [part for length, piece in lengths if (part := _fields(length, piece)) is not None]
        if len(parts) == len(lengths):
            return Texts(kind=kind, texts=one_below_the_other(parts))
        texts: list[bytes] = []
        for length, piece in pieces:
            texts.extend(piece.texts if isinstance(piece, Texts) else [b""] * length)
        return Texts(kind=kind, texts=texts)
    values: list[Value] = []
    for length, piece in pieces:
        values.extend([None] * length if piece is None else as_values(piece))
    return values


def _fields(length: int, piece: Piece | None) -> Fields | None:
    """Return a column that is one piece of bytes, None if it is not."""
    if piece is None:
        return empty_fields(length)
    return piece.texts if isinstance(piece, Texts) and isinstance(piece.texts, Fields) else None


def merge_pieces(pieces: Sequence[Piece]) -> Piece:
    """Merge columns side by side, of which at most one has a value in each row."""
    with_values = [piece for piece in pieces if has_value(piece)] or pieces[:1]
    if len(with_values) == 1:
        return with_values[0]
    kinds = {piece.kind if isinstance(piece, Texts) else None for piece in with_values}
    if len(kinds) == 1 and (kind := next(iter(kinds))) is not None:
        columns = [piece.texts for piece in with_values if isinstance(piece, Texts)]
        return Texts(kind=kind, texts=list(map(b"".join, zip(*columns, strict=True))))
    rows = zip(*map(as_values, with_values), strict=True)
    return [next((value for value in row if value is not None), None) for row in rows]
