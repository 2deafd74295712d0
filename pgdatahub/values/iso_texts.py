"""Dates, times and truth values written as ISO 8601 and SQL write them."""

from __future__ import annotations

import re
from datetime import datetime, time

_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?P<fraction>(?<=:[0-9]{2}:[0-9]{2})\.[0-9]{1,6})?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_CLOCK = re.compile(r"(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?P<fraction>(?<=:[0-9]{2}:[0-9]{2})\.[0-9]{1,6})?")


def parse_iso_timestamp(text: str) -> datetime:
    """Parse a date, or a date with a time, and perhaps with a zone.

    Raises:
        ValueError: The text is neither.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(text)
    # Every version of Python accepts this form; other forms differ between versions.
    day, clock, fraction, zone = match.group("day", "clock", "fraction", "zone")
    return datetime.fromisoformat(f"{day}T{clock or '00:00'}{_microseconds(fraction)}{_zone(zone)}")


def parse_clock(text: str) -> time:
    """Parse a time of day.

    Raises:
        ValueError: The text is not one.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return time.fromisoformat(
        match["clock"].rjust(8 if match["clock"].count(":") > 1 else 5, "0") + _microseconds(match["fraction"])
    )


def parse_boolean(text: str) -> bool:
    """Parse ``true`` or ``false``, in any case.

    Raises:
        ValueError: The text is neither.
    """
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _microseconds(fraction: str | None) -> str:
    return fraction.ljust(7, "0") if fraction else ""


def _zone(zone: str | None) -> str:
    if not zone or zone == "Z":
        return "+00:00" if zone else ""
    return zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}"
