"""The styles of a workbook, reduced to what matters here: each cell style's number format."""

from __future__ import annotations

from pgdatahub.readers.xlsx.limits import Limits
from pgdatahub.readers.xlsx.markup import Stream, start_elements
from pgdatahub.readers.xlsx.number_formats import NumberFormat, built_in_format, parse_format


def read_styles(stream: Stream, limits: Limits) -> tuple[NumberFormat, ...]:
    """Return the number formats of the cell styles, by the index that cells refer to.

    Args:
        stream: The styles part.
        limits: How much it may ask.

    Raises:
        CorruptError: It is damaged.
    """
    codes: dict[str, NumberFormat] = {}
    styles: list[str] = []
    for parent, element, attributes in start_elements(stream, limits):
        if element == "numFmt" and parent == "numFmts":
            codes[attributes.get("numFmtId", "")] = parse_format(attributes.get("formatCode", ""))
        elif element == "xf" and parent == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))
    return tuple(codes[style] if style in codes else _built_in(style) for style in styles)


def _built_in(identifier: str) -> NumberFormat:
    # Longer than any identifier: not a number worth reading.
    return built_in_format(int(identifier) if identifier.isdecimal() and len(identifier) < 9 else 0)
