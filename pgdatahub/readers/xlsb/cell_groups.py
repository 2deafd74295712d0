"""Cells of a block of rows, grouped by column, kind and style."""

from __future__ import annotations

from functools import partial

from pgdatahub.readers.tables.blocks import Block
from pgdatahub.readers.tables.row_order import sorted_places
from pgdatahub.readers.xlsb.cells import Cells, Converter, Source
from pgdatahub.values.cells import cell_address


class CellGroups:
    """The cells of the next block.

    Args:
        converter: Makes columns.
        any_order: Rows may come in any order; the block sorts them.
    """

    def __init__(self, converter: Converter, *, any_order: bool) -> None:
        self._converter = converter
        self._any_order = any_order
        self._cells: dict[tuple[int, Source, int], Cells] = {}

    def add(self, column: int, source: Source, style: int, index: int, value: object) -> Cells:
        """Add a cell of the row at an index, and return its group."""
        key = (column, source, style)
        cells = self._cells.get(key)
        if cells is None:
            cells = self._cells[key] = Cells(source=source, style=style)
        cells.indexes.append(index)
        cells.values.append(value)
        return cells

    def drop_row(self, index: int) -> None:
        """Drop the cells of the row at an index, which is not complete."""
        for cells in self._cells.values():
            while cells.indexes and cells.indexes[-1] >= index:
                cells.indexes.pop()
                cells.values.pop()

    def block(self, rows: list[int], hidden: set[int]) -> Block:
        """Return the cells as a block, and begin the next one."""
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


def _address_of(rows: list[int], column: int, index: int) -> str:
    return cell_address(rows[index], column)
