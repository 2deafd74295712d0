"""Classes of cells, and columns of values from the texts of their cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from pgdatahub.readers.numbers.formatted_numbers import FormattedNumbers
from pgdatahub.readers.numbers.number_formats import NUMBER, NumberFormat
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.ods.moments import Moments
from pgdatahub.readers.tables.pieces import merge_pieces
from pgdatahub.readers.xlsx.number_texts import InvalidNumberError, are_plain_numbers, plain_number
from pgdatahub.values.cells import UNCACHED, Column, ErrorValue, InvalidValue, Kind, TextColumn, Value


class Source(Enum):
    """The kind of text that a cell has."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    """ISO 8601, with or without a time."""
    DURATION = "duration"
    """ISO 8601: ``PT08H30M00S``."""
    ERROR = "error"
    UNCACHED = "uncached"
    """A formula without a result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellClass:
    """The way to understand a cell's text; one object for each combination, compared by identity.

    Attributes:
        source: The kind of text.
        format: The number format of the cell.
    """

    source: Source
    format: NumberFormat = NUMBER


TEXT: Final = CellClass(source=Source.TEXT)
BOOLEAN: Final = CellClass(source=Source.BOOLEAN)
ERROR: Final = CellClass(source=Source.ERROR)
NO_RESULT: Final = CellClass(source=Source.UNCACHED)

_NOT_FINITE: Final = re.compile(r"[-+]?(?:nan|inf(?:inity)?|1\.#[a-z]+)", re.IGNORECASE)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Converter:
    """Makes columns of the texts of cells.

    Args:
        null_date: The date of the number 0.
    """

    def __init__(self, null_date: date) -> None:
        self._numbers = FormattedNumbers(Serials(epoch=null_date))
        self._moments = Moments(null_date)
        self._classes: dict[tuple[Source, NumberFormat], CellClass] = {}

    def cell_class(self, source: Source, number_format: NumberFormat) -> CellClass:
        """Return the class of a cell of a number, a date or a duration."""
        key = (source, number_format)
        if key not in self._classes:
            self._classes[key] = CellClass(source=source, format=number_format)
        return self._classes[key]

    def column(self, runs: Sequence[tuple[int, CellClass]], texts: Sequence[str]) -> Column:
        """Return a column.

        Args:
            runs: Classes of cells, each with the index of the first cell that has the class.
            texts: The text of each cell, empty for an empty cell.
        """
        if len(runs) == 1:
            return self._convert(runs[0][1], texts)
        groups: dict[CellClass, list[str]] = {}
        ends = [start for start, _ in runs[1:]] + [len(texts)]
        for (start, cell_class), end in zip(runs, ends, strict=True):
            group = groups.get(cell_class)
            if group is None:
                group = groups[cell_class] = [""] * len(texts)
            group[start:end] = texts[start:end]
        return merge_pieces([self._convert(cell_class, group) for cell_class, group in groups.items()])

    def _convert(self, cell_class: CellClass, texts: Sequence[str]) -> Column:
        source = cell_class.source
        if source is Source.TEXT:
            return TextColumn(kind=Kind.TEXT, texts=_fields(texts))
        if source is Source.NUMBER:
            return self._number_column(cell_class.format, texts)
        if source is Source.BOOLEAN:
            return TextColumn(kind=Kind.BOOLEAN, texts=[text.encode() for text in texts])
        if source is Source.DATE:
            return self._moments.dates(cell_class.format, texts)
        if source is Source.DURATION:
            return self._moments.durations(cell_class.format, texts)
        if source is Source.ERROR:
            return [ErrorValue(text) if text else None for text in texts]
        return [UNCACHED if text else None for text in texts]

    def _number_column(self, number_format: NumberFormat, texts: Sequence[str]) -> Column:
        numbers = "\0".join(texts).encode().split(b"\0")
        if are_plain_numbers(numbers):
            return self._numbers.column(number_format, numbers)
        errors: list[Value] = [None] * len(texts)
        for index, text in enumerate(texts):
            stripped = text.strip()
            if _NOT_FINITE.fullmatch(stripped):
                errors[index] = ErrorValue(stripped)
                numbers[index] = b""
            elif stripped:
                try:
                    numbers[index] = plain_number(stripped.encode())
                except InvalidNumberError as error:
                    errors[index] = InvalidValue(str(error))
                    numbers[index] = b""
        return merge_pieces([self._numbers.column(number_format, numbers), errors])


def _fields(texts: Sequence[str]) -> Sequence[bytes]:
    """Return texts as fields of ``COPY``; one of white space alone is empty."""
    if any(map(str.isspace, texts)):
        texts = ["" if text.isspace() else text for text in texts]
    joined = "\0".join(texts)
    if "\\" in joined or "\n" in joined or "\t" in joined or "\r" in joined:
        joined = joined.translate(_ESCAPES)
    return joined.encode().split(b"\0")
