"""The contract for one table on a sheet: the rows of its batches, judged column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pgdatahub.config import ColumnOptions
from pgdatahub.errors import CellFault, ContractError
from pgdatahub.load.contracts.aside_cells import cells_of_row
from pgdatahub.load.contracts.column_contract import ColumnContract
from pgdatahub.load.contracts.contract import Contract
from pgdatahub.load.contracts.fault_report import contract_error
from pgdatahub.load.contracts.hidden_values import without_value
from pgdatahub.load.contracts.judged_column import JudgedColumn
from pgdatahub.load.contracts.key_columns import RANKED, KeyColumns
from pgdatahub.load.contracts.table_columns import TableColumns
from pgdatahub.load.contracts.verdict import GOOD, Verdict
from pgdatahub.model.aside import CELLS, ROW, AsideRow
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn, Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.values.cells import InvalidValue, TextColumn, Uncached, cell_address
from pgdatahub.values.evidence import sample_of
from pgdatahub.values.identifiers import cut, fold
from pgdatahub.values.literals import order_of
from pgdatahub.values.python_values import type_value

if TYPE_CHECKING:
    from pgdatahub.load.parts import PartSheet


_BLANKED: Final = frozenset({"type", "values", "pattern", "min", "max", "unique"})
"""Rules whose cells can be emptied."""


class SheetContract:
    """The contract for one table on a sheet.

    Args:
        contract: The contract for all rows of the file that go into the table.
        table: The place of the table.
        chosen: The sheet, with the file and its settings for the table.
    """

    def __init__(self, contract: Contract, table: Table, chosen: PartSheet) -> None:
        self._contract = contract
        self._report = contract.report
        self._sheet = table.sheet
        self._section = chosen.section
        self._options = chosen.source.options
        self._columns = TableColumns(table, self._options)
        self._judged = self._columns.judged()
        self._present = ColumnContract(contract, self._columns, table, self._options, section=chosen.section)

    @property
    def stops(self) -> bool:
        """Return whether a fault so far ends the reading."""
        return self.fails and self._contract.stops

    @property
    def fails(self) -> bool:
        """Return whether a fault so far fails the file."""
        return self._report.fails

    @cached_property
    def _key(self) -> KeyColumns | None:
        """The key of the folder in this table; a column without a header counts from its first value."""
        rule = self._options.rule
        if rule is None or not rule.is_merge:
            return None
        positions = {self._columns.name(position): position for position in self._columns.headers}
        options = {name: self._columns.options(position) for name, position in positions.items()}
        folded = {cut(fold(name)): name for name in self._options.origin_columns}
        further = {
            name: self._options.named_column(folded[name]) or ColumnOptions()
            for name in (*rule.key, *([rule.column] if rule.column else []))
            if name in folded and name not in positions
        }
        equal = None
        ordered, known = rule.column, {**options, **further}
        wanted = None
        if ordered is not None:
            # A sheet without the column has rows that are all below those of another sheet.
            wanted = known[ordered].conversion_type if ordered in known else self._options.fixed_type(ordered)
        # Values of a type of the server's own, and texts under its collation, are compared by the server.
        if rule.duplicates == "fail" and all(name in known and known[name].server_type is None for name in rule.key):
            if ordered is None:
                equal = self._contract.equal_keys(None)
            elif wanted in RANKED:
                equal = self._contract.equal_keys(partial(order_of, wanted=wanted))
        return KeyColumns(
            rule=rule,
            positions=positions,
            further=frozenset(further),
            required={name for name, one in options.items() if one.required == "true"},
            equal=equal,
            section=self._section,
            sheet=self._sheet,
        )

    def see(self, positions: Iterable[int]) -> None:
        """Take notice of columns without a header that have a value in rows that were loaded before."""
        self._present.see(positions)

    def end(self, cells: Mapping[str, Sequence[str]] = MappingProxyType({})) -> ContractError | None:
        """Judge the columns that the sheet must have, after its last row; return the error if a fault so far fails the file.

        Args:
            cells: Name of a column from a single cell → letter and text of the cell, for a later load of rows.
        """
        self._present.end(cells)
        return contract_error([self._report]) if self.fails else None

    def judge(
        self, batch: Batch, normalized: NormalizedBatch, further: Callable[[], Iterable[NormalizedColumn]]
    ) -> Verdict:
        """Judge the rows of a batch.

        Args:
            batch: The batch.
            normalized: The same, with the names of its columns.
            further: Returns the columns that are not in the rows of the sheet.
        """
        columns = {column.position: column for column in normalized.columns if column.position is not None}
        self._present.see_batch(batch.rows, columns)
        bad: dict[int, list[tuple[int, str]]] = {}
        refused: dict[int, set[int]] = {}
        for index, position, fault in sorted(normalized.misfits, key=lambda misfit: misfit[0]):
            refused.setdefault(position, set()).add(index)
            bad.setdefault(index, []).append((position, fault.rule))
            if not self._options.samples:
                fault = without_value(fault)
            self._report.add(fault.key, 1, [(self._place(batch, index, position), fault)])
        for judged in self._judged:
            column = columns.get(judged.position) or judged.empty(len(batch.rows))
            unique = self._contract.unique_column(judged.name) if judged.options.unique else None
            for rule, expected, indexes, hints in judged.broken(
                column,
                batch.rows,
                refused.get(judged.position, ()),
                unique=unique,
                section=self._section,
                sheet=self._sheet,
            ):
                for index in indexes:
                    bad.setdefault(index, []).append((judged.position, rule))
                self._add(batch, judged, column, rule, expected, indexes, hints)
        if self._key is not None:
            beside = {cut(column.name): column for column in further()} if self._key.further else {}
            for name, (rule, expected, indexes, hints) in self._key.broken(columns, batch.rows, refused, beside):
                judged = self._columns.judged_column(self._key.positions[name], with_rules=False)
                for index in indexes:
                    bad.setdefault(index, []).append((judged.position, rule))
                column = columns.get(judged.position) or judged.empty(len(batch.rows))
                self._add(batch, judged, column, rule, expected, indexes, hints)
        self._report.rows += len(batch.rows)
        self._report.bad_rows += len(bad)
        if not bad:
            return GOOD
        if any(self._fails_file(position, rule) for faults in bad.values() for position, rule in faults):
            self._report.fails = True
        if self._report.fails:
            return GOOD
        aside = tuple(self._set_aside(batch, index, sorted(faults)) for index, faults in sorted(bad.items()))
        self._contract.hold(aside)
        if self._options.on_bad == "quarantine":
            return Verdict(rows=frozenset(bad), aside=aside)
        emptied: dict[int, set[int]] = {}
        for index, faults in bad.items():
            for position, _ in faults:
                emptied.setdefault(position, set()).add(index)
        return Verdict(cells=emptied, aside=aside)

    def _fails_file(self, position: int, rule: str) -> bool:
        """Return whether a fault of a cell fails the file."""
        if self._options.on_bad == "blank":
            options = self._columns.options(position)
            return rule not in _BLANKED or options.required == "true" or self._is_key(position)
        return self._options.on_bad == "fail"

    def _is_key(self, position: int) -> bool:
        rule = self._options.rule
        return rule is not None and self._columns.name(position) in rule.key

    def _set_aside(self, batch: Batch, index: int, faults: Sequence[tuple[int, str]]) -> AsideRow:
        positions = {position for position, _ in faults}
        only_cells = self._options.on_bad == "blank"

        def name_of(position: int) -> str | None:
            left_out = position not in positions if only_cells else self._columns.options(position).skip
            return None if left_out else self._columns.name(position)

        cells, kinds = cells_of_row(batch, index, name_of)
        row = batch.rows[index]
        return AsideRow(
            index=index,
            section=self._section,
            sheet=self._sheet,
            row=row,
            action=CELLS if only_cells else ROW,
            cells=cells,
            kinds=kinds,
            faults=tuple(
                (cell_address(row, position), self._columns.name(position), rule) for position, rule in faults
            ),
        )

    def _add(
        self,
        batch: Batch,
        judged: JudgedColumn,
        column: NormalizedColumn,
        rule: str,
        expected: str | None,
        indexes: Sequence[int],
        hint_of: Callable[[int], str | None],
    ) -> None:
        cells = (
            (
                self._place(batch, index, judged.position),
                CellFault(
                    rule=rule,
                    cell=cell_address(batch.rows[index], judged.position),
                    row=batch.rows[index],
                    value=self._shown(column.texts[index] or _written(batch, judged.position, index)),
                    expected=expected,
                    sheet=self._sheet,
                    column=judged.name,
                    header=judged.header,
                    hint=hint_of(index),
                ),
            )
            for index in indexes
        )
        self._report.add((self._sheet, judged.name, rule, expected), len(indexes), cells)

    def _shown(self, field: bytes) -> str | None:
        """Return the text of a cell for reports; None for an empty cell, and if the settings hide values."""
        return (sample_of(field) or None) if self._options.samples else None

    def _place(self, batch: Batch, index: int, position: int) -> tuple[int, int, int]:
        return self._section, batch.rows[index], position


def _written(batch: Batch, position: int, index: int) -> bytes:
    """Return the text of a cell before the settings emptied it."""
    cells = batch.columns.get(position)
    if cells is None:
        return b""
    value = cells.texts[index] if isinstance(cells, TextColumn) else cells[index]
    if isinstance(value, bytes):
        return value
    return b"" if isinstance(value, InvalidValue | Uncached) else type_value(value)[1]
