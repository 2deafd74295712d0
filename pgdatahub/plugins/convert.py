"""Conversion of cells to a configured type: text parsed as numbers and dates, or an error.

Without a configured type, text is never parsed. With one, a value that does not fit fails the file; the error names the cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from pgdatahub.config import ColumnOptions
from pgdatahub.plugins.infer import observe
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.column_values import VALUES, parse_elapsed
from pgdatahub.values.date_texts import EXCEL, EXCEL_1904, parse_date
from pgdatahub.values.evidence import Locate, Observed
from pgdatahub.values.iso_texts import parse_boolean, parse_clock, parse_iso_timestamp
from pgdatahub.values.locale_names import find_names, number_marks
from pgdatahub.values.number_texts import NumberNotation
from pgdatahub.values.numbers import parse_decimal, parse_number
from pgdatahub.values.sql_types import SqlType, widens_to
from pgdatahub.values.tallies import MixedColumn
from pgdatahub.values.type_fit import NUMBERS, fits

_MOMENTS = frozenset({SqlType.DATE, SqlType.TIMESTAMP, SqlType.TIME})
_SERIAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def configured_type(options: ColumnOptions | None) -> SqlType | None:
    """Return a column's configured type; None if the values decide."""
    return options.sql_type if options is not None else None


def convert(column: Column, options: ColumnOptions) -> Sequence[Value]:
    """Convert a column to its configured type, which ``options`` must have.

    Raises:
        ConversionError: Cells do not fit; the error has the indexes and values of all.
    """
    wanted = options.conversion_type or SqlType.TEXT
    misfits: list[tuple[int, Value]] = []
    converted: list[Value] = []
    if isinstance(column, TextColumn):
        # Convert each distinct text once.
        value_of = VALUES[column.kind]
        known: dict[bytes, Value] = {b"": None}
        unfit: dict[bytes, Value] = {}
        for text in set(column.texts) - known.keys():
            value = value_of(text)
            try:
                known[text] = _convert_value(value, wanted, options)
            except _MisfitError:
                unfit[text] = value
        if not unfit:
            return [known[text] for text in column.texts]
        misfits += ((index, unfit[text]) for index, text in enumerate(column.texts) if text in unfit)
        raise ConversionError(misfits)
    for index, value in enumerate(column):
        try:
            converted.append(_convert_value(value, wanted, options))
        except _MisfitError:
            misfits.append((index, value))
    if misfits:
        raise ConversionError(misfits)
    return converted


def observe_typed(column: Column, options: ColumnOptions, locate: Locate) -> tuple[Sequence[bytes], Observed] | None:
    """Return a column's COPY text and evidence if all its cells are of its configured type as they are, else None.

    Converting them one by one would give the same in twenty times the time.

    Raises:
        OverflowError: A number is beyond the range of a double, or has more digits than ``numeric`` takes.
    """
    wanted = options.conversion_type
    # A real holds some doubles only.
    if wanted in (None, SqlType.TEXT, SqlType.REAL) or not _is_typed(column):
        return None
    fields, observed = observe(column, locate)
    return (fields, observed) if widens_to(observed.type, wanted) else None


def _is_typed(column: Column) -> bool:
    """Return whether the kinds of all cells are known, none is text, and fields are canonical or become so when observed."""
    if isinstance(column, TextColumn):
        return column.kind is Kind.NUMBER or (column.tally is not None and column.kind is not Kind.TEXT)
    return isinstance(column, MixedColumn) and not column.has_issues and Kind.TEXT not in column.tally.counts


class _MisfitError(Exception):
    """A value does not fit the configured type."""


def _convert_value(value: Value, wanted: SqlType, options: ColumnOptions) -> Value:
    if wanted in _MOMENTS and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = _serial(value, options) or value
        except ValueError:
            raise _MisfitError from None
        if wanted is SqlType.TIME and isinstance(value, datetime):
            value = value.time()
    elif isinstance(value, str):
        parse = _PARSERS.get(wanted)
        if parse is not None:
            try:
                value = parse(value.strip(), options) if value.strip() else None
            except (ValueError, ArithmeticError):
                raise _MisfitError from None
    if value is not None and not fits(value, wanted):
        raise _MisfitError
    return value


class ConversionError(Exception):
    """Cells do not fit their column's configured type.

    Args:
        misfits: The index in the batch and the value of each of these cells.
    """

    def __init__(self, misfits: Sequence[tuple[int, Value]]) -> None:
        super().__init__(misfits)
        self.misfits = misfits


def _parse_number(text: str, options: ColumnOptions) -> Value:
    plain = notation_of(options).plain(text)
    if options.conversion_type is SqlType.NUMERIC:
        return parse_decimal(plain)
    return parse_number(plain.encode())


@lru_cache(maxsize=256)
def _notation(decimal: str | None, thousands: str | None, units: tuple[str, ...], locale: str | None) -> NumberNotation:
    if locale is not None:
        marks = number_marks(locale)
        decimal = decimal or marks[0]
        thousands = thousands or (marks[1] if marks[1] != decimal else None)
    return NumberNotation(decimal=decimal or ".", thousands=thousands, units=units)


def notation_of(options: ColumnOptions) -> NumberNotation:
    """Return the notation of the numbers of a column."""
    return _notation(options.decimal, options.thousands, options.unit, options.locale)


def hint_for(text: str, options: ColumnOptions) -> str | None:
    """Return the setting that would read a text that does not fit, if there is an obvious one."""
    if options.conversion_type in NUMBERS:
        return notation_of(options).hint(text)
    if (
        options.formats
        and options.locale is None
        and any(name in form for form in options.formats for name in ("%B", "%b"))
    ):
        return "locale: names the language of the months"
    return None


def _parse_boolean(text: str, _options: ColumnOptions) -> Value:
    return parse_boolean(text)


def _in_formats(text: str, options: ColumnOptions) -> datetime:
    serial = _serial(text, options)
    if serial is not None:
        return serial
    return parse_date(text, options.formats, find_names(options.locale) if options.locale else None)


def _serial(value: Value, options: ColumnOptions) -> datetime | None:
    """Return the moment of a serial number, as a text or a number, if the column has a format for these."""
    date1904 = EXCEL_1904 in options.formats
    if not (date1904 or EXCEL in options.formats):
        return None
    if isinstance(value, str):
        if not _SERIAL.fullmatch(value):
            return None
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    (text,) = Serials(date1904=date1904).timestamps([repr(value).encode()])
    if text is None:
        raise ValueError(value)
    return datetime.fromisoformat(text.decode())


def _parse_timestamp(text: str, options: ColumnOptions) -> Value:
    if options.formats:
        return _in_formats(text, options)
    return parse_iso_timestamp(text)


def _parse_time(text: str, options: ColumnOptions) -> Value:
    if options.formats:
        return _in_formats(text, options).time()
    return parse_clock(text)


def _parse_interval(text: str, _options: ColumnOptions) -> Value:
    return parse_elapsed(text)


_PARSERS: Final[dict[SqlType, Callable[[str, ColumnOptions], Value]]] = {
    **dict.fromkeys(NUMBERS, _parse_number),
    SqlType.BOOLEAN: _parse_boolean,
    SqlType.DATE: _parse_timestamp,
    SqlType.TIMESTAMP: _parse_timestamp,
    SqlType.TIME: _parse_time,
    SqlType.INTERVAL: _parse_interval,
}
