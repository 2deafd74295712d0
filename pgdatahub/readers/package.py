"""Zip file of a workbook: parts by name, inflated piece by piece under limits, and relationships between parts.

:mod:`zipfile` reads the directory; :mod:`~pgdatahub.readers.inflate` inflates the parts. The package never extracts a part
to a path, so a part named ``../../x`` is harmless: its name is only a key to which no relationship refers.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, NoReturn
from urllib.parse import unquote

from pgdatahub.errors import CorruptError, EncryptedError
from pgdatahub.readers.inflate import INFLATE_ERRORS, Inflater, crc32
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.markup import start_elements

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_END_OF_DIRECTORY = struct.Struct("<4sQ2H2L4Q")
_COMMENT_BYTES = 0xFFFF
_COMPRESSED_PIECE = 64 * 1024

SAVE_AGAIN = "open and save it in Excel or LibreOffice, or ask its sender for it again"
"""Advice for faults that programs repair without changing a value."""
DAMAGED = "copy or download it again, or ask its sender for it again; a program that repairs it may lose values"
"""Advice for damage, of which programs save what they can read: a part of the rows, or the other sheets."""
ASK_SENDER = "ask its sender for it again; saving it in another program may change values"
"""Advice for damage that other programs repair by guessing: they drop one of two values, or read a word as false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A reference from one part to another part.

    Attributes:
        identifier: The name by which the part refers to the other part, such as ``rId1``.
        type: The last word of the relationship's type, such as ``worksheet``; the same in strict and transitional files.
        target: The other part's name, from the root of the package, without a leading slash.
    """

    identifier: str
    type: str
    target: str


class Package:
    """The parts of an Office Open XML file.

    Args:
        file: The bytes, seekable.
        limits: The limits on the file's resources.

    Raises:
        CorruptError: The bytes are not a valid zip file.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._lock = Lock()  # a thread may inflate one part while another part is opened
        self._limits = limits
        self._usage = Usage()
        self._check_directory()
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, EOFError) as error:
            raise CorruptError(f"this zip file is damaged: {error}", hint=DAMAGED) from error
        self._check_overlaps(entries)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._doubles: set[str] = set()
        for entry in entries:
            key = _key(entry.filename)
            if key in self._entries:
                self._doubles.add(key)
            self._entries[key] = entry

    @property
    def names(self) -> Collection[str]:
        """The names of all parts, in lower case."""
        return self._entries.keys()

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    def open(self, name: str, *, limit: int | None = None) -> PartStream:
        """Open a part as a stream that reads the part once, from the beginning.

        Args:
            name: The part's name, in upper or lower case.
            limit: Inflated bytes that the part may have; by default the limit for small parts.

        Raises:
            CorruptError: The part is missing, or two parts have this name.
            EncryptedError: The part is encrypted with the zip format's own encryption.
        """
        key = _key(name)
        entry = self._entries.get(key)
        if entry is None:
            raise CorruptError(f"the part {name} is missing", hint=DAMAGED)
        if key in self._doubles:
            raise CorruptError(f"there are two parts named {name}", hint=DAMAGED)
        if entry.flag_bits & 0x1:
            raise EncryptedError("the workbook is protected by a password", hint="save it without a password")
        limit = self._limits.small_part_bytes if limit is None else limit
        return PartStream(self._file, self._lock, entry, self._limits, limit, self._usage)

    def relationships(self, name: str) -> Iterator[Relationship]:
        """Yield the relationships of a part (``""``: of the package) that lead to parts of the package."""
        folder, base = posixpath.split(name)
        path = posixpath.join(folder, "_rels", base + ".rels")
        if path not in self:
            return
        for _, element, attributes in start_elements(self.open(path), self._limits):
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                yield Relationship(
                    identifier=attributes.get("Id", ""),
                    type=attributes.get("Type", "").rsplit("/", 1)[-1],
                    target=self._resolve(folder, attributes.get("Target", "")),
                )

    def content_types(self) -> dict[str, str]:
        """Return the content types declared for single parts, by name without the leading slash."""
        if "[Content_Types].xml" not in self:
            return {}
        return {
            attributes.get("PartName", "").lstrip("/"): attributes.get("ContentType", "")
            for _, element, attributes in start_elements(self.open("[Content_Types].xml"), self._limits)
            if element == "Override"
        }

    def _resolve(self, folder: str, target: str) -> str:
        """Return the part name for a target, which may be relative or absolute, with backslashes or percent signs."""
        target = target.replace("\\", "/")
        path = posixpath.normpath(posixpath.join("/" + folder, target)).lstrip("/")
        # Some programs write targets relative to the root without a leading slash.
        candidates = (path, unquote(path), target.lstrip("/"))
        return next((candidate for candidate in candidates if candidate in self), path)

    def _check_directory(self) -> None:
        """Refuse a directory too large for the memory (zipfile reads the directory in one piece)."""
        size = self._file.seek(0, 2)
        start = max(0, size - _COMMENT_BYTES - _END_OF_DIRECTORY.size - _ZIP64_LOCATOR.size)
        self._file.seek(start)
        tail = self._file.read(size - start)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + _END_OF_DIRECTORY.size > len(tail):
            raise CorruptError("the zip file has no directory: it is cut off or damaged", hint=DAMAGED)
        directory: int = _END_OF_DIRECTORY.unpack_from(tail, at)[5]
        locator = at - _ZIP64_LOCATOR.size
        if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
            self._file.seek(min(_ZIP64_LOCATOR.unpack_from(tail, locator)[2], size))
            record = self._file.read(_ZIP64_END_OF_DIRECTORY.size)
            if len(record) == _ZIP64_END_OF_DIRECTORY.size:
                directory = _ZIP64_END_OF_DIRECTORY.unpack(record)[8]
        self._file.seek(0)
        if directory > min(self._limits.directory_bytes, size):
            raise CorruptError(f"the zip file's directory claims {directory:,} bytes", hint=DAMAGED)

    @staticmethod
    def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
        """Refuse entries that share bytes: shared bytes let a small zip file inflate without bound."""
        end = 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            if entry.header_offset < end:
                raise CorruptError(f"the part {entry.filename} overlaps another one", hint=DAMAGED)
            end = entry.header_offset + _LOCAL_HEADER.size + entry.compress_size


