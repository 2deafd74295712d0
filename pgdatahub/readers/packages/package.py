"""Zip file of a workbook: parts by name, inflated piece by piece under limits, and relationships between parts.

:mod:`zipfile` reads the directory; :mod:`~pgdatahub.readers.packages.part_stream` inflates the parts. The package never extracts a part
to a path, so a part named ``../../x`` is harmless: its name is only a key to which no relationship refers.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO
from urllib.parse import unquote

from pgdatahub.errors import CorruptError, EncryptedError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import start_elements
from pgdatahub.readers.packages.part_stream import LOCAL_HEADER, PartStream, Usage

_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_END_OF_DIRECTORY = struct.Struct("<4sQ2H2L4Q")
_COMMENT_BYTES = 0xFFFF


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

    ``entries`` are those of the zip file's directory, in its order.

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
        self.entries = tuple(entries)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._doubles: set[str] = set()
        for entry in entries:
            key = part_key(entry.filename)
            if key in self._entries:
                self._doubles.add(key)
            self._entries[key] = entry

    @property
    def names(self) -> Collection[str]:
        """The names of all parts, in lower case."""
        return self._entries.keys()

    @property
    def doubles(self) -> Collection[str]:
        """The names, in lower case, that several parts have."""
        return self._doubles

    def __contains__(self, name: str) -> bool:
        return part_key(name) in self._entries

    def open(self, name: str, *, limit: int | None = None) -> PartStream:
        """Open a part as a stream that reads the part once, from the beginning.

        Args:
            name: The part's name, in upper or lower case.
            limit: Inflated bytes that the part may have; by default the limit for small parts.

        Raises:
            CorruptError: The part is missing, or two parts have this name.
            EncryptedError: The part is encrypted with the zip format's own encryption.
        """
        key = part_key(name)
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
            end = entry.header_offset + LOCAL_HEADER.size + entry.compress_size


def part_key(name: str) -> str:
    """Return the key of a part name: case is ignored (ECMA-376 part 2), and backslashes of some programs become slashes."""
    return name.replace("\\", "/").lstrip("/").lower()
