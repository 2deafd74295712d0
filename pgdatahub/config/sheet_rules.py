"""Rules for the sheets of a folder's workbooks: the options and the table of each sheet."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pgdatahub.config.options import FolderOptions

REST: Final = "*"
"""The key for all sheets that no other key names."""
_WILDCARDS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntry:
    """One table on a sheet.

    Attributes:
        options: The options of the folder, overridden by those of the entry.
        table: The table that the entry itself names, if any.
        skip: Leave the sheet out without a notice.
        optional: The sheet may be missing.
        where: The file and line, ``config/etl_config.yaml:12``.
    """

    options: FolderOptions
    table: str | None = None
    skip: bool = False
    optional: bool = False
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRule:
    """The tables on the sheets that a key matches.

    Attributes:
        key: A sheet's name or a glob, as written.
        entries: The tables.
    """

    key: str
    entries: tuple[SheetEntry, ...]

    @property
    def is_glob(self) -> bool:
        """Return whether the key is a glob unless a sheet has exactly this name."""
        return not _WILDCARDS.isdisjoint(self.key)

    @property
    def required(self) -> bool:
        """Return whether a workbook without such a sheet fails."""
        return not self.is_glob and not all(entry.skip or entry.optional for entry in self.entries)


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


def routing_facts(rules: Iterable[SheetRule]) -> list[object]:
    """Return the facts of rules that determine which cells go to which table, for a hash."""
    return [
        [
            rule.key,
            [
                [entry.options.fingerprint, entry.table, entry.options.schema, entry.skip, entry.optional]
                for entry in rule.entries
            ],
        ]
        for rule in rules
    ]
