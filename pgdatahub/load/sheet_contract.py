"""The contract for one table on a sheet: its columns and the rows of its batches, judged column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pgdatahub.config.column_layers import key_finder, merged, same_name
from pgdatahub.errors import CellFault, ContractError
from pgdatahub.load.aside_cells import cells_of_row
from pgdatahub.load.cell_rules import cell_rules
from pgdatahub.load.column_keys import nearest
from pgdatahub.load.contract import Contract
from pgdatahub.load.fault_report import contract_error
from pgdatahub.load.hidden_values import without_value
from pgdatahub.load.judged_column import JudgedColumn
from pgdatahub.load.key_columns import RANKED, KeyColumns
from pgdatahub.load.server_types import judge_of
from pgdatahub.load.verdict import GOOD, Verdict
from pgdatahub.model.aside import CELLS, ROW, AsideRow
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn, Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.plugins.column_naming import column_names
from pgdatahub.values.cells import InvalidValue, TextColumn, Uncached, cell_address
from pgdatahub.values.evidence import sample_of
from pgdatahub.values.identifiers import cut, fold, is_positional
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
        self._table = table
        self._sheet = table.sheet
        self._section = chosen.section
        self._options = chosen.source.options
        self._names = column_names(table, self._options)
        self._keys_of = key_finder(self._options.columns, self._names)
        self._options_of = lru_cache(maxsize=None)(self._options.column_options(self._names))
        self._seen = set(table.headers)
        self._unlisted: set[int] = set()
        self._judge_headers()

    @property
    def stops(self) -> bool:
        """Return whether a fault so far ends the reading."""
        return self.fails and self._contract.stops

    @property
    def fails(self) -> bool:
        """Return whether a fault so far fails the file."""
        return self._report.fails

    @cached_property
    def _judged(self) -> tuple[JudgedColumn, ...]:
        shift = self._table.first_column
        positions = set(self._table.headers) | {
            int(fold(key)[len("column_") :]) - 1 + shift for key in self._options.columns if is_positional(key)
        }
        judged = []
        for position in sorted(positions):
            options = self._options_of(position - shift)
            of_server = options.server_type is not None and not options.skip and judge_of(options.server_type)
            if options.is_judged or of_server:
                judged.append(
                    JudgedColumn(
                        position=position,
                        name=self._names.name(position - shift),
                        header=self._names.header(position - shift),
                        options=options,
                        rules=cell_rules(options),
                    )
                )
        return tuple(judged)

    @property
    def _key_names(self) -> tuple[str, ...]:
        rule = self._options.rule
        return rule.key if rule is not None else ()

    @cached_property
    def _key(self) -> KeyColumns | None:
        """The key of the folder in this table; a column without a header counts from its first value."""
        rule = self._options.rule
        if rule is None or not rule.is_merge:
            return None
        positions = {self._names.name(self._inside(position)): position for position in self._table.headers}
        options = {name: self._options_of(self._inside(position)) for name, position in positions.items()}
        equal = None
        ordered = rule.column
        wanted = options[ordered].conversion_type if ordered in options else None
        # Values of a type of the server's own, and texts under its collation, are compared by the server.
        if rule.duplicates == "fail" and all(
            name in positions and options[name].server_type is None for name in rule.key
        ):
            if ordered is None:
                equal = self._contract.equal_keys(None)
            elif wanted in RANKED:
                equal = self._contract.equal_keys(partial(order_of, wanted=wanted))
        return KeyColumns(
            rule=rule,
            positions=positions,
            required={name for name, one in options.items() if one.required == "true"},
            equal=equal,
            section=self._section,
            sheet=self._sheet,
        )

    def _judged_key(self, name: str) -> JudgedColumn:
        position = next(at for at in self._table.headers if self._names.name(self._inside(at)) == name)
        inside = self._inside(position)
        return JudgedColumn(
            position=position,
            name=name,
            header=self._names.header(inside),
            options=self._options_of(inside),
            rules=(),
        )

    # ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _judge_headers(self) -> None:
        """Judge the headers: columns that are missing, and columns that no entry means."""
        if self._options.new_columns == "listed":
            for position in sorted(self._table.headers):
                if not self._keys_of(position - self._table.first_column):
                    self._refuse_unlisted(position, self._table.header_row)

    def _refuse_unlisted(self, position: int, row: int) -> None:
        if position in self._unlisted:
            return
        self._unlisted.add(position)
        inside = position - self._table.first_column
        name, header = self._names.name(inside), self._names.header(inside)
        present = {key for at in self._table.headers for key in self._keys_of(at - self._table.first_column)}
        missing = {fold(key): key for key in self._options.columns if key not in present}
        similar = nearest(header or name, missing)
        self._contract.fail(
            "unknown-column",
            sheet=self._sheet,
            column=name,
            header=header,
            cell=cell_address(row, position) if row else "",
            row=row,
            value=header,
            hint=f"did you mean {similar}?" if similar else None,
            place=(self._section, row, position),
        )

    def see(self, positions: Iterable[int]) -> None:
        """Take notice of columns without a header that have a value in rows that were loaded before."""
        self._seen.update(positions)

    def end(self, cells: Mapping[str, Sequence[str]] = MappingProxyType({})) -> ContractError | None:
        """Judge the columns that the sheet must have, after its last row; return the error if a fault so far fails the file.

        Args:
            cells: Name of a column from a single cell → letter and text of the cell, for a later load of rows.
        """
        known = self._contract.layout
        known[self._sheet if self._sheet not in known else f"{self._sheet} (section {self._section})"] = {
            **self._layout,
            **({"cells": {name: list(cell) for name, cell in cells.items()}} if cells else {}),
        }
        positions = [position - self._table.first_column for position in self._seen]
        present = {key for position in positions for key in self._keys_of(position)}
        free = {
            fold(header): header for at, header in self._table.headers.items() if not self._keys_of(self._inside(at))
        }
        origin = set(map(fold, self._options.origin_columns))
        for keys in same_name(self._options.columns).values():
            column = merged(keys, self._options.columns, self._options.column_layers)
            if (
                column.required == "false"
                or column.skip
                or present.intersection(keys)
                or origin.intersection(map(fold, keys))
            ):
                continue
            similar = nearest(keys[-1], free)
            self._contract.fail(
                "missing-column",
                sheet=self._sheet,
                column=cut(fold(column.rename or keys[-1])),
                header=keys[-1],
                hint=f"did you mean {similar}?" if similar else None,
                place=(self._section, 0, 0),
            )
        self._require_key(free)
        return contract_error([self._report]) if self.fails else None

    def _require_key(self, free: Mapping[str, str]) -> None:
        """Judge the presence of the columns of the key."""
        there = {self._names.name(self._inside(position)) for position in self._seen}
        there |= {cut(fold(name)) for name in self._options.origin_columns}
        told = {key[1] for key in self._report.counts if key[0] == self._sheet and key[2] == "missing-column"}
        for name in self._key_names:
            if name not in there and name not in told:
                similar = nearest(name, free)
                self._contract.fail(
                    "missing-column",
                    sheet=self._sheet,
                    column=name,
                    hint=f"did you mean {similar}?" if similar else None,
                    place=(self._section, 0, 0),
                )

    def _inside(self, position: int) -> int:
        return position - self._table.first_column

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def judge(self, batch: Batch, normalized: NormalizedBatch) -> Verdict:
        """Judge the rows of a batch."""
        columns = {column.position: column for column in normalized.columns if column.position is not None}
        self._see_columns(batch, columns)
        bad: dict[int, list[tuple[int, str]]] = {}
        refused: dict[int, set[int]] = {}
        for index, position, fault in sorted(normalized.misfits, key=lambda misfit: misfit[0]):
            refused.setdefault(position, set()).add(index)
            bad.setdefault(index, []).append((position, fault.rule))
            key = (fault.sheet, fault.column, fault.rule, fault.expected)
            if not self._options.samples:
                fault = without_value(fault)
            self._report.add(key, 1, [(self._place(batch, index, position), fault)])
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
            for name, (rule, expected, indexes, hints) in self._key.broken(columns, batch.rows, refused):
                judged = self._judged_key(name)
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
            options, name = self._options_of(self._inside(position)), self._names.name(self._inside(position))
            return rule not in _BLANKED or options.required == "true" or name in self._key_names
        return self._options.on_bad == "fail"

    def _set_aside(self, batch: Batch, index: int, faults: Sequence[tuple[int, str]]) -> AsideRow:
        positions = {position for position, _ in faults}
        only_cells = self._options.on_bad == "blank"

        def name_of(position: int) -> str | None:
            inside = self._inside(position)
            left_out = position not in positions if only_cells else self._options_of(inside).skip
            return None if left_out else self._names.name(inside)

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
                (cell_address(row, position), self._names.name(self._inside(position)), rule)
                for position, rule in faults
            ),
        )

    @property
    def _layout(self) -> dict[str, Any]:
        """The place of the table and the names of its columns, from which rows of :class:`AsideRow` can be loaded."""
        columns = [
            [position, self._names.header(self._inside(position)), self._names.name(self._inside(position))]
            for position in sorted(self._seen)
            if not self._options_of(self._inside(position)).skip
        ]
        skipped = [
            [position, header]
            for position, header in sorted(self._table.headers.items())
            if self._options_of(self._inside(position)).skip
        ]
        return {
            "section": self._section,
            "header_row": self._table.header_row,
            "columns": columns,
            "sheet": self._sheet,
            "first_column": self._table.first_column,
            "skipped": skipped,
            "settings": self._options.place_fingerprint,
        }

    def _see_columns(self, batch: Batch, columns: Mapping[int, NormalizedColumn]) -> None:
        """Take notice of columns without a header that have a value."""
        for position, column in columns.items():
            if position in self._seen or not column.observed.evidence:
                continue
            self._seen.add(position)
            if self._options.new_columns == "listed" and not self._keys_of(self._inside(position)):
                first = next(index for index, text in enumerate(column.texts) if text)
                self._refuse_unlisted(position, batch.rows[first])

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
