"""Built-in normalize stage: SQL names of columns, COPY text and observed types of cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from pgdatahub.config import ColumnOptions, FolderOptions
from pgdatahub.errors import CellError, CellFault, PluginError
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn, Table
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import RESERVED_COLUMNS
from pgdatahub.model.workbooks import Batch
from pgdatahub.plugins.convert import ConversionError, configured_type, convert, hint_for
from pgdatahub.plugins.infer import observe
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.plugins.trim import trimmed
from pgdatahub.values.cells import Column, ErrorValue, Kind, TextColumn, Uncached, Value, cell_address
from pgdatahub.values.copytext import escape, is_storable, storable
from pgdatahub.values.evidence import NOTHING, sample_of
from pgdatahub.values.identifiers import ColumnNames, fold
from pgdatahub.values.numbers import canonical_number, parse_value
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.tallies import MixedColumn

_MOST_FAULTS = 10
"""Cells of a batch that cannot be loaded, from which on no more are looked for."""
ERRORS = "error cells"
UNCACHED = "formulas without a value"
REMOVED = "texts with characters that PostgreSQL cannot store"


@hookimpl(trylast=True)
def pgdatahub_normalize(batch: Batch, table: Table, source: SourceFile) -> NormalizedBatch:
    """Name the columns of a batch and convert its cells to COPY text."""
    return _Normalizer(batch, table, source.options).normalize()


def column_names(table: Table, options: FolderOptions) -> ColumnNames:
    """Return the names of a table's columns under the folder's settings; positions count inside the table's range."""
    reserved = (*RESERVED_COLUMNS, *map(fold, options.origin_columns))
    headers = tuple((position - table.first_column, text) for position, text in table.headers.items())
    return _named(headers, reserved, tuple(options.renames.items()))


@lru_cache(maxsize=64)
def _named(
    headers: tuple[tuple[int, str], ...], reserved: tuple[str, ...], renames: tuple[tuple[str, str], ...]
) -> ColumnNames:
    # Every batch needs the names, and files of a folder usually have the same headers.
    return ColumnNames(headers, reserved=reserved, rename=dict(renames))


