"""Layouts of the records of cells (MS-XLSB 2.4): their types, and the values behind their heads."""

from __future__ import annotations

from struct import Struct
from typing import Final

from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.cells import Source

_SIGNED, _DOUBLE, _BYTE = Struct("<i"), Struct("<d"), Struct("<B")
UNSIGNED: Final = Struct("<I")
FIXED_CELLS: Final = {
    records.CELL_RK: (Source.RK, _SIGNED),
    records.CELL_ERROR: (Source.ERROR, _BYTE),
    records.CELL_BOOLEAN: (Source.BOOLEAN, _BYTE),
    records.CELL_REAL: (Source.NUMBER, _DOUBLE),
    records.CELL_SHARED: (Source.SHARED, UNSIGNED),
    records.FORMULA_NUMBER: (Source.NUMBER, _DOUBLE),
    records.FORMULA_BOOLEAN: (Source.BOOLEAN, _BYTE),
    records.FORMULA_ERROR: (Source.ERROR, _BYTE),
}
"""Cells with a value of fixed size."""
TEXT_CELLS: Final = {records.CELL_TEXT: 0, records.FORMULA_TEXT: 0, records.CELL_RICH_TEXT: 1}
"""Cells with a text of their own, and the bytes before it."""
FORMULA_CELLS: Final = range(records.FORMULA_TEXT, records.FORMULA_ERROR + 1)
CELLS: Final = frozenset({*range(records.ROW_HEADER, records.SHORT_SHARED + 1), records.CELL_RICH_TEXT})
HEAD_BYTES: Final = 10
"""Bytes of type, size, column and style of a cell of a usual size."""
USUAL_HEADS: Final = {
    identifier: bytes((identifier, HEAD_BYTES - 2 + value.size))
    for identifier, (_, value) in FIXED_CELLS.items()
    if identifier < records.FORMULA_TEXT
}
"""Type and size of cells without a formula."""
