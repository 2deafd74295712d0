"""Bytes and characters of a file, unpacked if gzip packed them."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from pgdatahub import SourceFile
from pgdatahub.errors import CorruptError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP: Final = b"\x1f\x8b"
BLOCK_BYTES: Final = 1 << 20
RATIO: Final = 400
"""Unpacked bytes for each packed byte. Deflate cannot exceed 1,032; rows that are not all alike reach about 100."""
RATIO_FROM: Final = 512 << 20
"""Unpacked bytes below which the ratio is not checked."""
OTHER_TEXTS: Final = (
    (re.compile(rb"%pdf-"), "a PDF document"),
    (re.compile(rb"\{\\rtf"), "an RTF document"),
    (re.compile(rb"<(!doctype html|html)\b"), "an HTML page"),
    (re.compile(rb"<\?xml\b"), "an XML document"),
    (re.compile(rb'(\[\s*)?\{\s*"[^"]*"\s*:'), "a JSON document"),
)
"""Beginnings, in lower case, of texts that are not tables → their kinds. A header such as ``<DATE>,<TIME>`` is none of them."""


class Content:
    """The bytes of a file.

    Args:
        source: The file.
    """

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        with source.open() as file:
            self.is_packed = file.read(2) == GZIP

    def open(self) -> BinaryIO:
        """Open the bytes from the start; the caller closes them."""
        if not self.is_packed:
            return self.source.open()
        with ExitStack() as stack:
            packed = stack.enter_context(self.source.open())
            unpacked = io.BufferedReader(_Unpacked(packed), BLOCK_BYTES)
            stack.pop_all()
            return unpacked

    def open_text(self, encoding: str) -> TextIO:
        """Open the characters from the start; lines keep their ends, which :mod:`csv` needs to tell a newline in quotes."""
        return io.TextIOWrapper(self.open(), encoding, newline="")


def other_text(beginning: bytes) -> str | None:
    """Return the kind of a text that has the suffix of a CSV file and is not one, by its first bytes."""
    start = beginning.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return next((kind for pattern, kind in OTHER_TEXTS if pattern.match(start)), None)


class _Unpacked(io.RawIOBase):
    """The bytes that gzip packed, in bounded memory.

    Args:
        packed: The packed bytes, which are closed with this file.
    """

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._packed = packed
        self._file = gzip.GzipFile(fileobj=packed)
        self._given = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read into a buffer, and return the number of bytes.

        Raises:
            CorruptError: The file is damaged, cut, or unpacks to far more than its size.
        """
        view = memoryview(buffer).cast("B")
        try:
            count = self._file.readinto(view)
        except EOFError as error:
            raise CorruptError("the gzip file is cut off", hint="copy or download it again") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise CorruptError(f"the gzip file is damaged: {error}", hint="copy or download it again") from error
        self._given += count
        if self._given > RATIO_FROM and self._given > RATIO * max(1, self._packed.tell()):
            raise CorruptError(
                f"the file unpacks to more than {RATIO} times its size, as a decompression bomb does",
                hint="unpack it and load the .csv file, if you trust its sender",
            )
        return count

    def close(self) -> None:
        """Close both files; may be called twice."""
        if not self.closed:
            self._file.close()
            self._packed.close()
        super().close()