class _Normalizer:
    """Normalization of one batch."""

    def __init__(self, batch: Batch, table: Table, options: FolderOptions) -> None:
        self.batch = batch
        self.table = table
        self.options = options
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.faults: list[CellError] = []
        """Cells that cannot be loaded: the first of each column, and those of policies."""
        self._names = column_names(table, options)

    def normalize(self) -> NormalizedBatch:
        names = self._names
        options_of = self._options_finder(names)
        columns = []
        shift = self.table.first_column
        for position in sorted(self.table.headers.keys() | self.batch.columns.keys()):
            options = options_of(position - shift)
            if options is not None and options.skip:
                continue
            try:
                column = self._column(names.name(position - shift), names.header(position - shift), position, options)
            except CellError as error:
                self.faults.append(error)
                if len(self.faults) > _MOST_FAULTS:
                    break
                continue
            if column.header is not None or column.observed.evidence:
                columns.append(column)
        if self.faults:
            first, *others = self.faults
            first.others = tuple(others)
            raise first
        return NormalizedBatch(
            columns=tuple(columns),
            rows=len(self.batch.rows),
            counts=dict(self.counts),
            examples=self.examples,
            notices=tuple(map(_clash_notice, names.clashes)),
        )

    def _options_finder(self, names: ColumnNames) -> Callable[[int], ColumnOptions | None]:
        keys = dict(self.options.columns)
        for options in self.options.columns.values():
            keys |= dict.fromkeys(options.aliases, options)
        if not keys:
            return lambda _position: None
        find = names.finder(keys)

        def options_of(position: int) -> ColumnOptions | None:
            key = find(position)
            return None if key is None else keys[key]

        return options_of

    def _column(self, name: str, header: str | None, position: int, options: ColumnOptions | None) -> NormalizedColumn:
        floor = configured_type(options) or SqlType.UNDECIDED
        cells = self.batch.columns.get(position)
        if cells is None:
            texts = [b""] * len(self.batch.rows)
            return NormalizedColumn(
                name=name,
                header=header,
                texts=texts,
                observed=NOTHING,
                floor=floor,
                position=position,
                created_as=options.server_type if options is not None else None,
            )

        def locate(index: int) -> str:
            return f"{self.table.sheet}!{self._address(index, position)}"

        cells = self._apply_policies(cells, position)
        if self.options.trims(options):
            cells = trimmed(cells)
        nulls = self.options.nulls + (options.nulls if options is not None else ())
        if nulls:
            cells = _without_nulls(cells, frozenset(nulls))
        try:
            if options is not None and options.is_converted:
                options = self.options.typed(options)
                cells = convert(cells, options)
            fields, observed = observe(self._without_unstorable(cells, position), locate)
        except ConversionError as failure:
            raise self._misfit(failure, position, header, floor, options) from None
        except OverflowError as error:
            fault = self._fault("number", _overflowing(cells), position)
            raise CellError(str(error), where=_place(fault), faults=[fault]) from error
        except ValueError as error:
            raise PluginError(str(error), where=f"{self.table.sheet} › column {name}") from error
        return NormalizedColumn(
            name=name,
            header=header,
            texts=fields,
            observed=observed,
            floor=floor,
            position=position,
            created_as=options.server_type if options is not None else None,
        )

    def _misfit(
        self,
        failure: ConversionError,
        position: int,
        header: str | None,
        floor: SqlType,
        options: ColumnOptions | None,
    ) -> CellError:
        _, text = type_value(failure.value)
        advice = (
            hint_for(str(failure.value), options) if options is not None and isinstance(failure.value, str) else None
        )
        sample = sample_of(text)
        fault = self._fault("type", failure.index, position, value=sample, expected=floor.label, hint=advice)
        return CellError(
            f'"{sample}" is not a valid {floor.label} (type of column {header or position + 1!r} set in etl_config.yaml)',
            where=_place(fault),
            hint=advice or "correct the cell, or change type:, format: or nulls: of the column",
            faults=[fault],
        )

    def _fault(
        self,
        rule: str,
        index: int,
        position: int,
        *,
        value: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> CellFault:
        inside = position - self.table.first_column
        return CellFault(
            rule=rule,
            cell=self._address(index, position),
            row=self.batch.rows[index],
            value=value,
            expected=expected,
            sheet=self.table.sheet,
            column=self._names.name(inside),
            header=self._names.header(inside),
            hint=hint,
        )

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
        if not {ErrorValue, Uncached}.intersection(map(type, cells)):
            return cells
        return [self._apply_policy(value, index, position) for index, value in enumerate(cells)]

    def _apply_policy(self, value: Value, index: int, position: int) -> Value:
        if isinstance(value, ErrorValue):
            return self._apply_error_policy(value, index, position)
        if isinstance(value, Uncached):
            address = self._address(index, position)
            if self.options.uncached == "fail":
                fault = self._fault("uncached", index, position)
                self._refuse(
                    CellError(
                        "the formula has no computed value",
                        where=_place(fault),
                        hint="open the workbook in Excel and save it, or set uncached: blank",
                        faults=[fault],
                    )
                )
            self._count(UNCACHED, 1, f"{self.table.sheet}!{address}")
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

    def _refuse(self, error: CellError) -> None:
        """Keep an error for the end of the batch; raise it once there are enough.

        Raises:
            CellError: There are enough of them.
        """
        if len(self.faults) > _MOST_FAULTS:
            raise error
        self.faults.append(error)

    def _apply_error_policy(self, value: ErrorValue, index: int, position: int) -> Value:
        address = self._address(index, position)
        if self.options.errors == "fail":
            fault = self._fault("error", index, position, value=value.code)
            self._refuse(
                CellError(
                    f"the cell shows the error {value.code}",
                    where=_place(fault),
                    hint="correct the cell, or set errors: blank or errors: text",
                    faults=[fault],
                )
            )
        self._count(ERRORS, 1, f"{self.table.sheet}!{address}")
        return value.code if self.options.errors == "text" else None


def _place(fault: CellFault) -> str:
    return f"{fault.sheet} › {fault.cell}"


def _clash_notice(headers: tuple[str, ...]) -> str:
    if len(headers) == 1:
        text = f'the header "{headers[0]}" is a name that every table has, so it was numbered; rename: gives it a better one'
        return FileNotice(text, "a header is a name that every table has, so it was numbered (set rename:)")
    listed = ", ".join(f'"{header}"' for header in headers)
    text = f"the headers {listed} become one name, so they were numbered; rename: gives them better ones"
    return FileNotice(text, "headers become one name, so they were numbered (set rename:)")


def _overflowing(cells: Column) -> int:
    """Return the index of the first cell that no column can hold."""
    for index in range(len(cells)):
        cell = (
            TextColumn(kind=cells.kind, texts=cells.texts[index : index + 1])
            if isinstance(cells, TextColumn)
            else [cells[index]]
        )
        try:
            observe(cell, lambda _index: "")
        except OverflowError:
            return index
    raise AssertionError("a column overflows because one of its cells does")


def _without_nulls(cells: Column, nulls: frozenset[str]) -> Column:
    """Empty the cells whose text is one of ``nulls``; the text of a number, a date … is its canonical one."""
    fields = {escape(null) for null in nulls}
    if not isinstance(cells, TextColumn):
        return [None if type_value(value)[1] in fields else value for value in cells]
    if cells.kind is Kind.NUMBER:
        # No number's text is another's than digits; as found it may have an exponent or zeros at its end.
        numeric = {field for field in fields if field[-1:].isdigit()}
        empty = (
            {text for text in set(cells.texts) if text and canonical_number(parse_value(text)) in numeric}
            if numeric
            else set()
        )
    else:
        empty = fields.intersection(cells.texts)
    if not empty:
        return cells
    return TextColumn(kind=cells.kind, texts=[b"" if text in empty else text for text in cells.texts])
