"""OLE compound files: the container of ``.xls``, of encrypted packages, and of many other programs' documents ([MS-CFB]).

Damage is tolerated where the content can still be told: a chain of sectors ends where it repeats itself or leaves the file.
Every step takes time in proportion to the file's size. Imports the standard library only.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import unpack_from
from sys import byteorder
from typing import BinaryIO, Final, TypeAlias

SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class FileData:
    """The bytes of a file, of which only those that are asked for are read.

    Args:
        file: Seekable.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        self._file.seek(start)
        return self._file.read(max(0, stop - start))


Data: TypeAlias = "bytes | mmap | FileData"

_HEADER: Final = 512
_ENTRY: Final = 128
_STORAGE: Final = 1
_STREAM: Final = 2
_MOST_ENTRIES: Final = 100_000


class OleError(Exception):
    """The file is not such a container, or too damaged to tell."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the directory: a stream or a storage."""

    name: str
    kind: int
    left: int
    right: int
    child: int
    first: int
    size: int


class Container:
    """An OLE compound file.

    Args:
        data: All its bytes.

    Raises:
        OleError: It is not such a file, or its directory cannot be read.
    """

    def __init__(self, data: Data) -> None:
        if len(data) < _HEADER or data[:8] != SIGNATURE:
            raise OleError("it is not an OLE compound file")
        self._data = data
        self._header = header = data[:_HEADER]
        shift, short_shift = unpack_from("<HH", header, 30)
        self._sector = 1 << (shift if 7 <= shift <= 16 else 9)
        self._short_sector = 1 << (short_shift if 2 <= short_shift <= 12 else 6)
        directory, _, self._cutoff, short_first, _, more_first, _ = unpack_from("<IIIIIII", header, 48)
        self._base = max(_HEADER, self._sector)
        self._sectors = max(0, -(-(len(data) - self._base) // self._sector))
        self._table = self._read_table(more_first)
        self._entries = self._read_directory(directory)
        self._short_first = short_first
        self._short: tuple[array[int], bytes] | None = None

    def streams(self) -> list[Entry]:
        """Return the streams that lie in the root; those of embedded objects lie in storages."""
        found = [entry for entry in self._children(self._entries[0].child) if entry.kind == _STREAM]
        if found:
            return found
        # A damaged tree: all streams but those that a storage is known to hold.
        inner = [
            child for entry in self._entries[1:] if entry.kind == _STORAGE for child in self._children(entry.child)
        ]
        return [entry for entry in self._entries[1:] if entry.kind == _STREAM and entry not in inner]

    def names(self) -> frozenset[str]:
        """Return the names of all streams and storages in the root."""
        return frozenset(entry.name for entry in self._children(self._entries[0].child)) | {
            entry.name for entry in self.streams()
        }

    def read(self, entry: Entry) -> bytes:
        """Return the content of a stream, as far as the file has it."""
        if entry.size >= self._cutoff:
            return b"".join(self._pieces(entry.first))[: entry.size]
        size = self._short_sector
        table, stream = self._short_sectors()
        pieces = [stream[number * size : (number + 1) * size] for number in _chain(table, entry.first)]
        return b"".join(pieces)[: entry.size]

    def _short_sectors(self) -> tuple[array[int], bytes]:
        """Return the table of the short sectors, and the stream of the root, which holds them."""
        if self._short is None:
            table = _numbers(b"".join(self._pieces(self._short_first)))
            self._short = table, b"".join(self._pieces(self._entries[0].first))
        return self._short

    def _read_table(self, more: int) -> array[int]:
        """Return the table that has the next sector of each, from the list of its own sectors."""
        listed = list(unpack_from("<109I", self._header, 76))
        seen: set[int] = set()
        while more < self._sectors and more not in seen:
            seen.add(more)
            numbers = _numbers(self._piece(more))
            if not numbers:
                break
            listed.extend(numbers[:-1])
            more = numbers[-1]
        needed = self._sectors // (self._sector // 4) + 1
        own = [number for number in dict.fromkeys(listed) if number < self._sectors]
        return _numbers(b"".join(self._piece(number) for number in own[: needed + 1]))

    def _read_directory(self, first: int) -> list[Entry]:
        data = b"".join(self._pieces(first))
        entries = []
        for start in range(0, min(len(data), _MOST_ENTRIES * _ENTRY) - _ENTRY + 1, _ENTRY):
            length, kind, _, left, right, child = unpack_from("<HBBIII", data, start + 64)
            place, size = unpack_from("<II", data, start + 116)
            name = data[start : start + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            entries.append(Entry(name, kind, left, right, child, place, size))
        if not entries:
            raise OleError("its directory is missing")
        return entries

    def _children(self, first: int) -> Iterator[Entry]:
        waiting, seen = [first], {0}
        while waiting:
            number = waiting.pop()
            if number in seen or number >= len(self._entries):
                continue
            seen.add(number)
            entry = self._entries[number]
            yield entry
            waiting += [entry.right, entry.left]

    def _pieces(self, first: int) -> Iterator[bytes]:
        """Yield a chain of sectors, those that lie side by side in one piece."""
        start = end = -1
        for number in _chain(self._table, first):
            if number >= self._sectors:
                break
            if number != end:
                if end > start:
                    yield self._piece(start, end - start)
                start = number
            end = number + 1
        if end > start:
            yield self._piece(start, end - start)

    def _piece(self, number: int, count: int = 1) -> bytes:
        start = self._base + number * self._sector
        return self._data[start : start + count * self._sector]


def _chain(table: array[int], first: int) -> Iterator[int]:
    """Yield the sectors of a chain; it ends where it leaves the table or has more sectors than the table."""
    number = first
    for _ in range(len(table)):
        if number >= len(table):
            return
        yield number
        number = table[number]


def _numbers(data: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(data[: len(data) // 4 * 4])
    if byteorder == "big":
        numbers.byteswap()
    return numbers
