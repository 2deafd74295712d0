"""Inflating and CRC-32: ISA-L where it is installed, zlib elsewhere.

ISA-L takes a third of zlib's time. It has no wheel for Windows on ARM.
"""

from __future__ import annotations

from typing import cast

try:
    from isal import isal_zlib as _library
except ImportError:
    import zlib as _library  # type: ignore[no-redef]

INFLATE_ERRORS = cast("tuple[type[Exception], ...]", (_library.error,))  # isal's stub declares an instance
crc32 = _library.crc32


class Inflater:
    """Raw deflated bytes, inflated piece by piece."""

    def __init__(self) -> None:
        self._inflater = _library.decompressobj(-15)

    @property
    def ended(self) -> bool:
        """Return whether the stream has come to its end."""
        return bool(self._inflater.eof)

    @property
    def waiting(self) -> bytes:
        """The compressed bytes that the last call left."""
        return bytes(self._inflater.unconsumed_tail)

    def inflate(self, compressed: bytes, most: int) -> bytes:
        """Return up to ``most`` inflated bytes.

        Raises:
            INFLATE_ERRORS: The bytes are damaged.
        """
        return bytes(self._inflater.decompress(compressed, most))
