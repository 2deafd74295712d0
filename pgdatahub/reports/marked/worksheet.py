"""Worksheet rewritten while it streams by: some cells get another style, all other bytes stay.

In well-formed XML each ``<`` outside of comments, sections and instructions begins a tag, so that rows are found without
parsing the cells between them: 400,000 cells take 0.4 s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pgdatahub.readers.part_stream import PartStream
from pgdatahub.readers.xlsx.addresses import parse_address
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.tags import (
    ASIDES,
    TAG_END,
    TOKEN,
    attributes,
    is_closed,
    is_whole,
    opened,
    tag_name,
    with_attributes,
)
from pgdatahub.values.cells import column_letters

_PIECE: Final = 1024 * 1024
_MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes before the first row, of one row, or behind the last one that are in memory at a time."""
_MAX_VIEWS: Final = 1024 * 1024
"""Bytes before the end of a sheet's views, which are among its first elements."""
_MAX_NAME: Final = 64 * 1024
"""Bytes of a tag that are looked at to tell whether it matters."""
_STOP: Final = re.compile(rb"<(?:row[\s/>]|sheetData[\s/>]|/sheetData\s*>|!--|!\[CDATA\[|\?|![^-\[]|[^\s<>:/]+:)")
"""Markup between rows that matters; within cells there may be comments, sections and elements with a prefix."""
_ROW_PARTS: Final = re.compile(rb"</row\s*>|<!--|<!\[CDATA\[|<\?")
_END_OF_VIEWS: Final = re.compile(rb"</(?:[^\s<>:/]+:)?sheetViews\s*>|<(?:[^\s<>:/]+:)?sheetData[\s/>]")
_CELL: Final = re.compile(ASIDES + rb"|<c(?=[\s/>])" + TAG_END, re.DOTALL)
"""The start tag of a cell, or what may only look as if it had one."""
_UNUSUAL_ROW: Final = re.compile(rb"<(?:extLst|[^\s<>:/!?]+:c)[\s/>]")
"""Cells with a prefix, and extensions, which would stand behind the last cell; no program is known to write them."""
_ENCODING: Final = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_BEHIND_DRAWINGS: Final = frozenset(
    {b"legacyDrawingHF", b"drawingHF", b"picture", b"oleObjects", b"controls", b"webPublishItems", b"tableParts", b"extLst"}
)  # fmt: skip
"""Elements that stand behind ``legacyDrawing`` (ECMA-376 part 1, 18.3.1.99)."""


