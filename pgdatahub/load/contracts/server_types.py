"""Values that types of the server hold without a change, as far as this program can tell without the server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timezone
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson

from pgdatahub.values.iso_texts import parse_iso_timestamp

Holds = Callable[[str], bool]
Form = Callable[[str], str]

_TYPE: Final = re.compile(r"([a-z ]+?) ?(?:\( ?([0-9]+)(?: ?, ?([0-9]+))? ?\))?")
_UUID: Final = re.compile(r"\{?[0-9a-f]{4}(?:-?[0-9a-f]{4}){7}\}?", re.IGNORECASE)


@lru_cache(maxsize=256)
def judge_of(name: str) -> Holds | None:
    """Return a function that tells whether a type of the server holds a text; None for a type that only the server knows."""
    match = _TYPE.fullmatch(name.strip().lower())
    if match is None:
        return None
    base, first, second = match.groups()
    if base in _LENGTHS:
        return _holds_length(int(first)) if first else None
    if base in ("numeric", "decimal"):
        return _holds_number(int(first), int(second or 0)) if first else None
    return None if first else _PLAIN.get(base)


def form_of(name: str) -> Form | None:
    """Return a function from a text that the type holds to a form in which equal values of the type are equal.

    None for a type of which texts are equal where values are, as far as this program knows.
    """
    match = _TYPE.fullmatch(name.strip().lower())
    return None if match is None else _FORMS.get(match[1])


def _holds_length(most: int) -> Holds:
    return lambda text: len(text) <= most


def _holds_number(precision: int, scale: int) -> Holds:
    limit = Decimal(10) ** (precision - scale)

    def holds(text: str) -> bool:
        try:
            number = Decimal(text)
        except InvalidOperation:
            return False
        digits = -int(number.as_tuple().exponent) if "." in text else 0
        return abs(number) < limit and digits <= scale

    return holds


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None and text.startswith("{") == text.endswith("}")


def _is_moment(text: str) -> bool:
    try:
        parse_iso_timestamp(text)
    except ValueError:
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _moment_form(text: str) -> str:
    moment = parse_iso_timestamp(text)
    if moment.year in (1, 9999):
        return text  # in UTC it may be in a year that the program does not know
    # The server takes a time without a zone as one of UTC, the zone that each transaction sets.
    return str(moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc))


def _json_form(text: str) -> str:
    try:
        return repr(_plain(json.loads(text, parse_int=Fraction, parse_float=Fraction)))
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        return text


def _plain(value: Any) -> Any:
    """Return a value of JSON in which neither the order of keys nor the digits of a number differ."""
    if isinstance(value, dict):
        return sorted((key, _plain(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return value


_LENGTHS: Final = frozenset({"varchar", "character varying", "char", "character", "bpchar"})
_PLAIN: Final[Mapping[str, Holds]] = {
    "uuid": _is_uuid,
    "timestamptz": _is_moment,
    "timestamp with time zone": _is_moment,
    "json": _is_json,
    "jsonb": _is_json,
}
_FORMS: Final[Mapping[str, Form]] = {
    **dict.fromkeys(("char", "character", "bpchar"), lambda text: text.rstrip(" ")),
    "uuid": lambda text: UUID(text).hex,
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), _moment_form),
    "jsonb": _json_form,
}
