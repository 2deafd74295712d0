"""Keys under ``sheets:``: names of sheets and globs."""

from __future__ import annotations

import unicodedata
from typing import Final

REST: Final = "*"
"""The key for all sheets that no other key names."""
_WILDCARDS: Final = frozenset("*?[")


def is_glob(key: str) -> bool:
    """Return whether a key is a glob unless a sheet has exactly this name."""
    return not _WILDCARDS.isdisjoint(key)


def matching_sheet(name: str) -> str:
    """Return the form in which a key and the name of a sheet are equal."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def literal_characters(key: str) -> int:
    """Return the number of characters of a glob that stand for themselves; -1 for the key that takes the rest."""
    if key.strip() == REST:
        return -1
    count = 0
    position = 0
    while position < len(key):
        # As in fnmatch, a set has at least one character, which may be "]".
        end = key.find("]", position + 2) if key[position] == "[" else -1
        if end > 0:
            position = end + 1
            continue
        count += key[position] not in "*?["
        position += 1
    return count
