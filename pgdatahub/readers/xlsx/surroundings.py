"""The elements around the rows of a worksheet: its hidden columns and merged areas."""

from __future__ import annotations

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import TRUE
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.xlsx.merged_areas import add_area


class Surroundings:
    """The elements before and behind ``<sheetData>``.

    Args:
        limits: How much they may ask.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.hidden_columns: set[int] = set()
        self.merged_areas: list[Area] = []
        """Merged areas, which stand behind the rows."""

    def start(self, around: str, local: str, attributes: list[str]) -> None:
        """Take note of an element within the element ``around``."""
        if local == "col" and around == "cols":
            self._note_column(dict(zip(attributes[::2], attributes[1::2], strict=True)))
        elif local == "mergeCell" and around == "mergeCells":
            add_area(self.merged_areas, attributes, self._limits)

    def _note_column(self, attributes: dict[str, str]) -> None:
        first, last = attributes.get("min", ""), attributes.get("max", "")
        if attributes.get("hidden") in TRUE and first.isdecimal() and last.isdecimal() and len(first + last) < 16:
            self.hidden_columns.update(range(int(first) - 1, min(int(last), self._limits.columns)))
