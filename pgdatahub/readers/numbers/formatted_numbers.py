"""Conversion of a raw number and its number format to a cell's value, by the same rules for every file format.

A date becomes a timestamp, at midnight if the format shows no time. A number that its format cannot show (a negative date,
day 60 of 1900, a day after the year 9999) stays a number, so no information is lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from pgdatahub.readers.numbers.number_formats import NumberFormat, Section, Shown
from pgdatahub.readers.numbers.serials import Memory, Serials, parse_plain_numbers
from pgdatahub.readers.tables.pieces import merge_pieces
from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.numbers import canonical_number, integer_or_float, parse_number, parse_value

_LONGEST: Final = 300
"""Longest number, in bytes, that fits a double whatever its digits. A longer number is neither a date nor a code."""
_ALL_DIGITS: Final = 10**15
"""Absolute value from which the fraction of a double is too coarse to round."""
_PIECE: Final = re.compile(r"\\.|.", re.DOTALL)
"""A digit placeholder or a literal of a pattern."""


class FormattedNumbers:
    """Converter from the raw numbers of a workbook to values.

    Args:
        serials: The workbook's date system.
    """

    def __init__(self, serials: Serials) -> None:
        timestamps = (Kind.TIMESTAMP, Memory(serials.timestamps))
        self._ways = {
            Shown.DATE: (timestamps,),
            Shown.TIME: ((Kind.TIME, Memory(serials.times)), timestamps),
            Shown.ELAPSED: ((Kind.INTERVAL, Memory(serials.intervals)),),
        }

    def column(self, number_format: NumberFormat, texts: Sequence[bytes]) -> Column:
        """Return the cells of a column under one number format.

        Args:
            number_format: The number format of all cells.
            texts: Numbers in JSON's syntax, finite; ``b""`` for an empty cell.
        """
        only = number_format.only
        if only is not None and only.shown is Shown.NUMBER:
            return TextColumn(kind=Kind.NUMBER, texts=texts)
        if texts and max(map(len, texts)) > _LONGEST:
            return merge_pieces(self._apart(number_format, texts))
        if only is not None:
            return self._section(only, texts)
        known = sorted(set(filter(None, texts)))
        numbers = zip(known, parse_plain_numbers(known), strict=True)
        sections = {text: number_format.section_for(number) for text, number in numbers}
        groups: dict[Section, list[bytes]] = {}
        for index, text in enumerate(texts):
            if text:
                section = sections[text]
                if section not in groups:
                    groups[section] = [b""] * len(texts)
                groups[section][index] = text
        if not groups:
            return TextColumn(kind=Kind.NUMBER, texts=texts)
        return merge_pieces([self._section(section, group) for section, group in groups.items()])

    def value(self, number_format: NumberFormat, number: float) -> Value:
        """Return the value of one cell.

        Args:
            number_format: The number format of the cell.
            number: The raw number, finite.
        """
        return as_values(self.column(number_format, (number_text(number),)))[0]

    def _apart(self, number_format: NumberFormat, texts: Sequence[bytes]) -> list[Column]:
        """Return the numbers longer than ``_LONGEST`` as one column and the other numbers as another."""
        long = [text if len(text) > _LONGEST else b"" for text in texts]
        others = [text if len(text) <= _LONGEST else b"" for text in texts]
        return [TextColumn(kind=Kind.NUMBER, texts=long), self.column(number_format, others)]

    def _section(self, section: Section, texts: Sequence[bytes]) -> Column:
        shown = section.shown
        if shown is Shown.NUMBER:
            return TextColumn(kind=Kind.NUMBER, texts=texts)
        if shown is Shown.ZEROS:
            known = {text: zeros_text(section, text) if text else b"" for text in set(texts)}
            return TextColumn(kind=Kind.TEXT, texts=[known[text] for text in texts])
        if shown is Shown.NOTHING:
            return TextColumn(kind=Kind.NUMBER, texts=[text if text and parse_number(text) else b"" for text in texts])
        return _serials(texts, self._ways[shown])


def number_text(number: float) -> bytes:
    """Return a finite number as the text that :meth:`FormattedNumbers.column` takes."""
    if isinstance(number, float):
        number = integer_or_float(number)
    return b"%d" % number if isinstance(number, int) else repr(number).encode()


def zeros_text(section: Section, text: bytes) -> bytes:
    """Return a number as a section of zeros shows it, rounded half away from zero, as a field of ``COPY``.

    Digits without a placeholder in the pattern go before the pattern's first digit.

    Args:
        section: A section of ``ZEROS``.
        text: A number in JSON's syntax, finite.
    """
    number = parse_number(text)
    if isinstance(number, float) and abs(number) < _ALL_DIGITS:
        number = int(Decimal(repr(number)).quantize(Decimal(1), ROUND_HALF_UP))
    digits = canonical_number(number).decode().lstrip("-")
    pieces = _PIECE.findall(section.pattern)
    places = pieces.count("0")
    digits = digits.rjust(places, "0")
    rest = iter(digits[len(digits) - places + 1 :])
    shown = []
    for piece in pieces:
        if piece != "0":
            shown.append(piece[-1])
        elif places:
            shown.append(digits[: len(digits) - places + 1])
            places = 0
        else:
            shown.append(next(rest))
    sign = "-" if number < 0 and not section.unsigned else ""
    return (sign + "".join(shown)).replace("\\", "\\\\").encode()


def _serials(texts: Sequence[bytes], ways: Sequence[tuple[Kind, Memory]]) -> Column:
    """Convert each serial by the first conversion that accepts it; a serial that none accepts stays a number."""
    for kind, memory in ways:
        found = memory.convert(texts)
        if None not in found:
            return TextColumn(kind=kind, texts=found)  # type: ignore[arg-type]  # found has no None
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
            return as_values(TextColumn(kind=kind, texts=(found,)))[0]
    return parse_value(text)
