"""The rows of a binary worksheet part, block by block."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from struct import Struct
from typing import Final, NoReturn

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.tables.blocks import Block
from pgdatahub.readers.tables.row_order import RowNumbers
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.cell_groups import CellGroups
from pgdatahub.readers.xlsb.cell_layouts import (
    CELLS,
    FIXED_CELLS,
    FORMULA_CELLS,
    HEAD_BYTES,
    TEXT_CELLS,
    UNSIGNED,
    USUAL_HEADS,
)
from pgdatahub.readers.xlsb.cells import Cells, Converter, Source
from pgdatahub.readers.xlsb.records import RecordInput, decode_text
from pgdatahub.values.cells import cell_address

_WANTED: Final = CELLS | {records.BEGIN_SHEET, records.BEGIN_SHEET_DATA, records.END_SHEET_DATA, records.COLUMN_INFO}
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
        any_order: Rows may come in any order.

    Raises:
        CorruptError: The part is not a worksheet, or is damaged before its first row.
    """

    def __init__(self, stream: Stream, limits: Limits, converter: Converter, *, any_order: bool = False) -> None:
        self._limits = limits
        self._input = RecordInput(stream, limits, _WANTED)
        self._has_rows = False
        self._any_order = any_order
        self._numbers = RowNumbers(limits.rows, any_order=any_order)
        self._column = -1
        self._row_bytes = 0
        self._cells = CellGroups(converter, any_order=any_order)
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
        return self._numbers.row

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
        self._numbers.row = last_row

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
                found = known.get(data[at : at + HEAD_BYTES])
                if found is not None and at + found[1] <= len(data):
                    column, size, value, cells = found
                    if column <= self._column:
                        self._out_of_order(column)
                    self._column = column
                    has_value = True
                    cells.indexes.append(index)
                    cells.values.append(value.unpack_from(data, at + HEAD_BYTES)[0])
                    at += size
                    continue
                source.at = at
                identifier = source.next()
                data, at = source.data, source.at
                if identifier not in CELLS:
                    if identifier == records.END_SHEET_DATA:
                        self._has_rows = False
                    elif identifier == records.END:
                        raise source.damaged("ends within its rows")
                    continue
                if identifier != records.ROW_HEADER:
                    cell = self._read_cell(identifier, index)
                    if cell is not None:
                        has_value = True
                        head = data[source.start - 2 : source.start + HEAD_BYTES - 2]
                        if head[:2] == USUAL_HEADS.get(identifier):
                            known[head] = (self._column, at - source.start + 2, *cell)
                    continue
                if has_value:
                    rows.append(self._numbers.row)
                    if hidden_row:
                        hidden.add(self._numbers.row)
                    index += 1
                    has_value = False
                    if (index >= most_rows or source.offset > block_end) and not self._any_order:
                        yield self._cells.block(rows, hidden)
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
            self._cells.drop_row(index)
        if has_value:
            rows.append(self._numbers.row)
            if hidden_row:
                hidden.add(self._numbers.row)
        if rows:
            yield self._cells.block(rows, hidden)
        if damage is not None:
            raise damage
        if not self._has_rows:
            self._read_tail()

    def _read_tail(self) -> None:
        """Read the part to its end, so that its checksum is checked."""
        source = self._input
        while (identifier := source.next()) != records.END:
            if identifier in CELLS or identifier == records.BEGIN_SHEET_DATA:
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
            elif identifier in CELLS:
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
        number = UNSIGNED.unpack_from(data, start)[0] + 1
        self._numbers.begin(number)
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
                column = UNSIGNED.unpack_from(data, at)[0]
                at += 4
            style = UNSIGNED.unpack_from(data, at)[0] & 0xFFFFFF
            at += 4
            if at > stop:
                raise struct.error
        except struct.error:
            raise source.damaged(f"has a cell in row {self._numbers.row} that is cut off") from None
        if not self._numbers.row:
            raise source.damaged("has a cell before its first row")
        if column >= self._limits.columns:
            raise CorruptError(
                f"row {self._numbers.row} has a cell beyond the {self._limits.columns:,} columns of a sheet",
                hint=DAMAGED,
            )
        if column <= self._column:
            self._out_of_order(column)
        self._column = column
        if identifier in FORMULA_CELLS:
            self.formulas += 1
            self.first_formula = self.first_formula or (self._numbers.row, self._column)
        if identifier in FIXED_CELLS:
            kind, value = FIXED_CELLS[identifier]
            if at + value.size > stop:
                self._cut_off()
            return value, self._cells.add(self._column, kind, style, index, value.unpack_from(data, at)[0])
        if identifier in TEXT_CELLS:
            text = self._read_text(data, at + TEXT_CELLS[identifier], stop)
            if text and not text.isspace():
                return UNSIGNED, self._cells.add(self._column, Source.TEXT, 0, index, text)
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

    def _out_of_order(self, column: int) -> NoReturn:
        """Refuse a cell that is not to the right of the last one."""
        last = self._address()
        fault = "the cell is there twice" if column == self._column else f"the cell comes after {last}"
        raise CorruptError(fault, where=cell_address(self._numbers.row, column), hint=DAMAGED)

    def _address(self) -> str:
        return cell_address(self._numbers.row, self._column)

    def _cut_off(self) -> NoReturn:
        offset = self._input.offset
        raise CorruptError(
            f"the cell is cut off, before byte {offset:,} of the part {self._input.name}",
            where=self._address(),
            hint=DAMAGED,
        )
