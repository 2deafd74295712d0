r"""A column of numbers as one piece, a number a line, empty lines for none.

What a pattern or a search finds there at once, in 5 to 25 ns a number, takes ten times as long number by number. Only what
may have more digits than it needs is read and written again, and that by orjson: a column in 80 ns a number, where
``float`` and ``repr`` take 600.
"""

from __future__ import annotations

import re
from itertools import compress
from math import inf

import orjson

from pgdatahub.values.fields import Fields
from pgdatahub.values.numbers import canonical_number

_WHOLE = re.compile(rb"\.0(?<![0-9]{15}\.0)0*(?![0-9])")
"""Nothing but zeros after the point of fewer than 15 digits: an integer, since it is below 2^53. More digits need a closer
look. (The pattern begins with two literal bytes, for which alone :mod:`re` searches quickly.)"""
_WHOLE_DOUBLE = re.compile(rb"\.0(?![0-9])")
_TRAILING_ZERO = re.compile(rb"\.[0-9]*0(?![0-9])")
_MINUS_ZERO = re.compile(rb"-0(?<![0-9]-0)(?![0-9.])")
_LINE_END = re.compile(rb"\n")
_LINE_ENDS_RUN = re.compile(rb"(\n+)")
_LINE_ENDS = bytes.maketrans(b".\n", b"\0\1")

_AS_ZEROS = bytes.maketrans(b"123456789.-", b"00000000000")
_LONG = b"0" * 17
"""Up to 15 significant digits, decimal text and double correspond one to one (DBL_DIG of IEEE 754 binary64), so a fraction
of 15 digits and a point is canonical as it stands, but for zeros at its end. From 17 bytes on it may be too long."""


def canonical_lines(lines: bytes) -> bytes | None:
    """Return numbers, written as JSON has them, in their canonical texts; None if one of them has to be looked at alone.

    That one is a double beyond 2^53, whose canonical text would look like an integer's, or larger than any double, or
    no number.
    """
    if b"," in lines:  # which would be two numbers to orjson
        return None
    if b"e" in lines or b"E" in lines or (b"." in lines and _any_is_long(lines)):
        shortest = _shortest_lines(lines)
    elif b"." in lines:
        shortest = _WHOLE.sub(b"", lines)
        if _TRAILING_ZERO.search(shortest):
            shortest = _shortest_lines(shortest)
    else:
        shortest = lines
    return _MINUS_ZERO.sub(b"0", shortest) if shortest and b"-" in shortest else shortest


def _any_is_long(lines: bytes) -> bool:
    # A column of doubles mostly shows one at once.
    return _LONG in lines[:4096].translate(_AS_ZEROS) or _LONG in lines.translate(_AS_ZEROS)


def _shortest_lines(lines: bytes) -> bytes | None:
    """Return numbers in the shortest digits that denote the same double; None as above."""
    if b"null" in lines:  # which is no number, though JSON has it
        return None
    if 4 * lines.count(b"\n\n") > lines.count(b"\n"):
        return _shortest_of_few(lines)
    shortest = _read_and_write(lines.replace(b"\n", b","))
    if shortest is None:
        # Perhaps for an empty line, which JSON would call null.
        shortest = _read_and_write(b",".join([line or b"null" for line in lines.split(b"\n")]))
        shortest = shortest and shortest.replace(b"null", b"")
    if shortest is None:
        return None
    if b"e" in shortest:
        # Python and PostgreSQL do not write all large doubles alike, see canonical_number.
        if shortest.count(b"e") != shortest.count(b"e-"):
            return None
        numbers = shortest.split(b",")
        shortest = b",".join([canonical_number(float(number)) if b"e" in number else number for number in numbers])
    if _WHOLE_DOUBLE.search(shortest):
        shortest = _WHOLE.sub(b"", shortest)
        if _WHOLE_DOUBLE.search(shortest):
            return None
    return shortest.replace(b",", b"\n")


def _shortest_of_few(lines: bytes) -> bytes | None:
    """Return the same where most lines are empty, which are passed by."""
    numbers = b"\n".join(lines.split())
    shortest = _shortest_lines(numbers)
    if shortest is None or shortest == numbers:
        return shortest and lines
    between = lines.strip(b"\n")
    before = lines.index(between)
    parts = _LINE_ENDS_RUN.split(between)
    parts[::2] = shortest.split(b"\n")
    return b"".join([lines[:before], *parts, lines[before + len(between) :]])


def _read_and_write(numbers: bytes) -> bytes | None:
    try:
        return orjson.dumps(orjson.loads(b"[%s]" % numbers))[1:-1]
    except orjson.JSONDecodeError:
        return None


def integers_of(numbers: Fields) -> bytes:
    """Return the integers among canonical numbers, with commas between them."""
    if b"." not in numbers.lines:
        return numbers.lines.replace(b"\n", b",") if numbers.is_full else b",".join(numbers.lines.split())
    # One byte a number: the point of a fraction, or the line's end where there is no point.
    shapes = (numbers.lines + b"\n").translate(None, b"-0123456789").replace(b".\n", b".")
    if len(shapes) != len(numbers):  # not written as JSON has it
        others = [number for number in numbers if b"." not in number]
    elif shapes.count(b"\n") < len(shapes) // 4:
        # Where they are few, as whole amounts among prices are, it takes half the time to go from one to the next.
        others = [numbers[found.start()] for found in _LINE_END.finditer(shapes)]
    else:
        others = list(compress(numbers, shapes.translate(_LINE_ENDS)))
    return b",".join(filter(None, others))


def largest_integer(integers: bytes) -> bytes:
    """Return the first of the integers whose absolute value is the largest.

    Args:
        integers: Their canonical texts, one or more, with commas between them.

    Raises:
        ValueError: One of them is no number.
    """
    values: list[int | float]
    try:
        values = orjson.loads(b"[%s]" % integers)
    except orjson.JSONDecodeError:  # beyond a double
        values = [inf]
    most, least = max(values), min(values) if b"-" in integers else 0
    if isinstance(most, float) or isinstance(least, float):
        # Integers of more than 64 bits, of which orjson makes doubles: they are beyond all others.
        texts = integers.split(b",")
        sizes = [(len(digits), digits) for digits in (text.lstrip(b"-") for text in texts)]
        return texts[sizes.index(max(sizes))]
    if most == -least:
        return b"%d" % next(value for value in values if abs(value) == most)
    return b"%d" % max(most, least, key=abs)


def index_of(lines: bytes, text: bytes) -> int:
    """Return the index of the first line that is ``text``, which must be there."""
    lines = b"\n%s\n" % lines
    return lines.count(b"\n", 0, lines.index(b"\n%s\n" % text))
