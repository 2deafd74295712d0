"""Cells of type ``d``: dates, times and durations in ISO 8601, which strict workbooks may have."""

from __future__ import annotations

import re
from datetime import date, timedelta

from pgdatahub.values.cells import Kind

_CLOCK = rb"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(?:Z|[+-]00:00)?"
_DATE = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T" + _CLOCK + rb")?")
_TIME = re.compile(rb"T?" + _CLOCK)
_DURATION = re.compile(
    rb"(-?)P(?:([0-9]{1,8})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:[.,]([0-9]+))?S)?)?"
)
_DAY = 86_400 * 1_000_000


def iso_text(text: bytes) -> tuple[Kind, bytes] | None:
    """Convert an ISO 8601 text to a field of ``COPY``, rounded to the microsecond; return None if it stays a text.

    A fraction of a second may have any number of digits: .NET writes seven. A ``Z`` or ``+00:00`` is dropped: a sheet shows
    wall-clock time without a time zone. A text with another offset stays a text, since no column type keeps both the time
    and the offset.
    """
    if match := _DATE.fullmatch(text):
        written, *clock = match.groups()
        day = _date(written)
        if day is None:
            return None
        if clock[0] is None:
            return Kind.TIMESTAMP, written
        time = _clock(*clock)
        if time is None:
            return None
        if time == _DAY:
            if day == date.max:
                time -= 1  # the last possible moment, which .NET writes as 9999-12-31T23:59:59.9999999
            else:
                time, written = 0, (day + timedelta(days=1)).isoformat().encode()
        return Kind.TIMESTAMP, written + b" " + _text(time) if time else written
    if match := _TIME.fullmatch(text):
        time = _clock(*match.groups())
        return None if time is None else (Kind.TIME, _text(min(time, _DAY - 1)))
    if (match := _DURATION.fullmatch(text)) and any(match.groups()[1:]):
        sign, *parts, fraction = match.groups()
        days, hours, minutes, seconds = (int(part or 0) for part in parts)
        total = ((days * 24 + hours) * 3600 + minutes * 60 + seconds) * 1_000_000 + _microseconds(fraction)
        return Kind.INTERVAL, sign + _text(total)
    return None


def _date(text: bytes) -> date | None:
    try:
        return date.fromisoformat(text.decode())
    except ValueError:
        return None


def _clock(hour: bytes, minute: bytes, second: bytes | None, fraction: bytes | None) -> int | None:
    """Return a time of day in microseconds, a whole day if rounded up to midnight; None for an invalid time."""
    second = second or b"00"
    if hour > b"23" or minute > b"59" or second > b"59":
        return None
    return (int(hour) * 3600 + int(minute) * 60 + int(second)) * 1_000_000 + _microseconds(fraction)


def _microseconds(digits: bytes | None) -> int:
    """Return the microseconds of a fraction's digits, rounded half up."""
    if not digits:
        return 0
    return int(digits[:6].ljust(6, b"0")) + (digits[6:7] >= b"5")


def _text(microseconds: int) -> bytes:
    """Return a duration as hours, minutes and seconds, without trailing zeros of the fraction."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    shown = b"%02d:%02d:%02d" % (hours, minutes, seconds)
    return shown + (b".%06d" % fraction).rstrip(b"0") if fraction else shown
