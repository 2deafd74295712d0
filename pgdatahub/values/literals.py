"""Values in settings, parsed as a column's type and made canonical, as the values of its cells are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from pgdatahub.values.cells import Value
from pgdatahub.values.column_values import parse_elapsed
from pgdatahub.values.iso_texts import parse_boolean, parse_clock, parse_iso_timestamp
from pgdatahub.values.numbers import parse_decimal, parse_number
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.type_fit import NUMBERS, fits

Bound = Decimal | str | float
"""A value whose order is that of the cells: a number, the text of a date or time, the seconds of an interval."""


def literal_field(text: str, wanted: SqlType) -> bytes:
    """Return the ``COPY`` field of a value in a column of type ``wanted``.

    Numbers have a point and no other marks; dates and times are in ISO 8601: settings do not depend on the notation of cells.

    Raises:
        ValueError: The text is not a value of that type, or is an empty cell.
    """
    try:
        value = _PARSERS[wanted](text.strip()) if wanted in _PARSERS else text
        kind, field = type_value(value)
    except ArithmeticError as error:
        raise ValueError(text) from error
    if kind is None or not fits(value, wanted):
        raise ValueError(text)
    return field


def order_of(field: bytes, wanted: SqlType) -> Bound:
    """Return the place of a canonical field in the order of its type."""
    text = field.decode()
    if wanted in NUMBERS:
        return Decimal(text)
    return parse_elapsed(text).total_seconds() if wanted is SqlType.INTERVAL else text


def _number(text: str) -> Value:
    return parse_number(text.encode())


_PARSERS: Final[Mapping[SqlType, Callable[[str], Value]]] = {
    **dict.fromkeys(NUMBERS, _number),
    SqlType.NUMERIC: parse_decimal,
    SqlType.BOOLEAN: parse_boolean,
    SqlType.DATE: parse_iso_timestamp,
    SqlType.TIMESTAMP: parse_iso_timestamp,
    SqlType.TIME: parse_clock,
    SqlType.INTERVAL: parse_elapsed,
}
