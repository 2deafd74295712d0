"""Number formats of cell styles as the core reads them."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

from pgdatahub.readers.numbers.number_formats import NumberFormat, Section, Shown
from pgdatahub.values.copytext import escape

_SHOWN: Final = {
    Shown.NUMBER: 0,
    Shown.DATE: 1,
    Shown.TIME: 2,
    Shown.ELAPSED: 3,
    Shown.ZEROS: 4,
    Shown.NOTHING: 5,
}
_OPERATORS: Final = {"<": 1, "<=": 2, "=": 3, "<>": 4, ">=": 5, ">": 6}
_PLACE = re.compile(r"\\.|.", re.DOTALL)


def styles_bytes(styles: Sequence[NumberFormat]) -> bytes:
    """Return the number formats of the cell styles as ``Style::read_all`` of the core reads them."""
    return b"".join(bytes([len(style.sections)]) + b"".join(map(_section, style.sections)) for style in styles)


def _section(section: Section) -> bytes:
    condition = section.condition
    pattern = b"".join(b"\0" if piece == "0" else escape(piece[-1]) for piece in _PLACE.findall(section.pattern))
    head = struct.pack(
        "<3BdH",
        _OPERATORS[condition.operator] if condition else 0,
        _SHOWN[section.shown],
        not section.unsigned,
        condition.operand if condition else 0.0,
        len(pattern),
    )
    return head + pattern
