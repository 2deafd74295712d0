"""Built-in normalize stage: SQL names of columns, COPY text and observed types of cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
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
from pgdatahub.values.cells import Column, ErrorValue, InvalidValue, Kind, TextColumn, Uncached, Value, cell_address
from pgdatahub.values.copytext import escape, is_storable, storable
from pgdatahub.values.evidence import NOTHING, sample_of
from pgdatahub.values.identifiers import ColumnNames, fold
from pgdatahub.values.numbers import canonical_number, parse_value
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.tallies import MixedColumn

_MOST_FAULTS = 11
"""Invalid cells of a column that are listed: one more than a failure names."""
_MOST_COLUMNS = 100
"""Columns with invalid cells, after which the search ends."""
_INVALID = "correct the cell where the file comes from, or leave its column out with skip: true"
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
        self.faults: dict[int, list[tuple[int, CellError]]] = {}
        """Position of a column → the first cells that cannot be loaded, each with the index of its row."""
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
            column = self._column(names.name(position - shift), names.header(position - shift), position, options)
            if column is None:
                if len(self.faults) > _MOST_COLUMNS:
                    break
                continue
            if column.header is not None or column.observed.evidence:
                columns.append(column)
        if self.faults:
            raise self._joined_faults()
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

    def _joined_faults(self) -> CellError:
        """Return the faults in the order of their rows, as the first with the others."""
        found = [(index, position, error) for position, faults in self.faults.items() for index, error in faults]
        first, *others = [error for _, _, error in sorted(found, key=lambda fault: fault[:2])]
        first.others = tuple(others)
        return first

    def _column(
        self, name: str, header: str | None, position: int, options: ColumnOptions | None
    ) -> NormalizedColumn | None:
        """Return a column, None if it has cells that cannot be loaded."""
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
        typed = None
        try:
            if options is not None and options.is_converted:
                options = self.options.typed(options)
                cells = convert(cells, options)
            typed = observe(self._without_unstorable(cells, position), locate)
        except ConversionError as failure:
            for index, value in failure.misfits:
                self._refuse_misfit(index, position, value, floor, options)
        except OverflowError:
            for index, message in _overflowing(cells):
                self._refuse(index, position, message, _INVALID, rule="number")
        except ValueError as error:
            raise PluginError(str(error), where=f"{self.table.sheet} › column {name}") from error
        if typed is None or position in self.faults:
            return None
        fields, observed = typed
        return NormalizedColumn(
            name=name,
            header=header,
            texts=fields,
            observed=observed,
            floor=floor,
            position=position,
            created_as=options.server_type if options is not None else None,
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
        if not {ErrorValue, InvalidValue, Uncached}.intersection(map(type, cells)):
            return cells
        return [self._apply_policy(value, index, position) for index, value in enumerate(cells)]

    def _apply_policy(self, value: Value, index: int, position: int) -> Value:
        if isinstance(value, ErrorValue):
            return self._apply_error_policy(value, index, position)
        if isinstance(value, InvalidValue):
            self._refuse(index, position, value.fault, _INVALID, rule="number", value=value.text)
            return None
        if isinstance(value, Uncached):
            if self.options.uncached == "fail":
                hint = "open the workbook in Excel and save it, or set uncached: blank"
                self._refuse(index, position, "the formula has no computed value", hint, rule="uncached")
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

    def _refuse_misfit(
        self, index: int, position: int, value: Value, floor: SqlType, options: ColumnOptions | None
    ) -> None:
        """Keep the fault of a cell that does not fit its column's configured type."""
        sample = sample_of(type_value(value)[1])
        header = self._names.header(position - self.table.first_column) or str(position + 1)
        advice = hint_for(value, options) if options is not None and isinstance(value, str) else None
        self._refuse(
            index,
            position,
            f'"{sample}" is not a valid {floor.label} (type of column {header!r} set in etl_config.yaml)',
            advice or "correct the cell, or change type:, format: or nulls: of the column",
            rule="type",
            value=sample,
            expected=floor.label,
            advice=advice,
        )

    def _refuse(
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
        faults = self.faults.setdefault(position, [])
        if len(faults) >= _MOST_FAULTS:
            return
        inside = position - self.table.first_column
        fault = CellFault(
            rule=rule,
            cell=self._address(index, position),
            row=self.batch.rows[index],
            value=value,
            expected=expected,
            sheet=self.table.sheet,
            column=self._names.name(inside),
            header=self._names.header(inside),
            hint=advice,
        )
        where = f"{fault.sheet} › {fault.cell}"
        faults.append((index, CellError(message, where=where, hint=hint, faults=[fault])))

    def _apply_error_policy(self, value: ErrorValue, index: int, position: int) -> Value:
        if self.options.errors == "fail":
            hint = "correct the cell, or set errors: blank or errors: text"
            message = f"the cell shows the error {value.code}"
            self._refuse(index, position, message, hint, rule="error", value=value.code)
        self._count(ERRORS, 1, f"{self.table.sheet}!{self._address(index, position)}")
        return value.code if self.options.errors == "text" else None


def _clash_notice(headers: tuple[str, ...]) -> str:
    if len(headers) == 1:
        text = f'the header "{headers[0]}" is a name that every table has, so it was numbered; rename: gives it a better one'
        return FileNotice(text, "a header is a name that every table has, so it was numbered (set rename:)")
    listed = ", ".join(f'"{header}"' for header in headers)
    text = f"the headers {listed} become one name, so they were numbered; rename: gives them better ones"
    return FileNotice(text, "headers become one name, so they were numbered (set rename:)")


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