class WorksheetRewriter:
    """One worksheet, rewritten once.

    Args:
        stream: The part.
        cells: Row (from 1) → positions of the columns (from 0) whose cells get another style.
        restyle: Returns the style of a marked cell for that of the cell.
        drawing: The relationship of the comments' shapes for a sheet that has no such drawing; None for no comments.
    """

    def __init__(
        self,
        stream: PartStream,
        cells: Mapping[int, frozenset[int]],
        restyle: Callable[[int], int],
        drawing: str | None,
    ) -> None:
        self._stream = stream
        self._cells = cells
        self._waiting = sorted(cells, reverse=True)
        self._restyle = restyle
        self._drawing = drawing
        self.found_drawing: str | None = None
        """The relationship of the drawing that the sheet has already; known when all bytes are taken."""
        self._columns: list[tuple[int, int, int]] = []
        self._row = 0
        self._inserts = self._inserted = False
        self._buffer = b""
        self._at = 0
        """The offset up to which the buffer is taken."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the sheet.

        Raises:
            UnmarkableError: The sheet has a form that cannot be marked safely.
            CorruptError: The part is damaged.
        """
        yield self._head()
        if not self._data_is_closed:
            yield from self._rows()
        yield from self._tail()

    def _more(self) -> bool:
        """Read on, and drop what is taken; return False at the end of the part."""
        data = self._stream.read(_PIECE)
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
        return bool(data)

    def _head(self) -> bytes:
        """Return everything up to the first row; take notice of the styles of columns."""
        done: list[bytes] = []
        at = 0
        root = True
        while True:
            found = TOKEN.search(self._buffer, at)
            if found is None or found.end() == len(self._buffer):
                if len(self._buffer) > _MAX_BYTES or not self._more():
                    raise UnmarkableError(f"the part {self._stream.name} has no rows, or a prefix before its names")
                continue
            tag, name = found[0], tag_name(found[0])
            if root and name:
                self._check_encoding(self._buffer[: found.start()], name)
                root = False
            done.append(self._buffer[at : found.start()])
            at = found.end()
            if name == b"sheetData":
                self._data_is_closed = is_closed(tag)
                self._at = at
                if self._data_is_closed and self._waiting:
                    start, end = opened(tag)
                    tag = b"".join((start, *self._inserted_rows(None), end))
                return b"".join((*done, tag))
            if name == b"sheetView":
                tag = with_attributes(tag, {b"tabSelected": None})
            elif name == b"col":
                self._note_column(tag)
            done.append(tag)

    def _check_encoding(self, before: bytes, root: bytes) -> None:
        declared = _ENCODING.match(before)
        if declared is not None and declared[1].lower() not in (b"utf-8", b"us-ascii"):
            raise UnmarkableError(f"the part {self._stream.name} is not encoded in UTF-8")
        if root != b"worksheet":
            raise UnmarkableError(f"the part {self._stream.name} writes its names with a prefix")

    def _note_column(self, tag: bytes) -> None:
        found = attributes(tag)
        try:
            first, last, style = (int(found.get(key, b"0")) for key in (b"min", b"max", b"style"))
        except ValueError:
            return
        if style:
            self._columns.append((first - 1, last - 1, style))

    def _rows(self) -> Iterator[bytes]:
        """Yield the bytes of all rows, and leave the end tag of the data in the buffer."""
        at = self._at
        while True:
            # Bytes between _at and at are to be copied.
            found = _STOP.search(self._buffer, at)
            if found is None:
                # A tag may begin at the end of the buffer; one that began long before is none of those that matter.
                kept = self._buffer.rfind(b"<", at)
                if kept < 0 or len(self._buffer) - kept > _MAX_NAME:
                    kept = len(self._buffer)
                yield self._buffer[self._at : kept]
                self._at, at = kept, 0
                if not self._more():
                    raise UnmarkableError(f"the part {self._stream.name} has no end of its rows")
                continue
            if found[0].startswith(b"</sheetData"):
                yield self._buffer[self._at : found.start()]
                self._at = found.start()
                yield b"".join(self._inserted_rows(None))
                return
            token = TOKEN.match(self._buffer, found.start())
            if token is None or not is_whole(token[0]):
                yield self._buffer[self._at : found.start()]
                self._at, at = found.start(), 0
                if len(self._buffer) - self._at > _MAX_BYTES or not self._more():
                    raise UnmarkableError(f"the part {self._stream.name} has markup of an unusual form")
                continue
            at = token.end()
            name = tag_name(token[0])
            if name == b"sheetData" or name.endswith((b":AlternateContent", b":row", b":c")):
                raise UnmarkableError(f"the part {self._stream.name} has rows of an unusual form")
            # Once all marks are written, the order matters only if an inserted row might come again.
            if name != b"row" or not (self._waiting or self._inserted) or not self._reaches_mark(token[0]):
                continue
            yield self._buffer[self._at : token.start()]
            self._at = token.end()
            yield from self._marked_row(token[0])
            at = self._at

    def _reaches_mark(self, tag: bytes) -> bool:
        """Take notice of a row; return whether it, or an absent row before it, has a mark."""
        number = attributes(tag).get(b"r", b"%d" % (self._row + 1))
        if not _is_number(number) or int(number) <= self._row:
            raise UnmarkableError(f"the rows of the part {self._stream.name} are not in order")
        self._row = int(number)
        return bool(self._waiting) and self._waiting[-1] <= self._row

    def _marked_row(self, tag: bytes) -> Iterator[bytes]:
        """Yield a row that has marks, and absent rows before it; the end tag of the row stays in the buffer."""
        row = self._row
        yield from self._inserted_rows(row)
        if not self._waiting or self._waiting[-1] != row:
            yield tag
            return
        self._waiting.pop()
        if is_closed(tag):
            start, end = opened(tag)
            yield from (start, *self._marked_cells(b"", start), end)
            return
        self._inserts = False
        content = b"".join(self._marked_cells(self._content_of_row(), tag))
        # The columns that a row spans are a hint, which an inserted cell may make wrong.
        yield with_attributes(tag, {b"spans": None}) if self._inserts else tag
        yield content

    def _content_of_row(self) -> bytes:
        """Take the bytes of a row up to its end tag."""
        at = self._at
        while True:
            found = _ROW_PARTS.search(self._buffer, at)
            if found is not None and found[0].startswith(b"</row"):
                content = self._buffer[self._at : found.start()]
                self._at = found.start()
                return content
            token = TOKEN.match(self._buffer, found.start()) if found is not None else None
            if token is not None and is_whole(token[0]):
                at = token.end()
                continue
            at = found.start() if found is not None else max(at, self._buffer.rfind(b"<"))
            at -= self._at
            if len(self._buffer) - self._at > _MAX_BYTES or not self._more():
                raise UnmarkableError(f"a row of the part {self._stream.name} is too long, or has no end")

    def _marked_cells(self, content: bytes, row: bytes) -> Iterator[bytes]:
        """Yield the content of a row with the marked cells, of which absent ones are inserted."""
        waiting = sorted(self._cells[self._row], reverse=True)
        if _UNUSUAL_ROW.search(content):
            raise UnmarkableError(f"row {self._row} of the part {self._stream.name} has an unusual form")
        position = -1
        at = 0
        for found in _CELL.finditer(content):
            tag = found[0]
            if not tag.startswith(b"<c"):
                continue
            position = self._position(tag, position)
            if not waiting or position < waiting[-1]:
                continue
            yield content[at : found.start()]
            at = found.end()
            while waiting and waiting[-1] < position:
                yield self._absent_cell(waiting.pop(), row)
            if waiting and waiting[-1] == position:
                waiting.pop()
                style = attributes(tag).get(b"s", b"0")
                new = self._restyle(int(style) if _is_number(style) else 0)
                tag = with_attributes(tag, {b"s": b"%d" % new})
            yield tag
        yield content[at:]
        while waiting:
            yield self._absent_cell(waiting.pop(), row)

    def _position(self, tag: bytes, before: int) -> int:
        """Return the position of a cell's column, from 0."""
        reference = attributes(tag).get(b"r")
        if reference is None:
            return before + 1
        place = parse_address(reference.decode("latin-1"))
        if place is None or place[0] != self._row or place[1] <= before:
            raise UnmarkableError(f"the cells of row {self._row} of the part {self._stream.name} are not in order")
        return place[1]

    def _absent_cell(self, position: int, row: bytes) -> bytes:
        """Return an empty cell with the mark, in the style that its row or its column shows there."""
        self._inserts = True
        of_row = attributes(row)
        style = next((style for first, last, style in self._columns if first <= position <= last), 0)
        if of_row.get(b"customFormat") in (b"1", b"true") and _is_number(of_row.get(b"s", b"")):
            style = int(of_row[b"s"])
        return b'<c r="%b%d" s="%d"/>' % (column_letters(position).encode(), self._row, self._restyle(style))

    def _inserted_rows(self, before: int | None) -> Iterator[bytes]:
        """Yield the rows with marks that the sheet lacks before a row, or before the end."""
        following = self._row
        while self._waiting and (before is None or self._waiting[-1] < before):
            self._row = self._waiting.pop()
            self._inserted = True
            yield b'<row r="%d">' % self._row
            yield from self._marked_cells(b"", b"<row>")
            yield b"</row>"
        self._row = following

    def _tail(self) -> Iterator[bytes]:
        """Yield everything behind the rows, with the reference to the drawing of the comments."""
        if self._drawing is None:
            yield self._buffer[self._at :]
            while data := self._stream.read(_PIECE):
                yield data
            return
        while self._more():
            if len(self._buffer) > _MAX_BYTES:
                raise UnmarkableError(f"the part {self._stream.name} is too long behind its rows")
        depth = 1 if self._data_is_closed else 2
        behind: int | None = None
        for found in TOKEN.finditer(self._buffer):
            tag, name = found[0], tag_name(found[0])
            if not name:
                continue
            if tag.startswith(b"</"):
                depth -= 1
                if depth == 0 and behind is None:
                    behind = found.start()
                continue
            if depth == 1:
                if name == b"legacyDrawing":
                    self.found_drawing = next(
                        (value.decode() for key, value in attributes(tag).items() if key.endswith(b":id")), ""
                    )
                if behind is None and (name in _BEHIND_DRAWINGS or name.endswith(b":AlternateContent")):
                    behind = found.start()
            depth += not is_closed(tag)
        if behind is None:
            raise UnmarkableError(f"the part {self._stream.name} has no end")
        if self.found_drawing is not None:
            yield self._buffer
            return
        yield self._buffer[:behind]
        yield self._drawing.encode()
        yield self._buffer[behind:]


