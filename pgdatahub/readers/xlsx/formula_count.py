"""Count of the formulas of a sheet while its part is read, for workbooks that ask to be calculated when they are opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pgdatahub.readers.packages.part_stream import PartStream

_PREFIX: Final = re.compile(rb"<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)worksheet[\s>]")
_ADDRESS: Final = re.compile(
    rb"""<(?:[A-Za-z_][A-Za-z0-9_.-]*:)?c(?:\s[^<>]*)?\sr=["']([A-Za-z]{1,3}[0-9]{1,7})["'][^<>]*>"""
)
_KEPT: Final = 4096
"""Bytes before a formula in which its cell begins."""


@dataclass(slots=True, kw_only=True)
class FormulaCount:
    """Formulas that were seen.

    Attributes:
        count: Their number.
        first: The address of the first one; empty where the sheet has no addresses.
    """

    count: int = 0
    first: str = ""


class CountingPart(PartStream):
    """A part that counts the formulas of what it gives out.

    Args:
        part: The part.
        found: Takes the count.
    """

    def __init__(self, part: PartStream, found: FormulaCount) -> None:
        self._part = part
        self._found = found
        self._before = b""
        self._tag = b""

    @property
    def name(self) -> str:
        """The part's name."""
        return self._part.name

    @property
    def size(self) -> int:
        """Bytes that the part claims to have."""
        return self._part.size

    @property
    def share(self) -> float:
        """The share of the part that has been given out, from 0 to 1."""
        return self._part.share

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes.

        Raises:
            CorruptError: The part is damaged, larger than it says, or unfolds past a limit.
        """
        data = self._part.read(size)
        if not self._tag:
            match = _PREFIX.search(data)
            self._tag = b"<%sf" % (match[1] if match else b"")
        # The end of the last piece may hold the beginning of a tag.
        tag = len(self._tag)
        piece = self._before[-tag:] + data
        if self._tag in piece:
            self._count(piece)
        self._before = (self._before + data)[-_KEPT:] if len(data) < _KEPT else data[-_KEPT:]
        return data

    def _count(self, piece: bytes) -> None:
        count = sum(piece.count(self._tag + end) for end in (b">", b" ", b"/", b"\n", b"\t", b"\r"))
        if count and not self._found.count:
            whole = self._before[: -len(self._tag)] + piece
            at = min(
                found for end in (b">", b" ", b"/", b"\n", b"\t", b"\r") if (found := whole.find(self._tag + end)) >= 0
            )
            cells = _ADDRESS.findall(whole[max(0, at - _KEPT) : at])
            self._found.first = cells[-1].decode().upper() if cells else ""
        self._found.count += count
