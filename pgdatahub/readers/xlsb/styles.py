"""The number formats of a binary workbook's cell styles."""

from __future__ import annotations

from typing import Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.records import FieldBuffer, read_records
from pgdatahub.readers.xlsx.styles import Styles

_WANTED: Final = (records.FORMAT, records.CELL_STYLE, records.BEGIN_CELL_STYLES, records.END_CELL_STYLES)


def read_styles(stream: Stream, limits: Limits) -> Styles:
    """Return the number formats of the cell styles.

    Raises:
        CorruptError: The part is damaged.
    """
    codes: dict[int, str] = {}
    styles: list[int] = []
    in_cell_styles = False
    for identifier, payload in read_records(stream, limits, records.BEGIN_STYLES, _WANTED):
        if identifier == records.CELL_STYLE:
            if in_cell_styles:
                styles.append(int.from_bytes(payload[2:4], "little"))
        elif identifier == records.FORMAT:
            fields = FieldBuffer(payload, stream.name)
            number = fields.number(2)
            codes[number] = fields.text()
        else:
            in_cell_styles = identifier == records.BEGIN_CELL_STYLES
    return Styles([codes.get(style, style) for style in styles])
