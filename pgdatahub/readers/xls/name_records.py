"""Records of defined names in workbooks of Excel 5 to 2003 ([MS-XLS] 2.4.150, 2.4.105, 2.4.271)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from struct import iter_unpack, pack, unpack_from
from typing import Final, TypeAlias

from pgdatahub.readers.ranges.defined_names import RESERVED
from pgdatahub.readers.xls import records
from pgdatahub.readers.xls.strings import TruncatedTextError, read_string

MAX_NAMES: Final = 65_536
_HIDDEN: Final = 0x01
_NOT_RANGES: Final = 0x0E
"""Flags of functions, Visual Basic procedures and macros."""
_BUILT_IN: Final = 0x20
_PRINT_AREA: Final = "\x06"
_OWN: Final = b"\x01\x04"
_CELL: Final = 0x1A
_AREA: Final = 0x1B
_ROW: Final = 0x3FFF
"""The last row of a sheet in Excel 5; the other bits of a row tell whether row and column are relative."""
_FIXED: Final = 14
"""Bytes before the name."""

PlainName: TypeAlias = "tuple[str, bytes, int | None, bool]"
"""Name, tokens, position of the only sheet that knows the name, and whether the workbook does not show it."""


class NameRecords:
    """The records as they come; they are read when a range asks for a name, and damage in them matters to no other file."""

    def __init__(self) -> None:
        self.listed: list[int | None] = []
        """Position of each listed sheet among those with cells; None for a sheet without cells."""
        self._names: list[bytes] = []
        self._books: list[bool] = []
        self._references: list[bytes] = []

    @property
    def hooks(self) -> dict[int, Callable[[bytes], None]]:
        """The functions that take the records."""
        return {
            records.NAME: self._take_name,
            records.SUPBOOK: lambda data: self._books.append(data[2:4] == _OWN),
            records.EXTERNSHEET: self._references.append,
        }

    @property
    def too_many(self) -> bool:
        """Return whether the workbook has more names than anyone writes."""
        return len(self._names) > MAX_NAMES

    def _take_name(self, data: bytes) -> None:
        if not self.too_many:
            self._names.append(data)

    def read(self, encoding: str | None) -> tuple[list[PlainName], list[tuple[int, int] | None]]:
        """Return the names, and the first and last listed sheet of each reference; None for another workbook.

        Damaged names and those of functions and macros are left out.

        Args:
            encoding: The encoding of names in workbooks of Excel 5 and 95; None for later ones.
        """
        references = self._sheets_of_references() if encoding is None else []
        names = []
        for data in self._names:
            try:
                name = self._name(data, encoding, references)
            except (struct.error, TruncatedTextError, IndexError, UnicodeDecodeError):
                continue
            if name is not None:
                names.append(name)
        return names, references

    def _sheets_of_references(self) -> list[tuple[int, int] | None]:
        found: list[tuple[int, int] | None] = []
        for data in self._references:
            pairs = data[2 : 2 + (len(data) - 2) // 6 * 6]
            for book, first, last in iter_unpack("<Hhh", pairs):
                found.append((first, last) if book < len(self._books) and self._books[book] else None)
        return found

    def _name(self, data: bytes, encoding: str | None, references: list[tuple[int, int] | None]) -> PlainName | None:
        flags, length, size, sheet = unpack_from("<HxBH2xH", data)
        if flags & _NOT_RANGES:
            return None
        if encoding is None:
            text = read_string([bytes((length,)) + data[_FIXED:]], 0, 1)
            start = _FIXED + 1 + (2 if data[_FIXED] & 1 else 1) * length
            tokens = data[start : start + size]
        else:
            start = _FIXED + length
            text = data[_FIXED:start].decode(encoding)
            tokens = _later_tokens(data[start : start + size], references)
        if text == _PRINT_AREA and flags & _BUILT_IN:
            text = "Print_Area"
        elif flags & _BUILT_IN or text.startswith(RESERVED):
            return None
        scope = None
        if sheet:
            scope = self.listed[sheet - 1]
            if scope is None:
                return None
        return text, tokens, scope, bool(flags & _HIDDEN)


def _later_tokens(tokens: bytes, references: list[tuple[int, int] | None]) -> bytes:
    """Return the tokens of Excel 97 for those of an area or a cell in Excel 5 and 95, which name the sheets themselves."""
    kind = tokens[0] & 0x1F if tokens else 0
    if (kind, len(tokens)) == (_AREA, 21):
        book, first, last, top, bottom, left, right = unpack_from("<h8xhhHHBB", tokens, 1)
        top, bottom = top & _ROW, bottom & _ROW
        rest = pack("<HHHH", top, 0xFFFF if bottom == _ROW else bottom, left, right)
    elif (kind, len(tokens)) == (_CELL, 18):
        book, first, last, row, column = unpack_from("<h8xhhHB", tokens, 1)
        rest = pack("<HH", row & _ROW, column)
    else:
        return tokens
    references.append((first, last) if book < 0 else None)
    return tokens[:1] + pack("<H", len(references) - 1) + rest
