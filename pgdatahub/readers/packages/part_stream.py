"""One part of a zip file: its bytes, inflated on request under limits, and checked."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Final, NoReturn

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.inflate import INFLATE_ERRORS, Inflater, crc32

LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
_COMPRESSED_PIECE: Final = 64 * 1024


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
        header = self._file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
            self._damaged("is not where the zip file's directory says")
        name_size, extra_size = LOCAL_HEADER.unpack(header)[-2:]
        encoding = "utf-8" if entry.flag_bits & 0x800 else "cp437"
        if self._file.read(name_size).decode(encoding, "replace") != entry.orig_filename:
            self._damaged("has another name in the zip file's directory")
        return int(entry.header_offset) + len(header) + int(name_size) + int(extra_size)

    def _damaged(self, what: str, cause: Exception | None = None) -> NoReturn:
        raise CorruptError(f"the part {self._entry.filename} {what}", hint=DAMAGED) from cause
