"""``content.xml`` piece by piece, table by table.

All sheets stand in one part, one behind the other. To list them, and to reach the last one, an XML parser need not see every
cell: in well-formed XML without comments and CDATA sections, ``<`` begins a tag and nothing else, so a search for the tags
of tables finds where each begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, TypeAlias
from xml.sax.saxutils import quoteattr

from pgdatahub.errors import CorruptError, FileChangedError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream

PIECE_BYTES: Final = 64 * 1024
_TABLE_TAG: Final = re.compile(rb"<(/?)(?:[^\s<>/:!?\"'=]+:)?table(?=[\s/>])")
_NAMES_TAG: Final = re.compile(rb"<(?:[^\s<>/:!?\"'=]+:)?named-expressions(?=[\s/>])")
_MARKER: Final = re.compile(rb"table[\s/>]")
_REST_OF_TAG: Final = re.compile(rb"""(?:[^"'<>]|"[^"<]*"|'[^'<]*')*>""")
_DECLARATION: Final = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^<>]*\?>")
_ENCODING: Final = re.compile(
    rb"""encoding\s*=\s*["'](?:utf-?8|us-ascii|iso-8859-[0-9]{1,2}|windows-125[0-9])["']""", re.IGNORECASE
)


class Role(Enum):
    """The place of some bytes in the document."""

    OUTSIDE = "outside of all tables"
    BEGIN = "the tag that begins a table"
    INSIDE = "inside of a table"
    END = "the tag that ends a table, or a table without content"


Segment: TypeAlias = "tuple[Role, int, bytes]"
"""Bytes, their role, and the number of their table, from 0, of those that are in no other table."""


class NotSearchableError(Exception):
    """The XML has comments, CDATA sections, or an encoding in which tags cannot be searched for."""


def has_table_tag(data: bytes) -> bool:
    """Return whether whole tags may have one of a table among them."""
    return _MARKER.search(data) is not None


def segments(stream: Stream, has_tag: Callable[[bytes], bool] = has_table_tag) -> Iterator[Segment]:
    """Yield the part, divided at the tags of its tables.

    Args:
        stream: The part.
        has_tag: :func:`has_table_tag`, or a faster one.

    Raises:
        NotSearchableError: Tags cannot be searched for.
    """
    tail = stream.read(PIECE_BYTES)
    declaration = _DECLARATION.match(tail)
    if declaration is not None:
        if b"encoding" in declaration[0] and not _ENCODING.search(declaration[0]):
            raise NotSearchableError
        yield Role.OUTSIDE, -1, declaration[0]
        tail = tail[declaration.end() :]
    elif not tail.startswith((b"<", b"\xef\xbb\xbf<")) or b"\0" in tail[:4]:
        raise NotSearchableError
    divider = _Divider(has_tag)
    while True:
        piece = stream.read(PIECE_BYTES)
        data = tail + piece
        # One byte is found ten times as fast as two.
        if (b"!" in data and b"<!" in data) or (b"?" in data and b"<?" in data):
            raise NotSearchableError
        # The last tag may go on in the next piece.
        cut = max(data.rfind(b"<"), 0) if piece else len(data)
        tail = data[cut:]
        if len(tail) > 64 * PIECE_BYTES:
            raise NotSearchableError
        yield from divider.divide(data[:cut])
        if not piece:
            return


class _Divider:
    """Divides pieces that have whole tags."""

    def __init__(self, has_tag: Callable[[bytes], bool]) -> None:
        self._has_tag = has_tag
        self._number = -1
        self._depth = 0

    def divide(self, data: bytes) -> Iterator[Segment]:
        position = 0
        if self._has_tag(data):
            for match in _TABLE_TAG.finditer(data):
                rest = _REST_OF_TAG.match(data, match.end())
                if rest is None:
                    raise NotSearchableError
                if match[1]:
                    self._depth -= 1
                    if self._depth < 0:
                        raise NotSearchableError
                    if self._depth == 0:
                        yield Role.INSIDE, self._number, data[position : match.start()]
                        yield Role.END, self._number, data[match.start() : rest.end()]
                        position = rest.end()
                    continue
                is_empty = data[rest.end() - 2 : rest.end() - 1] == b"/"
                if self._depth == 0:
                    yield Role.OUTSIDE, self._number, data[position : match.start()]
                    self._number += 1
                    yield (Role.END if is_empty else Role.BEGIN), self._number, data[match.start() : rest.end()]
                    position = rest.end()
                if not is_empty:
                    self._depth += 1
        if position < len(data):
            yield (Role.INSIDE if self._depth else Role.OUTSIDE), self._number, data[position:]


class Content:
    """The tables of ``content.xml``, read in their order without a second reading of those before.

    Args:
        open_part: Opens the part.
        limits: How much the workbook may ask.
        size: Bytes of the part.
        has_tag: :func:`has_table_tag`, or a faster one.
    """

    def __init__(
        self,
        open_part: Callable[[], Stream],
        limits: Limits,
        *,
        size: int,
        has_tag: Callable[[bytes], bool] = has_table_tag,
    ) -> None:
        self.size = size
        self._has_tag = has_tag
        self._open = open_part
        self._limits = limits
        self.is_searchable = True
        self.encoding: str | None = None
        self.namespaces: tuple[tuple[str, str], ...] = ()
        """Prefixes and namespaces in which the tables stand."""
        self._segments: Iterator[Segment] | None = None
        self._reached = -1
        self._given = 0

    def outside(self) -> Iterator[bytes]:
        """Yield the part with empty tables.

        Raises:
            NotSearchableError: Tags cannot be searched for; :meth:`whole` gives all of the part.
        """
        for role, _, data in segments(self._open(), self._has_tag):
            if role is not Role.INSIDE:
                yield data

    def with_names(self) -> Iterator[bytes]:
        """Yield the part with tables that have nothing but their named ranges, which stand behind their rows.

        Raises:
            NotSearchableError: Tags cannot be searched for; :meth:`whole` gives all of the part.
        """
        in_names = False
        for role, _, data in segments(self._open(), self._has_tag):
            if role is not Role.INSIDE:
                in_names = False
                yield data
            elif in_names:
                yield data
            elif b"named-expressions" in data and (match := _NAMES_TAG.search(data)):
                in_names = True
                yield data[match.start() :]

    def whole(self) -> Iterator[bytes]:
        """Yield all of the part.

        Raises:
            CorruptError: The part has been read too often for its size.
        """
        stream = self._open()
        while piece := stream.read(PIECE_BYTES):
            self._given += len(piece)
            if self._given > self._limits.part_bytes:
                raise CorruptError(
                    f"the sheets of the workbook take more than {self._limits.part_bytes:,} bytes to read", hint=DAMAGED
                )
            yield piece

    def table(self, number: int) -> Iterator[bytes]:
        """Yield a document with one table in it.

        Args:
            number: The number of the table, from 0, of those that are in no other table.
        """
        if self._segments is None or number <= self._reached:
            self._segments, self._reached = segments(self._open(), self._has_tag), -1
        yield from self._document(number, self._segments)

    def table_again(self, number: int) -> Iterator[bytes]:
        """Yield a document with one table in it, while another reading of the tables goes on."""
        yield from self._document(number, segments(self._open(), self._has_tag), notes=False)

    def _document(self, number: int, found_segments: Iterator[Segment], *, notes: bool = True) -> Iterator[bytes]:
        declaration = f'<?xml version="1.0" encoding={quoteattr(self.encoding)}?>' if self.encoding else ""
        declared = "".join(
            f" {f'xmlns:{prefix}' if prefix else 'xmlns'}={quoteattr(uri)}" for prefix, uri in self.namespaces
        )
        yield f"{declaration}<document{declared}>".encode(self.encoding or "utf-8")
        try:
            for role, found, data in found_segments:
                if role is Role.OUTSIDE:
                    continue
                if notes:
                    self._reached = found
                if found == number:
                    yield data
                    if role is Role.END:
                        break
        except NotSearchableError as error:
            raise FileChangedError("the file changed while it was read") from error
        yield b"</document>"
