"""The rows of a binary worksheet part, block by block."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from functools import partial
from struct import Struct
from typing import Final, NoReturn

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.readers.blocks import Block
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.markup import Stream
from pgdatahub.readers.package import ASK_SENDER, DAMAGED
from pgdatahub.readers.row_order import row_order_error, sorted_places
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.cells import Cells, Converter, Source
from pgdatahub.readers.xlsb.records import RecordInput, decode_text
from pgdatahub.values.cells import cell_address

_SIGNED, _UNSIGNED, _DOUBLE, _BYTE = Struct("<i"), Struct("<I"), Struct("<d"), Struct("<B")
_FIXED: Final = {
    records.CELL_RK: (Source.RK, _SIGNED),
    records.CELL_ERROR: (Source.ERROR, _BYTE),
    records.CELL_BOOLEAN: (Source.BOOLEAN, _BYTE),
    records.CELL_REAL: (Source.NUMBER, _DOUBLE),
    records.CELL_SHARED: (Source.SHARED, _UNSIGNED),
    records.FORMULA_NUMBER: (Source.NUMBER, _DOUBLE),
    records.FORMULA_BOOLEAN: (Source.BOOLEAN, _BYTE),
    records.FORMULA_ERROR: (Source.ERROR, _BYTE),
}
"""Cells with a value of fixed size."""
_TEXTS: Final = {records.CELL_TEXT: 0, records.FORMULA_TEXT: 0, records.CELL_RICH_TEXT: 1}
"""Cells with a text of their own, and the bytes before it."""
_FORMULAS: Final = range(records.FORMULA_TEXT, records.FORMULA_ERROR + 1)
_CELLS: Final = frozenset({*range(records.ROW_HEADER, records.SHORT_SHARED + 1), records.CELL_RICH_TEXT})
_WANTED: Final = _CELLS | {records.BEGIN_SHEET, records.BEGIN_SHEET_DATA, records.END_SHEET_DATA, records.COLUMN_INFO}
_HEAD: Final = 10
"""Bytes of type, size, column and style of a cell of a usual size."""
_USUAL: Final = {
    identifier: bytes((identifier, _HEAD - 2 + value.size))
    for identifier, (_, value) in _FIXED.items()
    if identifier < records.FORMULA_TEXT
}
"""Type and size of cells without a formula."""
_HIDDEN_ROW: Final = 0x10
_BLOCK_BYTES: Final = 1024 * 1024
_FIRST_BLOCKS: Final = (1, 16)
"""Rows after which the first blocks end: a header would take the numbers below it out of the compact form."""


class SheetRecords:
    """A worksheet part that is open at its first row.

    Args:
        stream: The part.
        limits: How much it may ask.
        converter: Makes columns.

    Raises:
        CorruptError: The part is not a worksheet, or is damaged before its first row.
    """

    def __init__(self, stream: Stream, limits: Limits, converter: Converter, *, any_order: bool = False) -> None:
        self._limits = limits
        self._converter = converter
        self._input = RecordInput(stream, limits, _WANTED)
        self._has_rows = False
        self._any_order = any_order
        self._seen_rows: set[int] = set()
        self._number = 0
        self._column = -1
        self._row_bytes = 0
        self._cells: dict[tuple[int, Source, int], Cells] = {}
        self._described = 0
        self.hidden_columns: set[int] = set()
        self.formulas = 0
        self.first_formula: tuple[int, int] | None = None
        """Row and position of the first cell with a formula."""
        self._read_head()

    @property
    def has_rows(self) -> bool:
        """Return whether rows may follow."""
        return self._has_rows

    @property
    def last_row(self) -> int:
        """The number of the last row."""
        return self._number

    def rest(self) -> bytes:
        """Return the bytes that were read from the stream and not used."""
        return self._input.data[self._input.at :]

    def go_on(self, data: bytes, offset: int, last_row: int) -> None:
        """Go on behind a row that was read elsewhere.

        Args:
            data: Bytes of the part before those that the stream gives.
            offset: Their offset in the part.
            last_row: The number of the row.
        """
        self._input.go_on(data, offset)
        self._number = last_row

    def blocks(self, most: int = sys.maxsize) -> Iterator[Block]:
        """Yield the rows that have a value, up to the end of the part.

        Args:
            most: Rows, with or without a value, behind which the reading stops before the next row.

        Raises:
            CorruptError: The part is damaged.
        """
        source = self._input
        rows: list[int] = []
        hidden: set[int] = set()
        # Type, size, column and style of a cell → what to do with it: a fifth of the time of taking them apart.
        known: dict[bytes, tuple[int, int, Struct, Cells]] = {}
        ends = iter(_FIRST_BLOCKS)
        block_end, most_rows = source.offset + _BLOCK_BYTES, next(ends)
        has_value = hidden_row = False
        index = begun = 0
        damage: FileError | None = None
        data, at = source.data, source.at
        try:
            while self._has_rows:  # the records of the rows
                found = known.get(data[at : at + _HEAD])
                if found is not None and at + found[1] <= len(data):
                    column, size, value, cells = found
                    if column <= self._column:
                        self._out_of_order(column)
                    self._column = column
                    has_value = True
                    cells.indexes.append(index)
                    cells.values.append(value.unpack_from(data, at + _HEAD)[0])
                    at += size
                    continue
                source.at = at
                identifier = source.next()
                data, at = source.data, source.at
                if identifier not in _CELLS:
                    if identifier == records.END_SHEET_DATA:
                        self._has_rows = False
                    elif identifier == records.END:
                        raise source.damaged("ends within its rows")
                    continue
                if identifier != records.ROW_HEADER:
                    cell = self._read_cell(identifier, index)
                    if cell is not None:
                        has_value = True
                        head = data[source.start - 2 : source.start + _HEAD - 2]
                        if head[:2] == _USUAL.get(identifier):
                            known[head] = (self._column, at - source.start + 2, *cell)
                    continue
                if has_value:
                    rows.append(self._number)
                    if hidden_row:
                        hidden.add(self._number)
                    index += 1
                    has_value = False
                    if (index >= most_rows or source.offset > block_end) and not self._any_order:
                        yield self._block(rows, hidden)
                        rows, hidden, index = [], set(), 0
                        known.clear()
                        block_end, most_rows = source.offset + _BLOCK_BYTES, next(ends, self._limits.rows)
                if begun == most:
                    source.at = source.head
                    break
                begun += 1
                hidden_row = self._read_row_header()
        except FileError as error:
            damage, has_value = error, False
            self._drop_row(index)
        if has_value:
            rows.append(self._number)
            if hidden_row:
                hidden.add(self._number)
        if rows:
            yield self._block(rows, hidden)
        if damage is not None:
            raise damage
        if not self._has_rows:
            self._read_tail()

    def _drop_row(self, index: int) -> None:
        """Drop the cells of the row that is not complete."""
        for cells in self._cells.values():
            while cells.indexes and cells.indexes[-1] >= index:
                cells.indexes.pop()
                cells.values.pop()

    def _read_tail(self) -> None:
        """Read the part to its end, so that its checksum is checked."""
        source = self._input
        while (identifier := source.next()) != records.END:
            if identifier in _CELLS or identifier == records.BEGIN_SHEET_DATA:
                raise source.damaged("has a cell outside of its rows")

    def _read_head(self) -> None:
        source = self._input
        if source.next() != records.BEGIN_SHEET:
            raise CorruptError(f"the part {source.name} is not a binary worksheet", hint=DAMAGED)
        while (identifier := source.next()) != records.END:
            if identifier == records.BEGIN_SHEET_DATA:
                self._has_rows = True
                return
            if identifier == records.COLUMN_INFO:
                self._read_column(source.data[source.start : source.at])
            elif identifier in _CELLS:
                raise source.damaged("has a cell outside of its rows")

    def _read_column(self, payload: bytes) -> None:
        """Take note of columns: first, last, width, style, flags (MS-XLSB 2.4.323)."""
        if len(payload) >= 18 and payload[16] & 1:
            first, last = (int.from_bytes(payload[at : at + 4], "little") for at in (0, 4))
            hidden = range(first, min(last + 1, self._limits.columns))
            self._described += len(hidden)
            if self._described > 4 * self._limits.columns:
                raise self._input.damaged("describes columns again and again")
            self.hidden_columns.update(hidden)

    def _read_row_header(self) -> bool:
        """Begin a row; return whether the row is hidden (MS-XLSB 2.4.745)."""
        source = self._input
        data, start = source.data, source.start
        if source.at - start < 12:
            raise source.damaged("has a row without its properties")
        number = _UNSIGNED.unpack_from(data, start)[0] + 1
        if number > self._limits.rows:
            raise CorruptError(
                f"a row has the number {number:,} that it cannot have, after row {self._number}", hint=DAMAGED
            )
        if number == self._number or number in self._seen_rows:
            raise CorruptError(f"row {number} is there twice", hint=ASK_SENDER)
        if self._any_order:
            self._seen_rows.add(number)
        elif number < self._number:
            raise row_order_error(number, self._number)
        self._number = number
        self._column = -1
        self._row_bytes = 0
        return bool(data[start + 11] & _HIDDEN_ROW)

    def _read_cell(self, identifier: int, index: int) -> tuple[Struct, Cells] | None:
        """Add a cell to its column; return what reads others of its kind there, None for a cell without a value."""
        source = self._input
        data, at, stop = source.data, source.start, source.at
        try:
            if records.SHORT_BLANK <= identifier <= records.SHORT_SHARED:
                column = self._column + 1
                identifier -= records.SHORT_BLANK - records.CELL_BLANK
            else:
                column = _UNSIGNED.unpack_from(data, at)[0]
                at += 4
            style = _UNSIGNED.unpack_from(data, at)[0] & 0xFFFFFF
            at += 4
            if at > stop:
                raise struct.error
        except struct.error:
            raise source.damaged(f"has a cell in row {self._number} that is cut off") from None
        if not self._number:
            raise source.damaged("has a cell before its first row")
        if column >= self._limits.columns:
            raise CorruptError(
                f"row {self._number} has a cell beyond the {self._limits.columns:,} columns of a sheet", hint=DAMAGED
            )
        if column <= self._column:
            self._out_of_order(column)
        self._column = column
        if identifier in _FORMULAS:
            self.formulas += 1
            self.first_formula = self.first_formula or (self._number, self._column)
        if identifier in _FIXED:
            kind, value = _FIXED[identifier]
            if at + value.size > stop:
                self._cut_off()
            return value, self._add(kind, style, index, value.unpack_from(data, at)[0])
        if identifier in _TEXTS:
            text = self._read_text(data, at + _TEXTS[identifier], stop)
            if text and not text.isspace():
                return _UNSIGNED, self._add(Source.TEXT, 0, index, text)
        return None

    def _read_text(self, data: bytes, at: int, stop: int) -> str:
        end = at + 4 + 2 * int.from_bytes(data[at : at + 4], "little")
        if end > stop or at + 4 > stop:
            self._cut_off()
        size = end - at - 4
        if size > 2 * self._limits.cell_bytes:
            raise CorruptError(
                f"the text has more than {self._limits.cell_bytes:,} bytes", where=self._address(), hint=DAMAGED
            )
        self._row_bytes += size
        if self._row_bytes > self._limits.row_bytes:
            raise CorruptError(
                f"the row has more than {self._limits.row_bytes:,} bytes", where=self._address(), hint=DAMAGED
            )
        return decode_text(data[at + 4 : end])

    def _add(self, source: Source, style: int, index: int, value: object) -> Cells:
        key = (self._column, source, style)
        cells = self._cells.get(key)
        if cells is None:
            cells = self._cells[key] = Cells(source=source, style=style)
        cells.indexes.append(index)
        cells.values.append(value)
        return cells

    def _out_of_order(self, column: int) -> NoReturn:
        """Refuse a cell that is not to the right of the last one."""
        last = self._address()
        fault = "the cell is there twice" if column == self._column else f"the cell comes after {last}"
        raise CorruptError(fault, where=cell_address(self._number, column), hint=DAMAGED)

    def _block(self, rows: list[int], hidden: set[int]) -> Block:
        if self._any_order:
            rows = self._sort_rows(rows)
        columns: dict[int, list[Cells]] = {}
        for (column, _, _), cells in self._cells.items():
            columns.setdefault(column, []).append(cells)
        self._cells = {}
        return Block(
            rows=rows,
            hidden=hidden,
            columns={
                column: self._converter.column(groups, len(rows), partial(_address_of, rows, column))
                for column, groups in columns.items()
            },
        )

    def _sort_rows(self, rows: list[int]) -> list[int]:
        """Bring the cells into the order of their rows, and return the numbers of the rows in that order."""
        ordered, places = sorted_places(rows)
        for cells in self._cells.values():
            pairs = sorted(zip(map(places.__getitem__, cells.indexes), range(len(cells.values)), strict=True))
            cells.indexes = [place for place, _ in pairs]
            cells.values = [cells.values[index] for _, index in pairs]
        return ordered

    def _address(self) -> str:
        return cell_address(self._number, self._column)

    def _cut_off(self) -> NoReturn:
        offset = self._input.offset
        raise CorruptError(
            f"the cell is cut off, before byte {offset:,} of the part {self._input.name}",
            where=self._address(),
            hint=DAMAGED,
        )


def _address_of(rows: list[int], column: int, index: int) -> str:
    return cell_address(rows[index], column)
