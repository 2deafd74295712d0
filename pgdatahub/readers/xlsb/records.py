"""The records of a binary part: a type, a size, and a payload (MS-XLSB 2.1.4).

The type has one or two bytes and the size up to four, seven bits in each byte; the highest bit tells that another byte
follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream

ROW_HEADER: Final = 0
CELL_BLANK: Final = 1
CELL_RK: Final = 2
CELL_ERROR: Final = 3
CELL_BOOLEAN: Final = 4
CELL_REAL: Final = 5
CELL_TEXT: Final = 6
CELL_SHARED: Final = 7
FORMULA_TEXT: Final = 8
FORMULA_NUMBER: Final = 9
FORMULA_BOOLEAN: Final = 10
FORMULA_ERROR: Final = 11
SHORT_BLANK: Final = 12
"""From here to 18, cells of the types 1 to 7 without a column number: the column after the last one."""
SHORT_SHARED: Final = 18
STRING_ITEM: Final = 19
NAME: Final = 39
FORMAT: Final = 44
CELL_STYLE: Final = 47
COLUMN_INFO: Final = 60
CELL_RICH_TEXT: Final = 62
BEGIN_SHEET: Final = 129
BEGIN_BOOK: Final = 131
BEGIN_SHEET_DATA: Final = 145
END_SHEET_DATA: Final = 146
WORKBOOK_PROPERTIES: Final = 153
SHEET: Final = 156
CALCULATION: Final = 157
BEGIN_STRINGS: Final = 159
MERGED_AREA: Final = 176
BEGIN_STYLES: Final = 278
BEGIN_CELL_STYLES: Final = 617
END_CELL_STYLES: Final = 618

BEGIN_LIST: Final = 343
LIST_COLUMN: Final = 347
OTHER_BOOK: Final = 355
OWN_BOOK: Final = 357
SAME_SHEET: Final = 358
REFERENCES: Final = 362
ADD_IN: Final = 667

END: Final = -1
"""The type that stands for the end of the part."""

_PIECE: Final = 256 * 1024
_LONGEST_HEADER: Final = 6


class RecordInput:
    """The records of a part, one after the other.

    The caller may go forward on its own: ``data`` are the bytes at hand, and ``at`` is the index of the next record.

    Args:
        stream: The part.
        limits: A record of more than ``token_bytes`` is skipped, or refused if it is one of ``wanted``.
        wanted: The types that the caller needs.
    """

    def __init__(self, stream: Stream, limits: Limits, wanted: Collection[int]) -> None:
        self.name = stream.name
        self.data = b""
        self.at = 0
        self.head = self.start = 0
        """The indexes of the last record and of its payload."""
        self._stream = stream
        self._most = limits.token_bytes
        self._wanted = wanted
        self._before = 0
        """Bytes of the part before ``data``."""
        self._ended = False

    @property
    def offset(self) -> int:
        """The offset in the part of the record at ``at``."""
        return self._before + self.at

    def go_on(self, data: bytes, offset: int) -> None:
        """Go on with other bytes, which stand at an offset in the part, before those that the stream gives."""
        self.data, self.at = data, 0
        self._before = offset

    def next(self) -> int:
        """Go to the next record and return its type; ``data[start:at]`` is its payload.

        Returns:
            The type, END at the end of the part.

        Raises:
            CorruptError: The part ends within a record, or a record is too large.
        """
        while True:
            if len(self.data) - self.at < _LONGEST_HEADER and not self._ended:
                self._fill(_LONGEST_HEADER)
            data, at = self.data, self.at
            self.head = at
            if at >= len(data):
                return END
            try:
                identifier, at = data[at], at + 1
                if identifier >= 0x80:
                    identifier, at = identifier & 0x7F | (data[at] & 0x7F) << 7, at + 1
                size, at = data[at], at + 1
                if size >= 0x80:
                    size, at = _long_size(data, size, at)
            except IndexError:
                raise self.damaged() from None
            if size > self._most:
                self._skip_large(identifier, size, at)
                continue
            stop = at + size
            if stop > len(data):
                before = self.at
                self._fill(stop - before)
                self.head, at, stop = 0, at - before, stop - before
                if stop > len(self.data):
                    raise self.damaged()
            self.start, self.at = at, stop
            return identifier

    def damaged(self, fault: str = "ends within a record") -> CorruptError:
        """Return the error for the record at ``at``."""
        return CorruptError(f"the part {self.name} {fault}, at byte {self.offset:,}", hint=DAMAGED)

    def _fill(self, wanted: int) -> None:
        """Drop the records that were read, and read on until there are ``wanted`` bytes or the part ends."""
        pieces = [self.data[self.at :]]
        self._before += self.at
        self.at = 0
        missing = wanted - len(pieces[0])
        while missing > 0:
            piece = self._stream.read(max(_PIECE, min(missing, self._most)))
            if not piece:
                self._ended = True
                break
            pieces.append(piece)
            missing -= len(piece)
        self.data = b"".join(pieces)

    def _skip_large(self, identifier: int, size: int, start: int) -> None:
        if identifier in self._wanted:
            raise self.damaged(f"has a record of {size:,} bytes (type {identifier})")
        self._before += start
        left = size - (len(self.data) - start)
        if left < 0:
            self.data, self.at = self.data[start + size :], 0
            self._before += size
            return
        while left > 0:
            piece = self._stream.read(min(left, _PIECE))
            if not piece:
                raise self.damaged()
            left -= len(piece)
        self.data, self.at = b"", 0
        self._before += size


def _long_size(data: bytes, size: int, at: int) -> tuple[int, int]:
    """Return a size of several bytes, of which ``size`` is the first, and the index behind it."""
    size &= 0x7F
    for shift in (7, 14, 21):
        byte, at = data[at], at + 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return size, at


def read_records(stream: Stream, limits: Limits, first: int, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Yield types and payloads of the wanted records of a part.

    Args:
        stream: The part.
        limits: How much it may ask.
        first: The type of the part's first record, which tells the kind of part.
        wanted: Types of records.

    Raises:
        CorruptError: The part is damaged, or is of another kind.
    """
    records = RecordInput(stream, limits, wanted)
    identifier = records.next()
    if identifier != first:
        raise CorruptError(
            f"the part {stream.name} begins with a record of type {identifier}, not {first}", hint=DAMAGED
        )
    while identifier != END:
        if identifier in wanted:
            yield identifier, records.data[records.start : records.at]
        identifier = records.next()


