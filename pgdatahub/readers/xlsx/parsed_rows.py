"""Rows that the XML parser took, collected column by column into batches."""

from __future__ import annotations

from collections.abc import Mapping

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.pieces import merge_pieces
from pgdatahub.readers.tables.row_order import sorted_places
from pgdatahub.readers.xlsx.cell_classes import CellClass
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.values.cells import Column, cell_address


class ParsedRows:
    """Rows for the next batch.

    Args:
        converter: Makes columns of texts.
        any_order: Rows may come in any order; they are to be taken once, at the end.
    """

    def __init__(self, converter: Converter, *, any_order: bool) -> None:
        self._converter = converter
        self._any_order = any_order
        self.count = 0
        """Rows with a value, in all batches."""
        self._rows: list[int] = []
        self._hidden: set[int] = set()
        self._cells: dict[int, tuple[list[int], list[CellClass], list[bytes]]] = {}

    def add(self, number: int, cells: Mapping[int, tuple[CellClass, bytes]], *, hidden: bool) -> None:
        """Add a row of cells by position; a row without cells is left out."""
        if not cells:
            return
        index = len(self._rows)
        self._rows.append(number)
        if hidden:
            self._hidden.add(number)
        for position, (cell_class, text) in cells.items():
            collected = self._cells.get(position)
            if collected is None:
                collected = self._cells[position] = ([], [], [])
            collected[0].append(index)
            collected[1].append(cell_class)
            collected[2].append(text)
        self.count += 1

    def take(self) -> Batch | None:
        """Return the rows that were finished since the last call, None if there were none with a value."""
        if not self._rows:
            return None
        if self._any_order:
            self._sort_rows()
        batch = Batch(
            rows=self._rows,
            hidden_rows=frozenset(self._hidden),
            columns={position: self._column(position, *cells) for position, cells in self._cells.items()},
        )
        self._rows, self._hidden, self._cells = [], set(), {}
        return batch

    def _sort_rows(self) -> None:
        """Bring the rows into the order of their numbers."""
        self._rows, places = sorted_places(self._rows)
        for indexes, _, _ in self._cells.values():
            indexes[:] = [places[index] for index in indexes]

    def _column(self, position: int, indexes: list[int], classes: list[CellClass], texts: list[bytes]) -> Column:
        """Convert the cells of a column, class by class, each at its place."""
        rows, pieces = self._rows, []
        groups: dict[CellClass, list[bytes]] = {}
        for index, cell_class, text in zip(indexes, classes, texts, strict=True):
            group = groups.get(cell_class)
            if group is None:
                group = groups[cell_class] = [b""] * len(rows)
            group[index] = text
        for cell_class, column in groups.items():
            pieces.append(
                self._converter.convert(cell_class, column, lambda index: cell_address(rows[index], position))
            )
        return merge_pieces(pieces)
