"""Numbers of rows and addresses of cells, in the order of a worksheet's markup."""

from __future__ import annotations

import re

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import ASK_SENDER, DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.tables.row_order import RowNumbers
from pgdatahub.readers.xlsx.addresses import column_position
from pgdatahub.values.cells import cell_address

_ADDRESS = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})")


class CellPlaces(RowNumbers):
    """The place of the row and of the cell that a parser reads; attributes may leave out what follows from the order.

    Args:
        limits: How much the sheet may ask.
        any_order: Rows may come in any order.
    """

    def __init__(self, limits: Limits, *, any_order: bool) -> None:
        super().__init__(limits.rows, any_order=any_order)
        self._columns = limits.columns
        self._numbered = True
        self._taken: set[int] = set()
        self.position = -1
        """The position of the cell in its row, from 0."""

    @property
    def address(self) -> str:
        """The address of the cell."""
        return cell_address(self.row, self.position)

    def begin_row(self, number: str) -> None:
        """Begin a row with this attribute ``r``; ``""`` is the row after the last one.

        Raises:
            CorruptError: There cannot be such a row, or not here.
        """
        self._numbered = bool(number)
        if number:
            self.begin(int(number) if number.isdecimal() and len(number) < 9 else 0)
        else:
            self.begin(self.row + 1)
        self.position = -1
        self._taken.clear()

    def begin_cell(self, address: str) -> None:
        """Begin a cell with this attribute ``r``; ``""`` is the cell to the right of the last one.

        Raises:
            CorruptError: There cannot be such a cell, or not here.
        """
        if address:
            match = _ADDRESS.fullmatch(address)
            if match is None:
                raise CorruptError(f"row {self.row} has a cell {address[:40]!r}, which is nowhere", hint=DAMAGED)
            row = int(match[2])
            if row != self.row:
                if self._numbered or self._taken:
                    raise CorruptError(f"the cell {address} stands in row {self.row}", hint=DAMAGED)
                self.row -= 1  # a row without a number has that of its cells
                self.begin(row)
                self._numbered = True
            self.position = column_position(match[1])
        else:
            self.position += 1
        if self.position >= self._columns:
            raise CorruptError(
                f"row {self.row} has a cell beyond the {self._columns:,} columns of a sheet", hint=DAMAGED
            )
        if self.position in self._taken:
            raise CorruptError("the cell is there twice", where=self.address, hint=ASK_SENDER)
        self._taken.add(self.position)
