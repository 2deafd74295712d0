"""Versions of files at URLs, from the entries that drivers of fsspec return."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final

_VERSION_WORDS: Final = (
    "etag",
    "md5",
    "digest",
    "modified",
    "modify",
    "mtime",
    "updated",
    "created",
    "generation",
    "version",
    "crc",
)

_MODIFIED_KEYS: Final = ("last-modified", "lastmodified", "last_modified", "mtime", "modified", "modify", "updated")
"""Keys of drivers for the time of a file's last change, in lower case; ``updated`` of Google is also set by its metadata."""


def version_in(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts of an entry that change when the file is written or replaced."""
    keys = (key for key in entry if key == "size" or any(word in key.lower() for word in _VERSION_WORDS))
    return tuple(f"{key}={entry[key]}" for key in sorted(keys))


def modified_in(version: Iterable[object]) -> datetime | None:
    """Return the time of the last change that a version from :func:`version_of` has, UTC; None if it has none."""
    facts = dict(text.partition("=")[::2] for text in version if isinstance(text, str))
    values = {key.lower(): value for key, value in facts.items()}
    found = (_moment(values[key]) for key in _MODIFIED_KEYS if key in values)
    return next((moment for moment in found if moment is not None), None)


def _moment(text: str) -> datetime | None:
    """Return the time in a text of a driver: digits of FTP, seconds since 1970, ISO 8601, or a header of HTTP."""
    try:
        if re.fullmatch(r"\d{14}(\.\d+)?", text):
            moment = datetime.strptime(text[:14] + "+0000", "%Y%m%d%H%M%S%z")
        elif re.fullmatch(r"\d+(\.\d+)?", text):
            moment = datetime.fromtimestamp(float(text), timezone.utc)
        elif text[:4].isdigit():
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        else:
            moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError, OSError):
        return None
    return (moment if moment.tzinfo is None else moment.astimezone(timezone.utc)).replace(tzinfo=None)
