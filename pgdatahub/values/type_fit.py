"""Values that a column of a type holds without change."""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Final

from pgdatahub.values.cells import Value
from pgdatahub.values.numbers import integer_or_float
from pgdatahub.values.sql_types import SqlType, integer_type, widens_to

NUMBERS: Final = frozenset(
    {SqlType.INTEGER, SqlType.BIGINT, SqlType.BIGINT_WIDE, SqlType.REAL, SqlType.DOUBLE, SqlType.NUMERIC}
)


def fits(value: Value, wanted: SqlType) -> bool:
    """Return whether a column of a type holds a value; no cell is rounded to fit."""
    if wanted is SqlType.TEXT:
        return True
    if isinstance(value, bool):
        return wanted is SqlType.BOOLEAN
    if isinstance(value, float):
        value = integer_or_float(value)
    if isinstance(value, int | float | Decimal) and wanted is SqlType.REAL:
        return real_holds(value)
    if isinstance(value, int):
        return wanted in NUMBERS and widens_to(integer_type(abs(value)), wanted)
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
