"""The cells of a batch that cannot be loaded: collected, and joined into one error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgdatahub.config import ColumnOptions
from pgdatahub.errors import CellError, CellFault
from pgdatahub.model.batches import Table
from pgdatahub.plugins.convert import hint_for
from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Column, TextColumn, Value, cell_address
from pgdatahub.values.evidence import sample_of
from pgdatahub.values.identifiers import ColumnNames
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType

_MOST_FAULTS = 11
"""Invalid cells of a column that are listed: one more than a failure names."""
_MOST_COLUMNS = 100
"""Columns with invalid cells, after which the search ends."""
_INVALID = "correct the cell where the file comes from, or leave its column out with skip: true"


class RefusedCells:
    """The cells of a batch that cannot be loaded.

    Args:
        table: The table on the sheet.
        names: The names of its columns.
        rows: The numbers of the batch's rows.
        all_cells: Collect all of them, for a contract; else the first ones, which fail the file.
    """

    def __init__(self, table: Table, names: ColumnNames, rows: Sequence[int], *, all_cells: bool = False) -> None:
        self._most = len(rows) if all_cells else _MOST_FAULTS
        self.all_cells = all_cells
        self._table = table
        self._names = names
        self._rows = rows
        self._faults: dict[int, list[tuple[int, CellError]]] = {}
        """Position of a column → the first cells that cannot be loaded, each with the index of its row."""

    def __contains__(self, position: int) -> bool:
        """Return whether a cell of the column at a position was refused."""
        return position in self._faults

    @property
    def is_full(self) -> bool:
        """Return whether so many columns have such cells that the search ends."""
        return not self.all_cells and len(self._faults) > _MOST_COLUMNS

    def rows_of(self, position: int) -> frozenset[int]:
        """Return the indexes of the refused cells of a column."""
        return frozenset(index for index, _ in self._faults.get(position, ()))

    @property
    def misfits(self) -> tuple[tuple[int, int, CellFault], ...]:
        """The cells as data, each with the index of its row and the position of its column."""
        return tuple(
            (index, position, error.faults[0]) for position, faults in self._faults.items() for index, error in faults
        )

    def raise_any(self) -> None:
        """Raise the first fault in the order of the rows, with the others.

        Raises:
            CellError: A cell was refused.
        """
        found = [(index, position, error) for position, faults in self._faults.items() for index, error in faults]
        if not found:
            return
        first, *others = [error for _, _, error in sorted(found, key=lambda fault: fault[:2])]
        first.others = tuple(others)
        raise first

    def refuse_invalid(self, index: int, position: int, message: str, *, value: str | None = None) -> None:
        """Keep the fault of a cell that no column can hold."""
        self.refuse(index, position, message, _INVALID, rule="number", value=value)

    def refuse_overflowing(self, cells: Column, position: int) -> None:
        """Keep the faults of the cells of a column that no column can hold."""
        for index, message in _overflowing(cells):
            self.refuse_invalid(index, position, message)

    def refuse_misfit(
        self, index: int, position: int, value: Value, configured_type: SqlType, options: ColumnOptions | None
    ) -> None:
        """Keep the fault of a cell that does not fit its column's configured type."""
        sample = sample_of(type_value(value)[1])
        header = self._names.header(position - self._table.first_column) or str(position + 1)
        advice = hint_for(value, options) if options is not None and isinstance(value, str) else None
        self.refuse(
            index,
            position,
            f'"{sample}" is not a valid {configured_type.label} (type of column {header!r} set in etl_config.yaml)',
            advice or "correct the cell, or change type:, format: or nulls: of the column",
            rule="type",
            value=sample,
            expected=configured_type.label,
            advice=advice,
        )

    def refuse(
        self,
        index: int,
        position: int,
        message: str,
        hint: str,
        *,
        rule: str,
        value: str | None = None,
        expected: str | None = None,
        advice: str | None = None,
    ) -> None:
        """Keep the fault of a cell for the end of the batch, if it is one of the column's first."""
        faults = self._faults.setdefault(position, [])
        if len(faults) >= self._most:
            return
        inside = position - self._table.first_column
        fault = CellFault(
            rule=rule,
            cell=cell_address(self._rows[index], position),
            row=self._rows[index],
            value=value,
            expected=expected,
            sheet=self._table.sheet,
            column=self._names.name(inside),
            header=self._names.header(inside),
            hint=advice,
        )
        where = f"{fault.sheet} › {fault.cell}"
        faults.append((index, CellError(message, where=where, hint=hint, faults=[fault])))


def _overflowing(cells: Column) -> Iterator[tuple[int, str]]:
    """Yield the index of each cell that no column can hold, and the reason."""
    for index in range(len(cells)):
        cell = (
            TextColumn(kind=cells.kind, texts=cells.texts[index : index + 1])
            if isinstance(cells, TextColumn)
            else [cells[index]]
        )
        try:
            observe(cell, lambda _index: "")
        except OverflowError as error:
            yield index, str(error)