@dataclass(slots=True)
class Usage:
    """Bytes read from all parts of a package, counted again each time a part is opened.

    Attributes:
        given: Inflated bytes.
        taken: Compressed bytes.
    """

    given: int = 0
    taken: int = 0


class PartStream:
    """The bytes of one part, inflated on request, with size and CRC-32 checked at the end."""

    def __init__(
        self, file: BinaryIO, lock: Lock, entry: zipfile.ZipInfo, limits: Limits, limit: int, usage: Usage
    ) -> None:
        self._usage = usage
        self._file = file
        self._lock = lock
        self._entry = entry
        self._limits = limits
        self._limit = limit
        with lock:
            self._position = self._start()
        self._compressed_left = entry.compress_size
        self._taken = 0
        self._crc = 0
        self._given = 0
        self._ended = False
        self._inflater = Inflater() if entry.compress_type == zipfile.ZIP_DEFLATED else None
        if entry.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
            self._damaged(f"is compressed by a method ({entry.compress_type}) that workbooks do not use")

    @property
    def name(self) -> str:
        """The part's name."""
        return self._entry.filename

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, fewer only at the end of the part; ``b""`` after the end.

        Raises:
            CorruptError: The part is damaged, larger than it claims, or inflates beyond a limit.
        """
        pieces: list[bytes] = []
        wanted = size
        while wanted > 0 and not self._ended:
            piece = self._inflated(self._inflater, wanted) if self._inflater else self._stored(wanted)
            wanted -= len(piece)
            pieces.append(piece)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._crc = crc32(data, self._crc)
        self._given += len(data)
        self._usage.given += len(data)
        self._check()
        return data

    @property
    def size(self) -> int:
        """The number of bytes that the part claims to have."""
        return self._entry.file_size

    @property
    def share(self) -> float:
        """The share of the part that has been read, from 0 to 1."""
        return self._given / max(1, self._entry.file_size)

    def _inflated(self, inflater: Inflater, wanted: int) -> bytes:
        compressed = inflater.waiting or self._compressed(_COMPRESSED_PIECE)
        try:
            data = inflater.inflate(compressed, wanted)
        except INFLATE_ERRORS as error:
            self._damaged(f"is damaged: {error}", error)
        if inflater.ended:
            self._ended = True
        elif not data and not inflater.waiting and not self._compressed_left:
            self._damaged("ends too soon")
        return data

    def _stored(self, wanted: int) -> bytes:
        data = self._compressed(wanted)
        if not self._compressed_left:
            self._ended = True
        return data

    def _compressed(self, size: int) -> bytes:
        size = min(size, self._compressed_left)
        with self._lock:
            self._file.seek(self._position)
            data = self._file.read(size)
        if len(data) < size:
            self._damaged("ends too soon")
        self._position += size
        self._compressed_left -= size
        self._taken += size
        self._usage.taken += size
        return data

    def _check(self) -> None:
        given, entry = self._given, self._entry
        if given > self._limit:
            self._damaged(f"unfolds to more than {self._limit:,} bytes")
        limits, usage = self._limits, self._usage
        if usage.given > limits.ratio_from and usage.given > limits.ratio * max(1, usage.taken):
            self._damaged(f"unfolds, with the parts before it, to more than {limits.ratio} times its size")
        if given > min(limits.ratio_from, self._limit // 4) and given > limits.ratio * max(1, self._taken):
            self._damaged(f"unfolds to more than {self._limits.ratio} times its size, as only a zip bomb does")
        if given > entry.file_size:
            self._damaged(f"has more than the {entry.file_size:,} bytes that it claims")
        if self._ended and given < entry.file_size:
            self._damaged(f"has {given:,} bytes and claims {entry.file_size:,}")
        if self._ended and self._crc != entry.CRC:
            self._damaged("is damaged: its checksum is wrong")

    def _start(self) -> int:
        """Return the offset of the part's bytes, behind a local header with the same name as in the directory."""
        entry = self._entry
        self._file.seek(entry.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
            self._damaged("is not where the zip file's directory says")
        name_size, extra_size = _LOCAL_HEADER.unpack(header)[-2:]
        encoding = "utf-8" if entry.flag_bits & 0x800 else "cp437"
        if self._file.read(name_size).decode(encoding, "replace") != entry.orig_filename:
            self._damaged("has another name in the zip file's directory")
        return int(entry.header_offset) + len(header) + int(name_size) + int(extra_size)

    def _damaged(self, what: str, cause: Exception | None = None) -> NoReturn:
        raise CorruptError(f"the part {self._entry.filename} {what}", hint=DAMAGED) from cause


def _key(name: str) -> str:
    """Return the key of a part name: case is ignored (ECMA-376 part 2), and backslashes of some programs become slashes."""
    return name.replace("\\", "/").lstrip("/").lower()
