"""Cells of a row rewritten with their marks; marked cells that the row lacks are inserted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pgdatahub.readers.xlsx.addresses import parse_address
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.tags import ASIDES, TAG_END, attributes, is_number, with_attributes
from pgdatahub.values.cells import column_letters

_CELL: Final = re.compile(ASIDES + rb"|<c(?=[\s/>])" + TAG_END, re.DOTALL)
"""The start tag of a cell, or what may only look as if it had one."""
_UNUSUAL_ROW: Final = re.compile(rb"<(?:extLst|[^\s<>:/!?]+:c)[\s/>]")
"""Cells with a prefix, and extensions, which would stand behind the last cell; no program is known to write them."""


class RowMarker:
    """The cells of a worksheet's rows that get another style.

    Args:
        part: The name of the part, for messages.
        cells: Row (from 1) → positions of the columns (from 0) whose cells get another style.
        restyle: Returns the style of a marked cell for that of the cell.
    """

    def __init__(self, part: str, cells: Mapping[int, frozenset[int]], restyle: Callable[[int], int]) -> None:
        self._part = part
        self._cells = cells
        self._restyle = restyle
        self._columns: list[tuple[int, int, int]] = []
        self.inserted = False
        """The row before got a cell that it lacked."""

    def note_column(self, tag: bytes) -> None:
        """Take notice of the style of columns, which an inserted cell gets."""
        found = attributes(tag)
        try:
            first, last, style = (int(found.get(key, b"0")) for key in (b"min", b"max", b"style"))
        except ValueError:
            return
        if style:
            self._columns.append((first - 1, last - 1, style))

    def mark(self, row: int, content: bytes, tag: bytes) -> bytes:
        """Return the content of a row with its marks.

        Args:
            row: Its number.
            content: The bytes between its tags.
            tag: Its start tag.
        """
        self.inserted = False
        return b"".join(self._pieces(row, content, tag))

    def _pieces(self, row: int, content: bytes, tag_of_row: bytes) -> Iterator[bytes]:
        waiting = sorted(self._cells[row], reverse=True)
        if _UNUSUAL_ROW.search(content):
            raise UnmarkableError(f"row {row} of the part {self._part} has an unusual form")
        position = -1
        at = 0
        for found in _CELL.finditer(content):
            tag = found[0]
            if not tag.startswith(b"<c"):
                continue
            position = self._position(row, tag, position)
            if not waiting or position < waiting[-1]:
                continue
            yield content[at : found.start()]
            at = found.end()
            while waiting and waiting[-1] < position:
                yield self._absent_cell(row, waiting.pop(), tag_of_row)
            if waiting and waiting[-1] == position:
                waiting.pop()
                style = attributes(tag).get(b"s", b"0")
                new = self._restyle(int(style) if is_number(style) else 0)
                tag = with_attributes(tag, {b"s": b"%d" % new})
            yield tag
        yield content[at:]
        while waiting:
            yield self._absent_cell(row, waiting.pop(), tag_of_row)

    def _position(self, row: int, tag: bytes, before: int) -> int:
        """Return the position of a cell's column, from 0."""
        reference = attributes(tag).get(b"r")
        if reference is None:
            return before + 1
        place = parse_address(reference.decode("latin-1"))
        if place is None or place[0] != row or place[1] <= before:
            raise UnmarkableError(f"the cells of row {row} of the part {self._part} are not in order")
        return place[1]

    def _absent_cell(self, row: int, position: int, tag_of_row: bytes) -> bytes:
        """Return an empty cell with the mark, in the style that its row or its column shows there."""
        self.inserted = True
        of_row = attributes(tag_of_row)
        style = next((style for first, last, style in self._columns if first <= position <= last), 0)
        if of_row.get(b"customFormat") in (b"1", b"true") and is_number(of_row.get(b"s", b"")):
            style = int(of_row[b"s"])
        return b'<c r="%b%d" s="%d"/>' % (column_letters(position).encode(), row, self._restyle(style))
