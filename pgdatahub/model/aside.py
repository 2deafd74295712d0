"""Rows and cells of a file that break rules, as ``etl_quarantine`` keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

MAX_ROWS: Final = 100_000
"""Maximum number of rows of a file that are set aside."""
MAX_BYTES: Final = 256 * 2**20
"""Maximum size of their texts."""

ROW: Final = "row"
"""The row is not in the table."""
CELLS: Final = "cells"
"""The row is in the table, and these cells are empty there."""
BLANKED_CELLS: Final = "blanked cells"
BLANKED_ROWS: Final = "rows with blanked cells"
"""Keys of ``etl_imports.counts``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideRow:
    """A row of a sheet with a fault.

    Attributes:
        index: Its index among the rows that were read with it, those with a fault included.
        section: The number of its sheet in the part, from 1.
        sheet: The sheet's label.
        row: Its number in the sheet, from 1.
        action: :data:`ROW` or :data:`CELLS`.
        cells: Name of a column → the cell's canonical text before the settings changed it; without empty cells. Under
            :data:`CELLS` only the emptied cells.
        kinds: A letter of :data:`LETTERS` for each of ``cells``, in the order of the names.
        faults: The cell, the column and the rule of each fault; the cell is empty for a fault of the file.
    """

    index: int
    section: int
    sheet: str
    row: int
    action: str
    cells: Mapping[str, str]
    kinds: str
    faults: tuple[tuple[str, str, str], ...]

    @property
    def size(self) -> int:
        """The bytes of its texts, about."""
        return sum(len(name) + len(text) for name, text in self.cells.items())


class AsideDigest:
    """The content of rows with a fault: the place of each among all rows read, and its cells."""

    def __init__(self) -> None:
        self._digest = sha256()
        self._rows = 0

    def add(self, ordinal: int, cells: Mapping[str, str], kinds: str) -> None:
        """Add a row; ``ordinal`` is the number of rows read before it."""
        names = sorted(cells, key=str.encode)
        facts = [ordinal, [(name, kind, cells[name]) for name, kind in zip(names, kinds, strict=True)]]
        self._digest.update(repr(facts).encode("utf-8", "surrogatepass"))
        self._rows += 1

    def content(self, content_sha256: str) -> str:
        """Return the hash of a content together with these rows; unchanged without any."""
        if not self._rows:
            return content_sha256
        return sha256(f"{content_sha256}\n{self._digest.hexdigest()}".encode()).hexdigest()


def content_with(content_sha256: str, rows: Iterable[tuple[int, Mapping[str, str], str]]) -> str:
    """Return the hash of a content together with rows: ordinal, cells and kinds of each."""
    digest = AsideDigest()
    for ordinal, cells, kinds in rows:
        digest.add(ordinal, cells, kinds)
    return digest.content(content_sha256)
