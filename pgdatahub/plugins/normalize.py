"""Built-in normalize stage: SQL names of columns, COPY text and observed types of cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pgdatahub.config import ColumnOptions, FolderOptions
from pgdatahub.errors import PluginError
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn, Table
from pgdatahub.model.files import SourceFile
from pgdatahub.model.workbooks import Batch
from pgdatahub.plugins.column_naming import clash_notice, column_names
from pgdatahub.plugins.convert import ConversionError, configured_type, convert, observe_typed
from pgdatahub.plugins.infer import observe
from pgdatahub.plugins.nulls import blanked, without_nulls
from pgdatahub.plugins.refused_cells import RefusedCells
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.plugins.trim import trimmed
from pgdatahub.values.cells import Column, ErrorValue, InvalidValue, TextColumn, Uncached, Value, cell_address
from pgdatahub.values.copytext import is_storable, storable
from pgdatahub.values.evidence import NOTHING, Observed
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.tallies import MixedColumn

ERRORS = "error cells"
UNCACHED = "formulas without a value"
REMOVED = "texts with characters that PostgreSQL cannot store"


@hookimpl(trylast=True)
def pgdatahub_normalize(batch: Batch, table: Table, source: SourceFile) -> NormalizedBatch:
    """Name the columns of a batch and convert its cells to COPY text."""
    return _Normalizer(batch, table, source.options).normalize()


class _Normalizer:
    """Normalization of one batch."""

    def __init__(self, batch: Batch, table: Table, options: FolderOptions) -> None:
        self.batch = batch
        self.table = table
        self.options = options
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._names = column_names(table, options)
        self.refused = RefusedCells(table, self._names, batch.rows, all_cells=options.has_contract)

    def normalize(self) -> NormalizedBatch:
        names = self._names
        options_of = self.options.column_options(names)
        columns = []
        shift = self.table.first_column
        for position in sorted(self.table.headers.keys() | self.batch.columns.keys()):
            options = options_of(position - shift)
            if options.skip:
                continue
            column = self._column(names.name(position - shift), names.header(position - shift), position, options)
            if column is None:
                if self.refused.is_full:
                    break
                continue
            if column.header is not None or column.observed.evidence:
                columns.append(column)
        if not self.refused.all_cells:
            self.refused.raise_any()
        return NormalizedBatch(
            columns=tuple(columns),
            rows=len(self.batch.rows),
            counts=dict(self.counts),
            examples=self.examples,
            notices=tuple(map(clash_notice, names.clashes)),
            misfits=self.refused.misfits,
        )

    def _column(self, name: str, header: str | None, position: int, options: ColumnOptions) -> NormalizedColumn | None:
        """Return a column, None if it has cells that cannot be loaded."""
        wanted = configured_type(options) or SqlType.UNDECIDED
        cells = self.batch.columns.get(position)
        if cells is None:
            texts = [b""] * len(self.batch.rows)
            return NormalizedColumn(
                name=name,
                header=header,
                texts=texts,
                observed=NOTHING,
                configured_type=wanted,
                position=position,
                created_as=options.server_type,
                description=options.description,
            )

        cells = self._apply_policies(cells, position)
        if self.options.trims(options):
            cells = trimmed(cells)
        nulls = self.options.nulls + options.nulls
        if nulls:
            cells = without_nulls(cells, frozenset(nulls))
        typed = self._typed(cells, name, position, options, wanted)
        for _ in range(2 if self.refused.all_cells else 0):
            if typed is None:
                # A contract judges the other cells of the column too. A first try ends at the first kind of refused cells.
                cells = blanked(cells, self.refused.rows_of(position))
                typed = self._typed(cells, name, position, options, wanted)
        if typed is None or (position in self.refused and not self.refused.all_cells):
            return None
        fields, observed = typed
        return NormalizedColumn(
            name=name,
            header=header,
            texts=fields,
            observed=observed,
            configured_type=wanted,
            position=position,
            created_as=options.server_type,
            description=options.description,
        )

    def _typed(
        self, cells: Column, name: str, position: int, options: ColumnOptions, wanted: SqlType
    ) -> tuple[Sequence[bytes], Observed] | None:
        """Convert cells to the column's type, and to COPY text; refuse those that cannot be, and return None."""

        def locate(index: int) -> str:
            return f"{self.table.sheet}!{self._address(index, position)}"

        try:
            if options.is_converted:
                options = self.options.typed(options)
                typed = observe_typed(cells, options, locate)
                if typed is not None:
                    return typed
                cells = convert(cells, options)
            return observe(self._without_unstorable(cells, position), locate)
        except ConversionError as failure:
            for index, value in failure.misfits:
                self.refused.refuse_misfit(index, position, value, wanted, options)
        except OverflowError:
            self.refused.refuse_overflowing(cells, position)
        except ValueError as error:
            raise PluginError(str(error), where=f"{self.table.sheet} › column {name}") from error
        return None

    def _address(self, index: int, position: int) -> str:
        return cell_address(self.batch.rows[index], position)

    def _count(self, key: str, count: int, example: str) -> None:
        self.counts[key] += count
        self.examples.setdefault(key, example)

    def _apply_policies(self, cells: Column, position: int) -> Column:
        if isinstance(cells, TextColumn):
            return cells
        if isinstance(cells, MixedColumn) and (not cells.has_issues or self.options.errors != "text"):
            if not cells.has_issues:
                return cells
            for index, value in cells.issues():
                self._apply_policy(value, index, position)  # counts the cell, or refuses it
            return cells.without_issues()
        if not {ErrorValue, InvalidValue, Uncached}.intersection(map(type, cells)):
            return cells
        return [self._apply_policy(value, index, position) for index, value in enumerate(cells)]

    def _apply_policy(self, value: Value, index: int, position: int) -> Value:
        if isinstance(value, ErrorValue):
            return self._apply_error_policy(value, index, position)
        if isinstance(value, InvalidValue):
            self.refused.refuse_invalid(index, position, value.fault, value=value.text)
            return None
        if isinstance(value, Uncached):
            if self.options.uncached == "fail":
                hint = "open the workbook in Excel and save it, or set uncached: blank"
                self.refused.refuse(index, position, "the formula has no computed value", hint, rule="uncached")
            self._count(UNCACHED, 1, f"{self.table.sheet}!{self._address(index, position)}")
            return None
        return value

    def _without_unstorable(self, cells: Column, position: int) -> Column:
        """Remove from Python texts the characters that PostgreSQL cannot store; fields of ``COPY`` have none."""
        if isinstance(cells, TextColumn | MixedColumn) or is_storable(
            "".join([value for value in cells if isinstance(value, str)])
        ):
            return cells
        cleaned = [storable(value) if isinstance(value, str) else value for value in cells]
        removed = [index for index, (value, kept) in enumerate(zip(cells, cleaned, strict=True)) if value != kept]
        self._count(REMOVED, len(removed), f"{self.table.sheet}!{self._address(removed[0], position)}")
        return cleaned

    def _apply_error_policy(self, value: ErrorValue, index: int, position: int) -> Value:
        if self.options.errors == "fail":
            hint = "correct the cell, or set errors: blank or errors: text"
            message = f"the cell shows the error {value.code}"
            self.refused.refuse(index, position, message, hint, rule="error", value=value.code)
        self._count(ERRORS, 1, f"{self.table.sheet}!{self._address(index, position)}")
        return value.code if self.options.errors == "text" else None
