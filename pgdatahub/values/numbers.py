"""Numbers: integers and doubles, and their canonical texts.

A number is an integer if its text is only digits (of any length, exact), or if its value is whole and at most 2^53
(``43.0``, ``4.3E1``). Any other number is the double closest to its text. ``-0`` is 0.

The canonical text of a number is plain decimal notation with the shortest digits that round-trip: no exponent, no
trailing zeros, no point for integers. PostgreSQL gives the same text for ``c::text::numeric::text`` of a double, whose
``c::text`` is the shortest round-trip form too (``extra_float_digits`` ≥ 1).
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from math import inf, isfinite, nextafter
from typing import Final

from pgdatahub.values.sql_types import SAFE_INTEGER

MAX_DIGITS = 100_000
"""The longest accepted number; ``numeric`` takes 131,072 digits before the point
(https://www.postgresql.org/docs/current/datatype-numeric.html)."""
MAX_FRACTION_DIGITS = 16_383
"""Digits that ``numeric`` takes after the point."""
_EXACT: Final = Context(prec=MAX_DIGITS + MAX_FRACTION_DIGITS, traps=[Inexact])
"""A context that never rounds; Decimal's default context rounds to 28 digits."""
_LONG_DIGITS: Final = 4000
"""Longer integers become a Decimal, in linear time; ``int`` takes quadratic time."""


def parse_number(text: bytes) -> int | float:
    """Parse a number: an int by the module's rule, else a float.

    Args:
        text: A number in the syntax of XML Schema's ``double``, without ``INF`` and ``NaN``.

    Raises:
        ValueError: The text is not a number.
        OverflowError: The number is beyond the range of a double, and the text is not only digits.
    """
    digits = text[1:] if text[:1] in (b"-", b"+") else text
    if digits.isdigit():
        return _parse_digits(text)
    value = float(text)
    if not isfinite(value):
        if digits[:1].isdigit() or digits[:1] == b".":
            raise OverflowError(f"{text[:40].decode()} is beyond a double")
        raise ValueError(f"{text[:40]!r} is not a number")
    return integer_or_float(value)


def parse_value(text: bytes) -> int | float | Decimal:
    """Parse a number as :func:`parse_number` does; a long integer becomes a Decimal, in linear time.

    Raises:
        ValueError: The text is not a number.
        OverflowError: The number has too many digits, or is beyond the range of a double.
    """
    if len(text) > _LONG_DIGITS and text.lstrip(b"+-").isdigit():
        if len(text) > MAX_DIGITS:
            raise OverflowError(f"a number of {len(text):,} digits")
        return Decimal(text.decode())
    return parse_number(text)


def parse_decimal(text: str) -> int | Decimal:
    """Parse a number exactly: an int if it is whole and not long, else a Decimal.

    Raises:
        ArithmeticError: The text is not a number, or it has more digits than PostgreSQL's ``numeric`` takes.
    """
    number = Decimal(text)
    if not number:
        return 0
    if number.adjusted() >= MAX_DIGITS:
        raise OverflowError(f"a number of {number.adjusted() + 1:,} digits")
    # Check before any code writes the digits: 3E1000000 has a million of them.
    if fraction_is_too_long(number):
        raise OverflowError(f"a number with more than {MAX_FRACTION_DIGITS:,} digits after the point")
    if number != number.to_integral_value():
        return number
    return int(number) if number.adjusted() < _LONG_DIGITS else number


def fraction_is_too_long(number: Decimal) -> bool:
    """Return whether a number has more digits after the point than PostgreSQL's ``numeric`` takes.

    Args:
        number: A finite number of at most ``MAX_DIGITS`` digits before the point.
    """
    try:
        return -int(number.normalize(_EXACT).as_tuple().exponent) > MAX_FRACTION_DIGITS
    except Inexact:
        # More digits than both parts may have.
        return True


def _parse_digits(text: bytes) -> int:
    if len(text) > MAX_DIGITS:
        raise OverflowError(f"a number of {len(text):,} digits")
    if len(text) <= _LONG_DIGITS:
        return int(text)
    # int() refuses more than 4,300 digits (https://docs.python.org/3/library/stdtypes.html#int-max-str-digits), since
    # its time grows with the square; Decimal reads them in linear time, and the limit above bounds the conversion.
    return int(Decimal(text.decode()))


def integer_or_float(value: float) -> int | float:
    """Return a finite float as an int if it is whole and at most 2^53, else unchanged."""
    if value.is_integer() and abs(value) <= SAFE_INTEGER:
        return int(value)
    return value


def canonical_number(value: float | Decimal) -> bytes:
    """Return the canonical text of a finite number."""
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float):
        text = repr(value)
        if "e" not in text and not text.endswith(".0"):
            return text.encode()
        if "e+" in text:
            return _integer_text(_whole_digits(value, len(text.partition("e")[0].strip("-").replace(".", ""))))
        value = Decimal(text)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return b"0" if text in ("-0", "") else text.encode()


def _whole_digits(value: float, fewest: int) -> int:
    """Return the shortest digits of a double of at least 10^16, and of several shortest the nearest.

    Python's digits sometimes differ from the server's: Python may choose a number half-way between two doubles, and writes
    39984794546555744 as 3.998479454655574e+16; PostgreSQL's algorithm (Ryu) never chooses such a number. From 2^54 on a
    half-way number can be the shortest; below, half-way numbers have more than 17 digits.

    Two candidates are never equally near: half of a power of ten is not a multiple of the distance of two doubles that has
    room for both.

    Args:
        value: The double.
        fewest: The number of digits that Python writes; the server never writes fewer.
    """
    exact = abs(int(value))
    down = exact - int(nextafter(abs(value), 0))
    following = nextafter(abs(value), inf)
    up = int(following) - exact if isfinite(following) else down
    length = len(str(exact))
    for digits in range(fewest, 18):
        unit = 10 ** (length - digits)
        low = exact // unit * unit
        inside = [number for number in (low, low + unit) if -down < 2 * (number - exact) < up]
        if inside:
            nearest: int = min(inside, key=lambda number: abs(number - exact))
            return nearest if value > 0 else -nearest
    raise AssertionError("17 digits distinguish every double from its neighbours")


def _integer_text(value: int) -> bytes:
    if value.bit_length() < 13_000:  # fewer than 4,000 digits; see _parse_digits
        return b"%d" % value
    return format(Decimal(value), "f").encode()
