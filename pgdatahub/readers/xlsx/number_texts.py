"""Conversion of numbers in workbooks to JSON's syntax."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from pgdatahub.values.numbers import MAX_DIGITS, parse_number

_PLAIN = re.compile(rb"-?(?!0[0-9])[0-9]{1,200}(?:\.[0-9]{1,80}|)(?:[eE][-+]?[0-9]{1,2}|)")
"""Numbers that stay unchanged: in a double's range whatever the digits, without leading zeros, ``+`` or bare point."""
_NUMBER_CHARACTERS = b"0123456789+-.eE,"
_LOOSE = re.compile(rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"\s*[-+]?(?:nan|inf(?:inity)?|1\.#[a-z]+)\s*", re.IGNORECASE)


def is_no_number(text: str) -> bool:
    """Return whether a text is NaN or an infinity, which programs write into number cells instead of an error."""
    return len(text) < 40 and _NO_NUMBER.fullmatch(text) is not None


class InvalidNumberError(ValueError):
    """A text is not a number, or is a number that no column can hold; the argument is the reason."""


def plain_number(text: bytes) -> bytes:
    """Return a number's text in JSON's syntax, from any form that XML Schema's ``double`` allows.

    Raises:
        InvalidNumberError: The text is not a number, or no column can hold the number.
    """
    if _PLAIN.fullmatch(text):
        return text
    number_shown = shown(text)
    if not _LOOSE.fullmatch(text):
        raise InvalidNumberError(f"{number_shown} is not a number")
    digits = text.lstrip(b"+-")
    if digits.isdigit():
        # Without int(), whose time grows with the square of the number of digits.
        digits = digits.lstrip(b"0") or b"0"
        if len(digits) > MAX_DIGITS:
            raise InvalidNumberError(f"the number {number_shown} has more than {MAX_DIGITS:,} digits")
        return b"-" + digits if text.startswith(b"-") and digits != b"0" else digits
    try:
        number = parse_number(text)
    except OverflowError as error:
        raise InvalidNumberError(f"the number {number_shown} is too large for any column") from error
    # A double beyond 2^53 keeps its exponent: digits alone would claim that each digit is exact.
    return b"%d" % number if isinstance(number, int) else repr(number).encode()


def shown(text: bytes) -> str:
    """Return the beginning of a cell's text, quoted, for an error."""
    return repr(text[:40].decode("utf-8", "replace"))


def are_plain_numbers(texts: Sequence[bytes]) -> bool:
    """Return whether all texts that are not empty are numbers in JSON's syntax that a double can hold.

    The function checks a whole column at a time: a check in the row expression took twice as long.
    """
    present = list(filter(None, texts))
    joined = b",".join(present)
    if joined.translate(None, _NUMBER_CHARACTERS):
        return False
    try:
        numbers = orjson.loads(b"[%s]" % joined)
    except orjson.JSONDecodeError:
        return False
    return len(numbers) == len(present)  # a text with a comma would count as two


def parse_indexes(texts: Sequence[bytes]) -> list[int]:
    """Parse indexes written in digits, all at once; leading zeros are allowed."""
    try:
        numbers: list[int] = orjson.loads(b"[%s]" % b",".join(texts))
    except orjson.JSONDecodeError:  # a leading zero
        numbers = list(map(int, texts))
    return numbers
