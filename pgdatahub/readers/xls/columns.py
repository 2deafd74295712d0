"""Columns of values from what the reading process says of cells."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import orjson

from pgdatahub.readers.numbers.error_codes import ERROR_CODES
from pgdatahub.readers.numbers.formatted_numbers import FormattedNumbers
from pgdatahub.readers.numbers.number_formats import NUMBER as PLAIN
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.tables.pieces import merge_pieces
from pgdatahub.readers.xls.cells import BOOLEAN, ERROR, MISSING_TEXT, NUMBER, TEXT, UNCACHED, ColumnMessage
from pgdatahub.values.cells import UNCACHED as NO_RESULT
from pgdatahub.values.cells import Column, ErrorValue, InvalidValue, Kind, TextColumn, Value

Item = TypeVar("Item")

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Columns:
    """Makes columns of a sheet's cells.

    Args:
        date1904: The workbook's days count from 1904.
        formats: Extended format → its number format; an extended format that is not here has the plain one.
    """

    def __init__(self, *, date1904: bool, formats: Mapping[int, NumberFormat]) -> None:
        self._numbers = FormattedNumbers(Serials(date1904=date1904))
        self._formats = formats

    def column(self, message: ColumnMessage, rows: int) -> Column:
        """Return a column of so many rows."""
        packed, kinds, packed_formats, packed_numbers, texts = message
        indexes: Sequence[int] = range(rows) if packed is None else _shorts(packed)
        numbers = _doubles(packed_numbers)
        present = set(kinds)
        if present == {TEXT}:
            return _texts(_spread(texts, indexes, rows, ""))
        if present == {NUMBER}:
            return self._number_column(indexes, numbers, _shorts(packed_formats), rows)
        formats = _shorts(packed_formats)
        pieces: list[Column] = []
        for kind in sorted(present):
            chosen = [index for index, each in enumerate(kinds) if each == kind]
            places = [indexes[index] for index in chosen]
            if kind == TEXT:
                pieces.append(_texts(_spread(texts, places, rows, "")))
            elif kind == NUMBER:
                own = [numbers[index] for index in chosen]
                pieces.append(self._number_column(places, own, [formats[index] for index in chosen], rows))
            else:
                pieces.append(_spread([_special(kind, numbers[index]) for index in chosen], places, rows, None))
        return merge_pieces(pieces)

    def _number_column(
        self, indexes: Sequence[int], numbers: Sequence[float], formats: Sequence[int], rows: int
    ) -> Column:
        if not math.isfinite(math.fsum(map(abs, numbers))) and not all(map(math.isfinite, numbers)):
            return self._with_errors(indexes, numbers, formats, rows)
        # The shortest digits of each number, the whole column at a time.
        texts = orjson.dumps(list(numbers))[1:-1].split(b",")
        known = {number: self._formats.get(number, PLAIN) for number in set(formats)}
        if len(set(known.values())) == 1:
            return self._numbers.column(next(iter(known.values())), _spread(texts, indexes, rows, b""))
        groups: dict[NumberFormat, list[bytes]] = {}
        for text, index, number in zip(texts, indexes, formats, strict=True):
            group = groups.get(known[number])
            if group is None:
                group = groups[known[number]] = [b""] * rows
            group[index] = text
        return merge_pieces([self._numbers.column(each, group) for each, group in groups.items()])

    def _with_errors(
        self, indexes: Sequence[int], numbers: Sequence[float], formats: Sequence[int], rows: int
    ) -> Column:
        """Return a column with numbers that are none, which no cell shows: an error each."""
        finite = [index for index, number in enumerate(numbers) if math.isfinite(number)]
        errors: list[Value] = [None] * rows
        for index, number in zip(indexes, numbers, strict=True):
            if not math.isfinite(number):
                errors[index] = ErrorValue("NaN" if math.isnan(number) else "Infinity")
        if not finite:
            return errors
        rest = self._number_column(
            [indexes[index] for index in finite],
            [numbers[index] for index in finite],
            [formats[index] for index in finite],
            rows,
        )
        return merge_pieces([rest, errors])


def _special(kind: int, number: float) -> Value:
    if kind == BOOLEAN:
        return bool(number)
    if kind == ERROR:
        return ErrorValue(ERROR_CODES.get(int(number), f"#ERR{int(number)}"))
    if kind == UNCACHED:
        return NO_RESULT
    if kind == MISSING_TEXT:
        return InvalidValue(
            f"the cell refers to the shared string {int(number) + 1:,}, which the workbook does not have"
        )
    raise ValueError(kind)


def _doubles(data: bytes) -> array[float]:
    numbers = array("d")
    numbers.frombytes(data)
    return numbers


def _shorts(data: bytes) -> array[int]:
    numbers = array("H")
    numbers.frombytes(data)
    return numbers


def _spread(values: Sequence[Item], indexes: Sequence[int], rows: int, empty: Item) -> list[Item]:
    """Return values at their indexes among so many rows."""
    if len(values) == rows:
        return list(values)
    spread = [empty] * rows
    for index, value in zip(indexes, values, strict=True):
        spread[index] = value
    return spread


def _texts(texts: list[str]) -> Column:
    """Return a column of texts as fields of ``COPY``, or as values where a text has what PostgreSQL cannot store."""
    if any(map(str.isspace, texts)):
        texts = ["" if text.isspace() else text for text in texts]
    joined = "\0".join(texts)
    try:
        if joined.count("\0") >= len(texts):
            raise ValueError("a text has a NUL")
        encoded = joined.translate(_ESCAPES).encode() if _needs_escapes(joined) else joined.encode()
    except ValueError:  # an unpaired surrogate is a UnicodeEncodeError
        return [text or None for text in texts]
    return TextColumn(kind=Kind.TEXT, texts=encoded.split(b"\0"))


def _needs_escapes(text: str) -> bool:
    return "\\" in text or "\n" in text or "\t" in text or "\r" in text