def _is_number(text: bytes) -> bool:
    """Return whether a text is a number of a row or a style: neither has more than seven digits."""
    return text.isdigit() and len(text) <= 7


def selects_tab(stream: PartStream) -> bool:
    """Return whether a sheet of any kind is among the selected ones; an edit in one of them goes into all."""
    return any(b"tabSelected" in attributes(tag) for tag in _views(stream, []))


def deselected(stream: PartStream) -> Iterator[bytes]:
    """Yield the bytes of a sheet of any kind, which is not selected any more."""
    buffer = [b""]
    at = 0
    done: list[bytes] = []
    for tag in _views(stream, buffer):
        start = buffer[0].index(tag, at)
        done += [buffer[0][at:start], with_attributes(tag, {b"tabSelected": None})]
        at = start + len(tag)
    yield b"".join((*done, buffer[0][at:]))
    while data := stream.read(_PIECE):
        yield data


def _views(stream: PartStream, buffer: list[bytes]) -> Iterator[bytes]:
    """Yield the tags of a sheet's views; ``buffer`` gets the bytes that were read for them."""
    buffer[:] = [b""]
    while not (found := _END_OF_VIEWS.search(buffer[0])):
        data = stream.read(64 * 1024)
        if not data:
            break
        buffer[0] += data
        if len(buffer[0]) > _MAX_VIEWS:
            raise UnmarkableError(f"the part {stream.name} has no rows")
    end = found.start() if found else len(buffer[0])
    for token in TOKEN.finditer(buffer[0], 0, end):
        if tag_name(token[0]).rpartition(b":")[2] == b"sheetView" and not token[0].startswith(b"</"):
            yield token[0]
