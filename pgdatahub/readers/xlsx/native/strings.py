"""Shared strings in the compiled core."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.xlsx.native.interface import MOST_PREFIXES, NativeError, Options, bytes_at, load_core, options_of
from pgdatahub.readers.xlsx.shared_strings import BEGINNING, StringParser
from pgdatahub.readers.xlsx.string_table import IndexSet, LongStrings

_PIECE: Final = 1024 * 1024
_ITEM_END: Final = re.compile(rb"</(?:[A-Za-z_][A-Za-z0-9_.-]*:)?si>")
_ENDED, _DECLINED = 2, 3


class NativeStrings:
    """Shared strings by index, as fields of ``COPY``, in memory up to a limit and then on disk.

    Args:
        options: The limits and switches of the workbook.
        prefixes: The namespace prefixes in scope at the strings; None for strings in binary records.
    """

    def __init__(self, options: Options, prefixes: bytes | None = b"") -> None:
        library = self._library = load_core()
        bounds = ctypes.byref(options)
        path = os.fsencode(Path(tempfile.gettempdir()) / f"pgdatahub-{token_hex(8)}")
        if prefixes is None:
            self.handle = library.pgh_record_strings_new(bounds, path, len(path))
        else:
            self.handle = library.pgh_strings_new(bounds, path, len(path), prefixes, len(prefixes))
        if not self.handle:
            raise NativeError
        self._long = LongStrings(lambda index: self._get(index)[0])

    def __len__(self) -> int:
        return int(self._library.pgh_strings_count(self.handle))

    @property
    def lookup(self) -> Callable[[int], bytes]:
        """The function that returns the string of an index and raises IndexError beyond the last index."""
        return self._long

    @property
    def cleaned(self) -> IndexSet:
        """Indexes of strings from which characters were removed that PostgreSQL cannot store."""
        return _Cleaned(self._get, int(self._library.pgh_strings_cleaned(self.handle)))

    def feed(self, data: bytes, *, last: bool = False) -> int:
        """Add the items of a piece; return the core's status."""
        status: int = self._library.pgh_strings_feed(self.handle, data, len(data), last)
        if status < 0:
            raise NativeError("the shared strings cannot be kept", hint="make room for temporary files")
        return status

    @property
    def rest(self) -> bytes:
        """The input that was not consumed."""
        size = ctypes.c_size_t()
        address = self._library.pgh_strings_rest(self.handle, ctypes.byref(size))
        return bytes_at(address, size.value)

    def skip(self, count: int) -> None:
        """Consume ``count`` bytes of the rest."""
        self._library.pgh_strings_skip(self.handle, count)

    def add(self, text: bytes) -> None:
        """Add a string in UTF-8 with XML's references resolved."""
        if self._library.pgh_strings_add(self.handle, text, len(text)):
            raise NativeError("the shared strings cannot be kept", hint="make room for temporary files")

    def finish(self) -> None:
        """End the reading, so that the strings can be looked up."""
        if self._library.pgh_strings_finish(self.handle):
            raise NativeError("the shared strings cannot be kept", hint="make room for temporary files")

    def close(self) -> None:
        """Free the memory and the temporary file; a second call has no effect."""
        if self.handle:
            self._library.pgh_strings_free(self.handle)
            self.handle = None
            self._long.clear()

    def _get(self, index: int) -> tuple[bytes, bool]:
        size, cleaned = ctypes.c_size_t(), ctypes.c_int32()
        address = self._library.pgh_strings_get(self.handle, index, ctypes.byref(size), ctypes.byref(cleaned))
        if not address:
            raise IndexError(index)
        return bytes_at(address, size.value), bool(cleaned.value)


class _Cleaned:
    def __init__(self, get: Callable[[int], tuple[bytes, bool]], count: int) -> None:
        self._get = get
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self._get(index)[1]


def read_native_strings(stream: Stream | None, limits: Limits) -> NativeStrings:
    """Read the shared strings part; a workbook without the part has no shared strings.

    Items that the core declines go to the XML parser, which reports the damage if there is any.

    Raises:
        CorruptError: The part is damaged, or a string is too long.
    """
    if stream is None:
        strings = NativeStrings(options_of(limits))
        strings.finish()
        return strings
    parser = StringParser(stream.name, limits)
    head = stream.read(_PIECE)
    match = BEGINNING.match(head)
    if match is not None:
        parser.feed(match[0])
    prefixes = parser.prefixes
    options = options_of(limits, trim=not parser.preserves_space)
    strings = NativeStrings(options, "\0".join(prefixes).encode())
    try:
        rest = head if match is None else head[match.end() :]
        if match is not None and len(prefixes) <= MOST_PREFIXES:
            rest = _read_items(strings, stream, parser, rest)
        while rest:
            parser.feed(rest)
            _add_all(strings, parser)
            rest = stream.read(_PIECE)
        parser.feed(b"", final=True)
        _add_all(strings, parser)
        strings.finish()
    except BaseException:
        strings.close()
        raise
    return strings


def _read_items(strings: NativeStrings, stream: Stream, parser: StringParser, data: bytes) -> bytes:
    """Read items up to the last, or until the parser is inside an item; return the input left for the parser."""
    last = False
    while True:
        status = strings.feed(data, last=last)
        if status == _ENDED:
            return strings.rest
        if status == _DECLINED:
            rest = strings.rest
            end = max((match.end() for match in _ITEM_END.finditer(rest)), default=0)
            if last or not end:
                return rest
            parser.feed(rest[:end])
            _add_all(strings, parser)
            if not parser.between_items:
                return rest[end:] or stream.read(_PIECE)
            strings.skip(end)
        if last:
            return strings.rest
        data = stream.read(_PIECE)
        last = not data


def _add_all(strings: NativeStrings, parser: StringParser) -> None:
    for text in parser.take():
        strings.add(text)