class FieldBuffer:
    """The fields of a record's payload, from left to right.

    Args:
        payload: The payload.
        part: The part's name, for errors.
    """

    def __init__(self, payload: bytes, part: str) -> None:
        self._payload = payload
        self._at = 0
        self._part = part

    def number(self, size: int) -> int:
        """Return an unsigned number of ``size`` bytes.

        Raises:
            CorruptError: The payload is too short.
        """
        return int.from_bytes(self._take(size), "little")

    def text(self) -> str:
        """Return a name or a code, empty for none (MS-XLSB 2.5.166 and 2.5.169), without NUL and unpaired surrogates.

        Raises:
            CorruptError: The payload is too short.
        """
        count = self.number(4)
        return "" if count == 0xFFFFFFFF else str(self._take(2 * count), "utf-16-le", "ignore").replace("\0", "")

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes.

        Raises:
            CorruptError: The payload is too short.
        """
        return self._take(size)

    def skip(self, size: int) -> None:
        """Go over ``size`` bytes."""
        self._take(size)

    def _take(self, size: int) -> bytes:
        taken = self._payload[self._at : self._at + size]
        if len(taken) < size:
            raise CorruptError(f"the part {self._part} has a record that is too short", hint=DAMAGED)
        self._at += size
        return taken


def decode_text(data: bytes) -> str:
    """Return a text of UTF-16 units; halves of surrogate pairs stay as they are."""
    try:
        return str(data, "utf-16-le")
    except UnicodeDecodeError:
        return str(data, "utf-16-le", "surrogatepass")
