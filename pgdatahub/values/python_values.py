"""Kind and canonical COPY text of a single Python value.

This is the general, slow path for readers that yield Python values; :mod:`pgdatahub.plugins.infer` converts whole columns of
text at C speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import isfinite
from typing import Final

from pgdatahub.values.cells import ErrorValue, Kind, Value
from pgdatahub.values.copytext import escape, storable, unescape
from pgdatahub.values.numbers import (
    MAX_DIGITS,
    MAX_FRACTION_DIGITS,
    canonical_number,
    fraction_is_too_long,
    integer_or_float,
)


def type_value(value: Value) -> tuple[Kind | None, bytes]:
    """Return the kind and the canonical COPY text of one value; ``(None, b"")`` for an empty one.

    Raises:
        ValueError: The value is of a class that no column can hold.
        OverflowError: The value is an infinity, or has more digits than PostgreSQL's ``numeric`` takes.
    """
    if value is None:
        return None, b""
    typed = _TYPED.get(type(value))
    if typed is not None:
        return typed(value)
    for known, typed in _TYPED.items():
        if isinstance(value, known):
            return typed(value)
    raise ValueError(f"a reader yielded a {type(value).__name__}, which is not a valid cell value")


def canonical_text(value: Value) -> str:
    """Return a value's text in a TEXT column; ``""`` for an empty value.

    A reader of a format that has only text can parse values without altering any: it uses a parsed value only if the
    canonical text of the value equals the original text.

    Raises:
        ValueError: The value is of a class that no column can hold.
        OverflowError: The value is an infinity, or has more digits than PostgreSQL's ``numeric`` takes.
    """
    return unescape(type_value(value)[1])


def _type_integer(value: int) -> tuple[Kind, bytes]:
    if value.bit_length() > MAX_DIGITS * 10 // 3:  # a digit has more than 3.3 bits
        raise OverflowError(f"a number of more than {MAX_DIGITS:,} digits")
    return Kind.INTEGER, canonical_number(int(value))


def _type_boolean(value: bool) -> tuple[Kind, bytes]:
    return Kind.BOOLEAN, b"true" if value else b"false"


def _type_float(value: float) -> tuple[Kind | None, bytes]:
    if not isfinite(value):
        if value != value:
            return None, b""
        raise OverflowError("an infinite number")
    number = integer_or_float(float(value))
    return (Kind.INTEGER if isinstance(number, int) else Kind.NUMBER), canonical_number(number)


def _type_decimal(value: Decimal) -> tuple[Kind | None, bytes]:
    if not value.is_finite():
        return _type_float(float(value))
    if value and value.adjusted() >= MAX_DIGITS:
        raise OverflowError(f"a number of {value.adjusted() + 1:,} digits")
    if value == value.to_integral_value():
        return Kind.INTEGER, canonical_number(value) if value else b"0"
    if fraction_is_too_long(value):
        raise OverflowError(f"a number with more than {MAX_FRACTION_DIGITS:,} digits after the point")
    # A fraction equal to a double in every digit is an ordinary number.
    is_double = Decimal(repr(float(value))) == value
    return (Kind.NUMBER if is_double else Kind.DECIMAL), canonical_number(value)


def _type_text(value: str) -> tuple[Kind | None, bytes]:
    value = storable(value)
    if not value or value.isspace():
        return None, b""
    return Kind.TEXT, escape(value)


def _fraction(microsecond: int) -> str:
    return f".{microsecond:06d}".rstrip("0") if microsecond else ""


def _type_datetime(value: datetime) -> tuple[Kind, bytes]:
    if value.tzinfo is not None:
        value = value.astimezone(timezone.utc).replace(tzinfo=None)
    if value.time() == time():
        return _type_date(value.date())
    text = value.replace(microsecond=0).isoformat(" ") + _fraction(value.microsecond)
    return Kind.TIMESTAMP, text.encode()


def _type_date(value: date) -> tuple[Kind, bytes]:
    return Kind.DATE, value.isoformat().encode()


def _type_time(value: time) -> tuple[Kind, bytes]:
    text = value.replace(microsecond=0, tzinfo=None).isoformat() + _fraction(value.microsecond)
    return Kind.TIME, text.encode()


def _type_interval(value: timedelta) -> tuple[Kind, bytes]:
    size = abs(value)
    minutes, seconds = divmod(size.days * 86400 + size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if value < timedelta() else ""
    return Kind.INTERVAL, f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{_fraction(size.microseconds)}".encode()


def _type_error(value: ErrorValue) -> tuple[Kind | None, bytes]:
    return _type_text(value.code)


_TYPED: Final[Mapping[type, Callable[..., tuple[Kind | None, bytes]]]] = {
    # The order matters: a bool is an int, and a datetime is a date.
    str: _type_text,
    bool: _type_boolean,
    int: _type_integer,
    float: _type_float,
    Decimal: _type_decimal,
    datetime: _type_datetime,
    date: _type_date,
    time: _type_time,
    timedelta: _type_interval,
    ErrorValue: _type_error,
}
