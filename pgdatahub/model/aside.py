"""Rows and cells of a file that break rules, as ``etl_quarantine`` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_ROWS: Final = 100_000
"""Maximum number of rows of a file that are set aside."""
MAX_BYTES: Final = 256 * 2**20
"""Maximum size of their texts."""

ROW: Final = "row"
"""The row is not in the table."""
CELLS: Final = "cells"
"""The row is in the table, and these cells are empty there."""


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
