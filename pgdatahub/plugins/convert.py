"""Conversion of cells to a configured type: text parsed as numbers and dates, or an error.

Without a configured type, text is never parsed. With one, a value that does not fit fails the file; the error names the cell.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Final

from pgdatahub.config import ColumnOptions
from pgdatahub.readers.serials import Serials
from pgdatahub.values.cells import Column, TextColumn, Value
from pgdatahub.values.column_values import VALUES, parse_elapsed
from pgdatahub.values.date_texts import EXCEL, EXCEL_1904, parse_date
from pgdatahub.values.locale_names import find_names, number_marks
from pgdatahub.values.number_texts import NumberNotation
from pgdatahub.values.numbers import integer_or_float, parse_decimal, parse_number
from pgdatahub.values.sql_types import SqlType, integer_type, widens_to

_NUMBERS = frozenset(
    {SqlType.INTEGER, SqlType.BIGINT, SqlType.BIGINT_WIDE, SqlType.REAL, SqlType.DOUBLE, SqlType.NUMERIC}
)
_MOMENTS = frozenset({SqlType.DATE, SqlType.TIMESTAMP, SqlType.TIME})
_SERIAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?P<fraction>(?<=:[0-9]{2}:[0-9]{2})\.[0-9]{1,6})?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_CLOCK = re.compile(r"(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?P<fraction>(?<=:[0-9]{2}:[0-9]{2})\.[0-9]{1,6})?")


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
    if value is not None and not _fits(value, wanted):
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


def _fits(value: Value, wanted: SqlType) -> bool:
    if wanted is SqlType.TEXT:
        return True
    if isinstance(value, bool):
        return wanted is SqlType.BOOLEAN
    if isinstance(value, float):
        value = integer_or_float(value)
    if isinstance(value, int | float | Decimal) and wanted is SqlType.REAL:
        return real_holds(value)
    if isinstance(value, int):
        return wanted in _NUMBERS and widens_to(integer_type(abs(value)), wanted)
    if isinstance(value, float):
        return wanted in (SqlType.DOUBLE, SqlType.NUMERIC)
    if isinstance(value, Decimal):
        # A Decimal that is whole is long: see parse_decimal.
        return wanted is SqlType.NUMERIC or (wanted is SqlType.DOUBLE and Decimal(repr(float(value))) == value)
    if isinstance(value, datetime):
        return wanted is SqlType.TIMESTAMP or (wanted is SqlType.DATE and value.time() == time())
    if isinstance(value, date):
        return wanted in (SqlType.DATE, SqlType.TIMESTAMP)
    if isinstance(value, time):
        return wanted is SqlType.TIME
    return isinstance(value, timedelta) and wanted is SqlType.INTERVAL


def real_holds(value: float | Decimal) -> bool:
    """Return whether the server returns ``value`` unchanged after storing it as a ``real``.

    That holds if ``value`` is the shortest decimal number, and of several the nearest, for its IEEE 754 binary32 neighbour.
    It holds for 0.1. It does not hold for 0.10000000149011612, which equals that neighbour: the server returns 0.1.
    """
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact:
        return True
    try:
        (stored,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return False
    if not stored or not isfinite(stored):
        return False
    for digits in range(1, 10):
        nearest = Decimal(f"{stored:.{digits - 1}e}")
        unit = Decimal((0, (1,), int(nearest.as_tuple().exponent)))
        # At a power of two the spacing changes, so a number other than the nearest of its length can represent it.
        alike = [number for number in (nearest, nearest - unit, nearest + unit) if _stands_for(number, unit, stored)]
        if alike:
            return min(alike, key=lambda number: abs(number - Decimal(stored))) == exact
    return False


def _stands_for(number: Decimal, unit: Decimal, stored: float) -> bool:
    """Return whether ``number`` is closest to ``stored``; the server's algorithm excludes half-way numbers."""
    return all(_as_real(number + nudge) == stored for nudge in (-unit / 10**6, unit / 10**6))


def _as_real(number: Decimal) -> float:
    try:
        stored: float = struct.unpack("f", struct.pack("f", float(number)))[0]
    except OverflowError:
        return float("inf")
    return stored


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
    if options.conversion_type in _NUMBERS:
        return notation_of(options).hint(text)
    if (
        options.formats
        and options.locale is None
        and any(name in form for form in options.formats for name in ("%B", "%b"))
    ):
        return "locale: names the language of the months"
    return None


def _parse_boolean(text: str, _options: ColumnOptions) -> Value:
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _refuse(text)


def _refuse(text: str) -> Value:
    raise ValueError(text)


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
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(text)
    # Every version of Python accepts this form; other forms differ between versions.
    day, clock, fraction, zone = match.group("day", "clock", "fraction", "zone")
    return datetime.fromisoformat(f"{day}T{clock or '00:00'}{_microseconds(fraction)}{_zone(zone)}")


def _microseconds(fraction: str | None) -> str:
    return fraction.ljust(7, "0") if fraction else ""


def _zone(zone: str | None) -> str:
    if not zone or zone == "Z":
        return "+00:00" if zone else ""
    return zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}"


def _parse_time(text: str, options: ColumnOptions) -> Value:
    if options.formats:
        return _in_formats(text, options).time()
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return time.fromisoformat(
        match["clock"].rjust(8 if match["clock"].count(":") > 1 else 5, "0") + _microseconds(match["fraction"])
    )


def _parse_interval(text: str, _options: ColumnOptions) -> Value:
    return parse_elapsed(text)


_PARSERS: Final[dict[SqlType, Callable[[str, ColumnOptions], Value]]] = {
    **dict.fromkeys(_NUMBERS, _parse_number),
    SqlType.BOOLEAN: _parse_boolean,
    SqlType.DATE: _parse_timestamp,
    SqlType.TIMESTAMP: _parse_timestamp,
    SqlType.TIME: _parse_time,
    SqlType.INTERVAL: _parse_interval,
}
