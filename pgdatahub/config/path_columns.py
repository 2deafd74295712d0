"""Columns from the path of a file: the named groups of a regular expression."""

from __future__ import annotations

import re
import unicodedata


def match_path(pattern: str, identity: str) -> dict[str, str | None] | None:
    """Return the value of each named group; None if the path does not match.

    A group that took no part, or matched only white space, has no value.

    Args:
        pattern: The regular expression.
        identity: The path below the data root, with ``/``.
    """
    match = re.search(pattern, unicodedata.normalize("NFC", identity))
    if match is None:
        return None
    return {name: value if value and value.strip() else None for name, value in match.groupdict().items()}
