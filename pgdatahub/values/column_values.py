"""Conversion of a column's COPY texts to Python values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final

from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.copytext import unescape
from pgdatahub.values.numbers import parse_value

_ELAPSED = re.compile(r"(-?)([0-9]+):([0-5]?[0-9])(?::([0-5]?[0-9](?:\.[0-9]{1,6})?))?")


def as_values(column: Column) -> Sequence[Value]:
    """Return a column of either form as Python values."""
    if isinstance(column, TextColumn):
        return [VALUES[column.kind](text) if text else None for text in column.texts]
    return column


def parse_elapsed(text: str) -> timedelta:
    """Parse a duration ``[-]H…H:MM[:SS[.f]]``.

    Raises:
        ValueError: The text is not a duration.
    """
    match = _ELAPSED.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign, hours, minutes, seconds = match.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds or 0))
    return -size if sign else size


def _timestamp_value(text: bytes) -> Value:
    return datetime.fromisoformat(_padded(text.decode()))


def _time_value(text: bytes) -> Value:
    return time.fromisoformat(_padded(text.decode()))


def _padded(text: str) -> str:
    # Before Python 3.11, fromisoformat accepts only three or six digits of a fraction.
    head, point, fraction = text.partition(".")
    return head + point + fraction.ljust(6, "0") if point else head


def _interval_value(text: bytes) -> Value:
    return parse_elapsed(text.decode())


VALUES: Final[Mapping[Kind, Callable[[bytes], Value]]] = {
    Kind.INTEGER: parse_value,
    Kind.NUMBER: parse_value,
    Kind.DECIMAL: lambda text: Decimal(text.decode()),
    Kind.BOOLEAN: lambda text: text == b"true",
    Kind.DATE: _timestamp_value,
    Kind.TIMESTAMP: _timestamp_value,
    Kind.TIME: _time_value,
    Kind.INTERVAL: _interval_value,
    Kind.TEXT: unescape,
}
"""Kind → parser of a text that is not empty."""
