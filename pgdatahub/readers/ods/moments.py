"""Dates and durations of OpenDocument (``office:date-value``, ``office:time-value``) → values, by the cell's number format.

The values are ISO 8601 and carry their kind. The number format matters where it shows another kind than the value's: a
time format shows 36 hours as a date, since a number of 1 or more under a time format is a date in every file format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, TypeAlias

from pgdatahub.readers.numbers.number_formats import NumberFormat, Shown
from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.numbers import integer_or_float

Moment: TypeAlias = "tuple[Kind, bytes]"
"""A kind, and a field of ``COPY`` of this kind; an empty field for a 0 that the format hides."""

_DAY: Final = 86_400_000_000
_DATE: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,40}))?)?(Z|[-+][0-9]{2}:?[0-9]{2})?"
    r"|Z|[-+][0-9]{2}:?[0-9]{2})?"
)
_DURATION: Final = re.compile(
    r"([-+]?)P(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,11})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,14})(?:[.,]([0-9]{0,40}))?S)?)?"
)
_LONGEST: Final = 99_999_999 * _DAY
"""Microseconds of a duration that PostgreSQL's ``interval`` holds with ease."""
_REMEMBERED: Final = 20_000


class Moments:
    """Makes values of the dates and durations of a workbook.

    Args:
        null_date: The date of the number 0.
    """

    def __init__(self, null_date: date) -> None:
        self._null = datetime.combine(null_date, time())
        self._known: dict[tuple[bool, NumberFormat], dict[str, Moment | None]] = {}

    def dates(self, number_format: NumberFormat, texts: Sequence[str]) -> Column:
        """Return date values as a column; one that is not a date stays a text."""
        return self._column(True, number_format, texts)

    def durations(self, number_format: NumberFormat, texts: Sequence[str]) -> Column:
        """Return time values as a column; one that is not a duration stays a text."""
        return self._column(False, number_format, texts)

    def _column(self, is_date: bool, number_format: NumberFormat, texts: Sequence[str]) -> Column:
        convert: Callable[[NumberFormat, str], Moment | None] = self._date if is_date else self._duration
        remembered = self._known.setdefault((is_date, number_format), {})
        distinct = set(texts)
        distinct.discard("")
        if len(remembered) > _REMEMBERED:
            remembered.clear()
        for text in distinct:
            if text not in remembered:
                remembered[text] = convert(number_format, text)
        known = {text: remembered[text] for text in distinct}
        kinds = {moment[0] if moment else None for moment in known.values()}
        if len(kinds) == 1 and (kind := next(iter(kinds))) is not None:
            fields = {text: moment[1] for text, moment in known.items() if moment}
            fields[""] = b""
            return TextColumn(kind=kind, texts=[fields[text] for text in texts])
        values: dict[str, Value] = {text: _value(text, moment) for text, moment in known.items()}
        values[""] = None
        return [values[text] for text in texts]

    def _date(self, number_format: NumberFormat, text: str) -> Moment | None:
        moment = parse_date(text)
        if moment is None:
            return None
        elapsed = (moment - self._null) // timedelta(microseconds=1)
        shown = self._shown(number_format, elapsed)
        if shown is Shown.NOTHING and elapsed == 0:
            return Kind.TIMESTAMP, b""
        if shown is Shown.TIME and 0 <= elapsed < _DAY:
            return Kind.TIME, _clock(elapsed)
        if shown is Shown.ELAPSED and abs(elapsed) <= _LONGEST:
            return Kind.INTERVAL, _interval(elapsed)
        return _timestamp(moment)

    def _duration(self, number_format: NumberFormat, text: str) -> Moment | None:
        elapsed = parse_duration(text)
        if elapsed is None or abs(elapsed) > _LONGEST:
            return None
        shown = self._shown(number_format, elapsed)
        if shown is Shown.NOTHING and elapsed == 0:
            return Kind.TIME, b""
        if 0 <= elapsed < _DAY and shown not in (Shown.ELAPSED, Shown.DATE):
            return Kind.TIME, _clock(elapsed)
        if shown not in (Shown.TIME, Shown.DATE):
            return Kind.INTERVAL, _interval(elapsed)
        if elapsed >= 0:
            try:
                return _timestamp(self._null + timedelta(microseconds=elapsed))
            except OverflowError:
                pass
        # Neither a time of day nor a date: the number of days that the sheet has, as in other file formats.
        return Kind.NUMBER, repr(integer_or_float(elapsed / _DAY)).encode()

    @staticmethod
    def _shown(number_format: NumberFormat, elapsed: int) -> Shown:
        only = number_format.only
        return only.shown if only is not None else number_format.section_for(elapsed / _DAY).shown


def parse_date(text: str) -> datetime | None:
    """Return a date value, rounded to microseconds, in UTC if it has an offset; None if it is not a date."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(day)
        if hour is None:
            return moment
        moment = moment.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
        moment += timedelta(microseconds=_microseconds(fraction))
        if zone is None or zone == "Z":
            return moment
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
        return moment.astimezone(timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def parse_duration(text: str) -> int | None:
    """Return a time value in microseconds, rounded; None if it is not a duration of days, hours, minutes and seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    sign, *parts, fraction = match.groups()
    if not any(parts) or text.endswith("T"):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in parts)
    elapsed = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000 + _microseconds(fraction)
    return -elapsed if sign == "-" else elapsed


def _microseconds(fraction: str | None) -> int:
    """Return the digits of a fraction of a second as microseconds, rounded half up."""
    digits = (fraction or "").ljust(7, "0")
    return int(digits[:6]) + (digits[6] >= "5")


def _timestamp(moment: datetime) -> Moment:
    if moment.time() == time():
        return Kind.TIMESTAMP, moment.date().isoformat().encode()
    text = moment.isoformat(" ")
    return Kind.TIMESTAMP, (text.rstrip("0") if moment.microsecond else text).encode()


def _clock(elapsed: int) -> bytes:
    seconds, fraction = divmod(elapsed, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    text = b"%02d:%02d:%02d" % (*divmod(minutes, 60), seconds)
    return text + (b".%06d" % fraction).rstrip(b"0") if fraction else text


def _interval(elapsed: int) -> bytes:
    return (b"-" if elapsed < 0 else b"") + _clock(abs(elapsed))


def _value(text: str, moment: Moment | None) -> Value:
    if moment is None:
        return text if text.strip() else None
    return as_values(TextColumn(kind=moment[0], texts=(moment[1],)))[0]
