"""Cells of type ``d``: dates, times and durations written out (ISO 8601), which strict workbooks may have."""

from __future__ import annotations

import re
from datetime import date

from pgdatahub.values.cells import Kind

_DATE = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6}))?)?Z?)?")
_TIME = re.compile(rb"T?([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6}))?)?Z?")
_DURATION = re.compile(
    rb"(-?)P(?:([0-9]{1,8})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:[.,]([0-9]{1,6}))?S)?)?"
)


def iso_text(text: bytes) -> tuple[Kind, bytes] | None:
    """Return what an ISO 8601 text says as a field of ``COPY``, to the microsecond; None if it stays a text.

    A ``Z`` is dropped: a sheet shows wall-clock time and knows no zones. A text with another offset stays a text, since
    no column of ours could keep both its time and its offset.
    """
    if match := _DATE.fullmatch(text):
        day, *clock = match.groups()
        if not _is_date(day):
            return None
        if clock[0] is None:
            return Kind.TIMESTAMP, day
        time = _clock(*clock)
        if time is None:
            return None
        return Kind.TIMESTAMP, day if time == b"00:00:00" else day + b" " + time
    if match := _TIME.fullmatch(text):
        time = _clock(*match.groups())
        return None if time is None else (Kind.TIME, time)
    if (match := _DURATION.fullmatch(text)) and any(match.groups()[1:]):
        sign, *parts, fraction = match.groups()
        days, hours, minutes, seconds = (int(part or 0) for part in parts)
        minutes, seconds = divmod((days * 24 + hours) * 3600 + minutes * 60 + seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return Kind.INTERVAL, b"%s%02d:%02d:%02d%s" % (sign, hours, minutes, seconds, _fraction(fraction))
    return None


def _is_date(text: bytes) -> bool:
    try:
        date.fromisoformat(text.decode())
    except ValueError:
        return False
    return True


def _clock(hour: bytes, minute: bytes, second: bytes | None, fraction: bytes | None) -> bytes | None:
    second = second or b"00"
    if hour > b"23" or minute > b"59" or second > b"59":
        return None
    return b"%s:%s:%s%s" % (hour, minute, second, _fraction(fraction))


def _fraction(digits: bytes | None) -> bytes:
    stripped = (digits or b"").rstrip(b"0")
    return b"." + stripped if stripped else b""
