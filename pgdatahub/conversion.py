"""Values under a type that the settings ask for: text parsed as numbers and dates, or a clear refusal.

Without a setting nothing is ever parsed; with one, a value that does not fit fails its file, naming the cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from pgdatahub.cells import Column, Kind, Texts, Value
from pgdatahub.config import ColumnOptions
from pgdatahub.copytext import unescape
from pgdatahub.lattice import SqlType, widens_to
from pgdatahub.numbers import integer_or_float, parse_number

_NUMBERS = frozenset(
    {SqlType.INTEGER, SqlType.BIGINT, SqlType.BIGINT_WIDE, SqlType.REAL, SqlType.DOUBLE, SqlType.NUMERIC}
)
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ELAPSED = re.compile(r"(-?)([0-9]+):([0-5]?[0-9])(?::([0-5]?[0-9](?:\.[0-9]{1,6})?))?")


def configured_type(options: ColumnOptions | None) -> SqlType | None:
    """Return the type that the settings give a column, None if they leave it to the values."""
    return options.sql_type if options is not None else None


def convert(column: Column, options: ColumnOptions) -> Sequence[Value]:
    """Return the cells of a column as values of its configured type, which ``options`` must have.

    Raises:
        ConversionFailure: A cell does not fit; it carries the index of the cell.
    """
    wanted = options.sql_type or SqlType.TEXT
    parse = _PARSERS.get(wanted)
    converted: list[Value] = []
    for index, value in enumerate(as_values(column)):
        if isinstance(value, str) and parse is not None:
            try:
                value = parse(value.strip(), options) if value.strip() else None
            except (ValueError, ArithmeticError):
                raise ConversionFailure(index, value) from None
        if value is not None and not _fits(value, wanted):
            raise ConversionFailure(index, value)
        converted.append(value)
    return converted


class ConversionFailure(Exception):
    """A cell does not fit its column's configured type.

    Args:
        index: Of the cell in its batch.
        value: What it says.
    """

    def __init__(self, index: int, value: Value) -> None:
        super().__init__(index, value)
        self.index = index
        self.value = value


def as_values(column: Column) -> Sequence[Value]:
    """Return a column as Python values, whatever form it travels in."""
    if isinstance(column, Texts):
        return [_VALUES[column.kind](text) if text else None for text in column.texts]
    return column


def _fits(value: Value, wanted: SqlType) -> bool:
    if wanted is SqlType.TEXT:
        return True
    if isinstance(value, bool):
        return wanted is SqlType.BOOLEAN
    if isinstance(value, int):
        return wanted in _NUMBERS and (
            _integer_fits(value, wanted) if wanted is not SqlType.REAL else float32(value) == value
        )
    if isinstance(value, float):
        number = integer_or_float(value)
        if isinstance(number, int):
            return _fits(number, wanted)
        return wanted in (SqlType.DOUBLE, SqlType.NUMERIC) or (wanted is SqlType.REAL and _real_holds(value))
    if isinstance(value, Decimal):
        return wanted is SqlType.NUMERIC or (wanted is SqlType.DOUBLE and Decimal(repr(float(value))) == value)
    if isinstance(value, datetime):
        return wanted is SqlType.TIMESTAMP or (wanted is SqlType.DATE and value.time() == time())
    if isinstance(value, date):
        return wanted in (SqlType.DATE, SqlType.TIMESTAMP)
    if isinstance(value, time):
        return wanted is SqlType.TIME
    return isinstance(value, timedelta) and wanted is SqlType.INTERVAL


def _integer_fits(value: int, wanted: SqlType) -> bool:
    from pgdatahub.lattice import integer_type

    return widens_to(integer_type(abs(value)), wanted)


def float32(value: float) -> float:
    """Return the nearest IEEE 754 binary32 number, as ``real`` would store it."""
    import struct

    try:
        stored: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf")
    return stored


def _real_holds(value: float) -> bool:
    # Shortest digits are what people wrote: 0.1 fits a real if the real nearest to it prints as 0.1 again.
    return float(f"{float32(value):.7g}") == value or float32(value) == value


def _parse_number(text: str, options: ColumnOptions) -> Value:
    if options.thousands:
        text = _without_thousands(text, options.thousands, options.decimal or ".")
    if options.decimal and options.decimal != ".":
        if "." in text:
            raise ValueError(text)
        text = text.replace(options.decimal, ".")
    if not _PLAIN_NUMBER.fullmatch(text):
        raise ValueError(text)
    if options.type == "numeric":
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else number
    return parse_number(text.encode())


def _without_thousands(text: str, mark: str, decimal: str) -> str:
    whole, point, fraction = text.partition(decimal)
    groups = whole.lstrip("+-").split(mark)
    # 1.5 under a thousands mark of "." must not become 15: every group but the first has three digits.
    if len(groups) > 1 and (len(groups[0]) not in (1, 2, 3) or any(len(group) != 3 for group in groups[1:])):
        raise ValueError(text)
    if mark in fraction:
        raise ValueError(text)
    return whole.replace(mark, "") + point + fraction


def _parse_boolean(text: str, options: ColumnOptions) -> Value:
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _refuse(text)


def _refuse(text: str) -> Value:
    raise ValueError(text)


def _parse_timestamp(text: str, options: ColumnOptions) -> Value:
    if options.format:
        # The table's timestamps have no zone, and neither has what is written in a sheet.
        return datetime.strptime(text, options.format).replace(tzinfo=None)
    return datetime.fromisoformat(text)


def _parse_time(text: str, options: ColumnOptions) -> Value:
    if options.format:
        return datetime.strptime(text, options.format).time()  # noqa: DTZ007 - a time of day has no zone here
    return time.fromisoformat(text)


def _parse_interval(text: str, options: ColumnOptions) -> Value:
    match = _ELAPSED.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign, hours, minutes, seconds = match.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds or 0))
    return -size if sign else size


_PARSERS: Final[dict[SqlType, Callable[[str, ColumnOptions], Value]]] = {
    **dict.fromkeys(_NUMBERS, _parse_number),
    SqlType.BOOLEAN: _parse_boolean,
    SqlType.DATE: _parse_timestamp,
    SqlType.TIMESTAMP: _parse_timestamp,
    SqlType.TIME: _parse_time,
    SqlType.INTERVAL: _parse_interval,
}


def _timestamp_value(text: bytes) -> Value:
    return datetime.fromisoformat(_padded(text.decode()))


def _time_value(text: bytes) -> Value:
    return time.fromisoformat(_padded(text.decode()))


def _padded(text: str) -> str:
    # Before Python 3.11 fromisoformat takes three or six digits of a fraction only.
    head, point, fraction = text.partition(".")
    return head + point + fraction.ljust(6, "0") if point else head


def _interval_value(text: bytes) -> Value:
    return _parse_interval(text.decode(), ColumnOptions())


_VALUES: Final[dict[Kind, Callable[[bytes], Value]]] = {
    Kind.INTEGER: parse_number,
    Kind.NUMBER: parse_number,
    Kind.DECIMAL: lambda text: Decimal(text.decode()),
    Kind.BOOLEAN: lambda text: text == b"true",
    Kind.DATE: _timestamp_value,
    Kind.TIMESTAMP: _timestamp_value,
    Kind.TIME: _time_value,
    Kind.INTERVAL: _interval_value,
    Kind.TEXT: unescape,
}
