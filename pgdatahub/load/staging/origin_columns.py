"""Columns that are not in the rows of a sheet: its name, the row's number, parts of the file's path, single cells.

They are added to normalized batches, so that no plugin's normalizer can lose them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from pgdatahub.config import ColumnOptions
from pgdatahub.config.path_columns import match_path
from pgdatahub.errors import CellError, CellFault, SheetError
from pgdatahub.load.contracts.aside_cells import letter_of
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn
from pgdatahub.model.files import SourceFile
from pgdatahub.plugins.convert import ConversionError, configured_type, convert
from pgdatahub.plugins.infer import observe
from pgdatahub.readers.tables.window import CellCapture
from pgdatahub.values.cells import ErrorValue, InvalidValue, Kind, TextColumn, Uncached, Value, cell_address
from pgdatahub.values.copytext import escape, storable
from pgdatahub.values.evidence import NOTHING, sample_of
from pgdatahub.values.identifiers import fold
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType


def path_values(source: SourceFile) -> dict[str, str | None]:
    """Return the values of a file's path columns.

    Raises:
        SheetError: The path does not match the pattern.
    """
    pattern = source.options.path_columns
    if pattern is None:
        return {}
    values = match_path(pattern, source.identity)
    if values is None:
        raise SheetError(
            f"the path {source.identity} does not match path_columns: {pattern}",
            hint="correct the pattern, or move the file; (?:…)? makes a part optional",
        )
    return values


class OriginColumns:
    """The further columns of one table on a sheet.

    Args:
        source: The file with the settings for the table.
        sheet: The sheet's label.
        capture: The cells that become columns; complete when the header is found.

    Raises:
        SheetError: The path of the file does not match the pattern.
    """

    def __init__(self, source: SourceFile, sheet: str, capture: CellCapture) -> None:
        self._options = source.options
        self._sheet = sheet
        self._capture = capture
        self._path = path_values(source)

    def add(self, batch: NormalizedBatch, rows: Sequence[int]) -> NormalizedBatch:
        """Return a batch with the further columns.

        Args:
            batch: The batch.
            rows: The numbers of its rows in the sheet.

        Raises:
            CellError: A value does not fit the type of its column.
        """
        if not self._options.origin_columns:
            return batch
        return replace(batch, columns=(*batch.columns, *self.columns(rows)))

    def columns(self, rows: Sequence[int]) -> list[NormalizedColumn]:
        """Return the further columns of rows, by their numbers in the sheet.

        Raises:
            CellError: A value does not fit the type of its column.
        """
        columns = []
        if self._options.sheet_column:
            columns.append(self._sheet_column(self._options.sheet_column, len(rows)))
        if self._options.row_column:
            name = self._options.row_column
            options = self._column_options(name)
            wanted = configured_type(options) or _unless_of_server(options, SqlType.INTEGER)
            columns.append(self._column(name, list(rows), f"row {rows[0] if rows else 0}", options, wanted))
        for name, value in self._path.items():
            options = self._column_options(name)
            wanted = configured_type(options) or _unless_of_server(options, SqlType.TEXT)
            columns.append(self._column(name, [value] * len(rows), "the path", options, wanted))
        for name, (row, position) in self._capture.cells.items():
            options = self._column_options(name)
            cell = self._cells.get(name)
            wanted = configured_type(options) or SqlType.UNDECIDED
            columns.append(self._column(name, [cell] * len(rows), cell_address(row, position), options, wanted))
        return columns

    @property
    def cells_to_keep(self) -> dict[str, tuple[str, str]]:
        """Name of a column from a cell → letter and text of its cell, for rows that are loaded later without the file."""
        return {name: letter_of(value) for name, value in self._capture.values.items()}

    @cached_property
    def _cells(self) -> Mapping[str, Value]:
        """The values of the cells, under the policies for errors and formulas."""
        values: dict[str, Value] = {}
        for name, value in self._capture.values.items():
            if isinstance(value, ErrorValue):
                if self._options.errors == "fail":
                    message = f"the cell of the column {name} is the error {value.code}"
                    raise self._fault(name, message, rule="error", value=value.code)
                value = value.code if self._options.errors == "text" else None
            elif isinstance(value, InvalidValue):
                raise self._fault(name, value.fault, "correct the cell", rule="number", value=value.text)
            elif isinstance(value, Uncached):
                if self._options.uncached == "fail":
                    message = f"the cell of the column {name} is a formula whose result is not in the file"
                    hint = "open the workbook in Excel and save it, or set uncached: blank"
                    raise self._fault(name, message, hint, rule="uncached")
                value = None
            values[name] = value
        return values

    def _fault(
        self,
        name: str,
        message: str,
        hint: str | None = None,
        *,
        rule: str,
        value: str | None = None,
        expected: str | None = None,
    ) -> CellError:
        """Return the error of a cell that is a column's value."""
        row, position = self._capture.cells[name]
        fault = CellFault(
            rule=rule,
            cell=cell_address(row, position),
            row=row,
            value=value,
            expected=expected,
            sheet=self._sheet,
            column=fold(name),
            header=name,
        )
        return CellError(message, where=f"{fault.sheet} › {fault.cell}", hint=hint, faults=[fault])

    def _column_options(self, name: str) -> ColumnOptions | None:
        return self._options.named_column(name)

    def _sheet_column(self, name: str, rows: int) -> NormalizedColumn:
        options = self._column_options(name)
        wanted = configured_type(options)
        if options is not None and (options.server_type or wanted not in (None, SqlType.TEXT)):
            return self._column(
                name, [self._sheet] * rows, "the name of the sheet", options, wanted or SqlType.UNDECIDED
            )
        text = escape(self._sheet)
        # One value a batch is counted, as the content hashes of loaded files have it.
        _, observed = observe(TextColumn(kind=Kind.TEXT, texts=[text]), lambda _index: self._sheet)
        return NormalizedColumn(
            name=fold(name),
            header=name,
            texts=[text] * rows,
            observed=observed if rows else NOTHING,
            configured_type=SqlType.TEXT,
        )

    def _column(
        self, name: str, values: Sequence[Value], place: str, options: ColumnOptions | None, wanted: SqlType
    ) -> NormalizedColumn:
        where = f"{self._sheet} › {place}"
        values = [storable(value) if isinstance(value, str) else value for value in values]
        if self._options.trims(options):
            values = [(value.strip() or None) if isinstance(value, str) else value for value in values]
        nulls = {*self._options.nulls, *(options.nulls if options is not None else ())}
        if nulls:
            values = [
                None if value is not None and type_value(value)[1].decode() in nulls else value for value in values
            ]
        try:
            if options is not None and options.is_converted:
                values = convert(list(values), self._options.typed(options))
            texts, observed = observe(list(values), lambda _index: where)
        except ConversionError as failure:
            sample = sample_of(type_value(failure.misfits[0][1])[1])
            message = f'"{sample}" is not a valid {wanted.label} (type of column {name!r} set in etl_config.yaml)'
            hint = "change type: or format: of the column"
            if name in self._capture.cells:
                raise self._fault(name, message, hint, rule="type", value=sample, expected=wanted.label) from None
            raise CellError(message, where=where, hint=hint) from None
        return NormalizedColumn(
            name=fold(name),
            header=name,
            texts=texts,
            observed=observed,
            configured_type=wanted,
            created_as=options.server_type if options is not None else None,
            description=options.description if options is not None else None,
        )


def _unless_of_server(options: ColumnOptions | None, usual: SqlType) -> SqlType:
    """Return the usual type of a column, unless the settings give it a type of the server."""
    return SqlType.UNDECIDED if options is not None and options.server_type else usual
