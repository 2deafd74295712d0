"""The merged areas of a binary worksheet, which stand behind its rows."""

from __future__ import annotations

import re
import struct
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.records import RecordInput

_AREA: Final = struct.Struct("<4I")
_SIZES: Final = (5, 8, 9, 12, 16, 25)
"""Sizes of rows with one span and of cells of numbers, booleans, errors, shared strings and none."""
_CELLS: Final = re.compile(
    rb"(?s)(?:[\x00-\x12](?:%s))*" % b"|".join(re.escape(bytes((size,))) + b".{%d}" % size for size in _SIZES)
)
"""Rows and cells, at 30 ns each: a sixtieth of the time of reading them."""


def read_merged_areas(stream: Stream, limits: Limits) -> list[Area]:
    """Return the merged areas of a worksheet part, from top to bottom.

    Raises:
        CorruptError: The part is damaged, or has too many of them.
    """
    areas: list[Area] = []
    source = RecordInput(stream, limits, (records.MERGED_AREA,))
    while (identifier := source.next()) != records.END:
        if identifier == records.MERGED_AREA:
            areas.append(_area(source, limits))
            if len(areas) > limits.merged_areas:
                raise CorruptError(f"there are more than {limits.merged_areas:,} merged areas", hint=DAMAGED)
        elif identifier <= records.SHORT_SHARED:
            cells = _CELLS.match(source.data, source.at)
            if cells is not None:
                source.at = cells.end()
    return sorted(areas, key=lambda area: area.first_row)


def _area(source: RecordInput, limits: Limits) -> Area:
    payload = source.data[source.start : source.at]
    if len(payload) < _AREA.size:
        raise source.damaged("has a merged area that is cut off")
    first_row, last_row, first_column, last_column = _AREA.unpack_from(payload)
    if not (first_row <= last_row < limits.rows and first_column <= last_column < limits.columns):
        raise source.damaged("has a merged area that is nowhere")
    return Area(first_row=first_row + 1, first_column=first_column, last_row=last_row + 1, last_column=last_column)
