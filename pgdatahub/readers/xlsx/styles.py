"""The number formats of a workbook's cell styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from pgdatahub.errors import CorruptError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.number_formats import NumberFormat, built_in_format
from pgdatahub.readers.packages.markup import Stream, start_elements


class Styles(Sequence[NumberFormat]):
    """The number formats of the cell styles, by the index that cells refer to; each is parsed when a cell asks for it.

    Two are equal if all their codes are.

    Args:
        codes: For each style its format's code, or the identifier of a built-in format.
    """

    def __init__(self, codes: Sequence[str | int]) -> None:
        self._codes = tuple(codes)
        self._hash = hash(self._codes)
        self._known: dict[str | int, NumberFormat] = {}

    @property
    def codes(self) -> Sequence[str | int]:
        """For each style its format's code, or the identifier of a built-in format."""
        return self._codes

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> NumberFormat: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NumberFormat]: ...
    def __getitem__(self, index: int | slice) -> NumberFormat | Sequence[NumberFormat]:
        if isinstance(index, slice):
            return Styles(self._codes[index])
        code = self._codes[index]
        found = self._known.get(code)
        if found is None:
            found = self._known[code] = parse_format(code) if isinstance(code, str) else built_in_format(code)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Styles) and self._codes == other._codes

    def __hash__(self) -> int:
        return self._hash


def read_styles(stream: Stream, limits: Limits) -> Styles:
    """Return the number formats of the cell styles.

    Args:
        stream: The styles part.
        limits: How much it may ask.

    Raises:
        CorruptError: It is damaged, or has too many of them.
    """
    codes: dict[str, str] = {}
    styles: list[str] = []
    formats = 0
    for parent, element, attributes in start_elements(stream, limits):
        if element == "numFmt" and parent == "numFmts":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            formats += 1
        elif element == "xf" and parent == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))
        if formats > limits.number_formats or len(styles) > limits.cell_styles:
            raise CorruptError(
                f"the workbook has more than {limits.number_formats:,} number formats or {limits.cell_styles:,} cell styles",
                hint="copy the sheet's values to a new workbook",
            )
    return Styles([codes[style] if style in codes else _built_in(style) for style in styles])


def _built_in(identifier: str) -> int:
    # Longer than any identifier: not a number worth reading.
    return int(identifier) if identifier.isdecimal() and len(identifier) < 9 else 0
