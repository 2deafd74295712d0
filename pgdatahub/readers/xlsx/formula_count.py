"""Count of the stored results of a sheet's formulas while its part is read, for workbooks that ask to be calculated when opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pgdatahub.readers.packages.part_stream import PartStream

_PREFIX: Final = re.compile(rb"<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)worksheet[\s>]")
_ADDRESS: Final = re.compile(rb"""\sr=["']([A-Za-z]{1,3}[0-9]{1,7})["']""")
_IS_TEXT: Final = re.compile(rb"""\st=["']str["']""")
_KEPT: Final = 1 << 18
"""Bytes of a cell that ends in a later piece: a formula of 8,192 characters and a result of 32,767 take less."""


@dataclass(slots=True, kw_only=True)
class FormulaCount:
    """Formulas with a stored result that were seen.

    Attributes:
        count: Their number.
        first: The address of the first one; empty where the sheet has no addresses.
    """

    count: int = 0
    first: str = ""


class CountingPart(PartStream):
    """A part that counts the formulas with a stored result in what it gives out.

    Args:
        part: The part.
        found: Takes the count.
    """

    def __init__(self, part: PartStream, found: FormulaCount) -> None:
        self._part = part
        self._found = found
        self._rest = b""
        self._end = b""

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
        if not self._end:
            match = _PREFIX.search(data)
            self._set_prefix(match[1] if match else b"")
        piece = self._rest + data
        cells = piece.rfind(self._end) + 1  # up to here cells are whole
        if cells and self._tag in piece:
            self._count(piece, cells)
        self._rest = piece[cells:][-_KEPT:]
        return data

    def _set_prefix(self, prefix: bytes) -> None:
        name = {b"p": re.escape(prefix)}
        self._end = b"</%sc>" % prefix
        self._cell = b"<%sc" % prefix
        self._tag = b"<%sf" % prefix
        self._formula = re.compile(rb"<%(p)sf[\s/>]" % name)
        self._value = re.compile(rb"<%(p)sv[\s/>]" % name)
        self._result = re.compile(rb"<%(p)sv(?:\s[^<>/]*)?>(?!</)|<%(p)sis[\s>]" % name)

    def _count(self, piece: bytes, cells: int) -> None:
        """Count the results in the cells that end before this position."""
        for formula in self._formula.finditer(piece, 0, cells):
            at = formula.start()
            cell = piece[max(0, piece.rfind(self._cell, 0, at)) : piece.find(self._end, at)]
            tag = cell[: cell.find(b">")]
            if not self._result.search(cell) and not (_IS_TEXT.search(tag) and self._value.search(cell)):
                continue
            if not self._found.count:
                address = _ADDRESS.search(tag)
                self._found.first = address[1].decode().upper() if address else ""
            self._found.count += 1
