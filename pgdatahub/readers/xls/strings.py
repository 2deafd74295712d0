"""Unicode strings of Excel 97 to 2003, which may be cut by the end of a record ([MS-XLS] 2.5.293, 2.5.294)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import unpack_from
from typing import Final

_WIDE: Final = 1
_PHONETIC: Final = 4
_RICH: Final = 8


class TruncatedTextError(Exception):
    """A text is longer than its records."""


class StringReader:
    """Reads strings from a record and the ``CONTINUE`` records behind it.

    Args:
        records: The data of the records.
        offset: Where the first string begins in the first record.
    """

    def __init__(self, records: Sequence[bytes], offset: int) -> None:
        self._records = records
        self._index = 0
        self._data = records[0]
        self._offset = offset

    def shared(self) -> str:
        """Return the next string of the table of shared strings."""
        if self._offset >= len(self._data):
            self._next_record()
        return self.text(self._number("<H", 2))

    def text(self, length: int) -> str:
        """Return the next string, whose length in characters is known; what stands behind it is skipped."""
        options = self._number("<B", 1)
        runs = self._number("<H", 2) if options & _RICH else 0
        phonetic = self._number("<I", 4) if options & _PHONETIC else 0
        text = self.characters(length, options)
        if runs or phonetic:
            self._skip(4 * runs + phonetic)
        return text

    def characters(self, length: int, options: int) -> str:
        """Return characters; each further record begins with its own option of their width.

        Raises:
            TruncatedTextError: The records end before.
        """
        wide = options & _WIDE
        size = length * 2 if wide else length
        start = self._offset
        piece = self._data[start : start + size]
        if len(piece) == size:
            self._offset = start + size
            return piece.decode("utf-16-le", "surrogatepass") if wide else piece.decode("latin-1")
        found = bytearray()
        while True:
            if wide:
                piece = piece[: len(piece) & ~1]
                length -= len(piece) // 2
                found += piece
            else:
                length -= len(piece)
                found += piece.decode("latin-1").encode("utf-16-le")
            self._offset += len(piece)
            if not length:
                # At once, since a pair of surrogates may be cut as well.
                return found.decode("utf-16-le", "surrogatepass")
            self._next_record()
            wide = self._number("<B", 1) & _WIDE
            piece = self._data[self._offset : self._offset + (length * 2 if wide else length)]

    def _number(self, code: str, size: int) -> int:
        if self._offset + size > len(self._data):
            raise TruncatedTextError
        number: int = unpack_from(code, self._data, self._offset)[0]
        self._offset += size
        return number

    def _skip(self, size: int) -> None:
        self._offset += size
        while self._offset > len(self._data):
            beyond = self._offset - len(self._data)
            self._next_record()
            self._offset = beyond

    def _next_record(self) -> None:
        self._index += 1
        if self._index >= len(self._records):
            raise TruncatedTextError
        self._data = self._records[self._index]
        self._offset = 0


def read_string(records: Sequence[bytes], offset: int, length_size: int = 2) -> str:
    """Return the string at an offset of a record, with its length before it.

    Args:
        records: The data of the record and of those that continue it.
        offset: Where the length stands.
        length_size: Bytes of the length, 1 or 2.

    Raises:
        TruncatedTextError: The text is longer than the records.
    """
    length = int.from_bytes(records[0][offset : offset + length_size], "little")
    if not length:
        return ""
    return StringReader(records, offset + length_size).text(length)
