"""Columns of a table: the hidden ones, and the styles of cells that name none."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.number_formats import NUMBER
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.spans import number_of
from pgdatahub.readers.ods.styles import Styles

HIDDEN: Final = frozenset({"collapse", "filter"})
"""The visibility of rows and columns that are hidden."""


class ColumnStyles:
    """The columns of a table, from the left to the right.

    Args:
        styles: The styles of the workbook.
        limits: How much the sheet may ask.
    """

    def __init__(self, styles: Styles, limits: Limits) -> None:
        self._styles = styles
        self._limits = limits
        self.hidden: set[int] = set()
        self.matter = False
        """Cells that name no style have one."""
        self._column = 0
        # For each group of columns the position behind its last, and the style of its cells that name none.
        self._ends: list[int] = []
        self._names: list[str] = []

    @property
    def groups(self) -> list[tuple[int, str]]:
        """For each group of columns the position behind its last and the style of its cells that name none.

        Empty if these styles make no difference.
        """
        self.end()
        return list(zip(self._ends, self._names, strict=True))

    def add(self, attributes: Mapping[str, str], *, hidden: bool) -> None:
        """Add columns with equal attributes; ``hidden`` if a group hides them."""
        first = self._column
        self._column = min(first + number_of(attributes, names.COLUMNS_REPEATED), self._limits.columns)
        if hidden or attributes.get(names.VISIBILITY) in HIDDEN:
            self.hidden.update(range(first, self._column))
        style = attributes.get(names.DEFAULT_CELL_STYLE, "")
        if self._names and self._names[-1] == style:
            self._ends[-1] = self._column
        else:
            self._ends.append(self._column)
            self._names.append(style)
        self.matter = True

    def end(self) -> None:
        """Forget the styles of the columns so far if they make no difference, as most do."""
        if all(not style or self._styles.number_format(style) == NUMBER for style in self._names):
            self._ends, self._names, self.matter = [], [], False

    def cut(self, position: int, count: int) -> Iterator[tuple[int, int, str]]:
        """Yield the position, the number and the style of cells that name none, where their style changes."""
        end = position + count
        while position < end:
            index = bisect_right(self._ends, position)
            last = min(self._ends[index], end) if index < len(self._ends) else end
            yield position, last - position, self._names[index] if index < len(self._names) else ""
            position = last
