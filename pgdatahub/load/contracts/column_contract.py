"""The columns that one table on a sheet must have, and those that it may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pgdatahub.config import FolderOptions
from pgdatahub.config.column_layers import merged, same_name
from pgdatahub.load.contracts.column_keys import Nearest
from pgdatahub.load.contracts.contract import Contract
from pgdatahub.load.contracts.table_columns import TableColumns
from pgdatahub.model.batches import NormalizedColumn, Table
from pgdatahub.values.cells import cell_address
from pgdatahub.values.identifiers import cut, fold


class ColumnContract:
    """The contract for the columns of one table on a sheet.

    Args:
        contract: The contract for all rows of the file that go into the table.
        columns: The columns of the table.
        table: The place of the table.
        options: The settings for the table.
        section: The number of the table among those of the part.
    """

    def __init__(
        self, contract: Contract, columns: TableColumns, table: Table, options: FolderOptions, *, section: int
    ) -> None:
        self._contract = contract
        self._columns = columns
        self._table = table
        self._sheet = table.sheet
        self._section = section
        self._options = options
        self._seen = set(table.headers)
        self._unlisted: set[int] = set()
        self._nearest = Nearest()
        if options.new_columns == "listed":
            for position in sorted(table.headers):
                if not columns.keys(position):
                    self._refuse_unlisted(position, table.header_row)

    def see(self, positions: Iterable[int]) -> None:
        """Take notice of columns without a header that have a value in rows that were loaded before."""
        self._seen.update(positions)

    def see_batch(self, rows: Sequence[int], columns: Mapping[int, NormalizedColumn]) -> None:
        """Take notice of columns without a header that have a value in a batch.

        Args:
            rows: The numbers of its rows.
            columns: Position → the cells of the batch.
        """
        for position, column in columns.items():
            if position in self._seen or not column.observed.evidence:
                continue
            self._seen.add(position)
            if self._options.new_columns == "listed" and not self._columns.keys(position):
                first = next(index for index, text in enumerate(column.texts) if text)
                self._refuse_unlisted(position, rows[first])

    def end(self, cells: Mapping[str, Sequence[str]]) -> None:
        """Judge the columns that the sheet must have, after its last row.

        Args:
            cells: Name of a column from a single cell → letter and text of the cell, for a later load of rows.
        """
        known = self._contract.layout
        known[self._sheet if self._sheet not in known else f"{self._sheet} (section {self._section})"] = {
            **self._layout(),
            **({"cells": {name: list(cell) for name, cell in cells.items()}} if cells else {}),
        }
        headers = self._table.headers.items()
        free = {fold(header): header for at, header in headers if not self._columns.keys(at)}
        self._require_columns(free)
        self._require_key(free)

    @cached_property
    def _missing(self) -> dict[str, str]:
        """Folded key → key of the entries that mean no header."""
        present = {key for at in self._table.headers for key in self._columns.keys(at)}
        return {fold(key): key for key in self._options.columns if key not in present}

    def _refuse_unlisted(self, position: int, row: int) -> None:
        if position in self._unlisted:
            return
        self._unlisted.add(position)
        name, header = self._columns.name(position), self._columns.header(position)
        similar = self._nearest(header or name, self._missing)
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

    def _require_columns(self, free: Mapping[str, str]) -> None:
        """Judge the presence of the columns that the settings require.

        Args:
            free: Folded header → header of the columns that no entry means.
        """
        present = {key for position in self._seen for key in self._columns.keys(position)}
        origin = set(map(fold, self._options.origin_columns))
        for keys in same_name(self._options.columns).values():
            column = merged(keys, self._options.columns, self._options.column_layers)
            if column.required == "false" or column.skip:
                continue
            if present.isdisjoint(keys) and origin.isdisjoint(map(fold, keys)):
                self._miss(cut(fold(column.rename or keys[-1])), self._nearest(keys[-1], free), header=keys[-1])

    def _require_key(self, free: Mapping[str, str]) -> None:
        """Judge the presence of the columns of the key."""
        there = {self._columns.name(position) for position in self._seen}
        there |= {cut(fold(name)) for name in self._options.origin_columns}
        told = {key[1] for key in self._contract.report.counts if key[0] == self._sheet and key[2] == "missing-column"}
        rule = self._options.rule
        for name in rule.key if rule is not None else ():
            if name not in there and name not in told:
                self._miss(name, self._nearest(name, free))

    def _miss(self, name: str, similar: str | None, *, header: str | None = None) -> None:
        self._contract.fail(
            "missing-column",
            sheet=self._sheet,
            column=name,
            header=header,
            hint=f"did you mean {similar}?" if similar else None,
            place=(self._section, 0, 0),
        )

    def _layout(self) -> dict[str, Any]:
        """Return the place of the table and the names of its columns, from which rows of :class:`AsideRow` can be loaded."""
        columns = [
            [position, self._columns.header(position), self._columns.name(position)]
            for position in sorted(self._seen)
            if not self._columns.options(position).skip
        ]
        skipped = [
            [position, header]
            for position, header in sorted(self._table.headers.items())
            if self._columns.options(position).skip
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
