"""Inspection of the tables on a sheet, which is read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.load.contracts.cell_faults import Faults
from pgdatahub.load.contracts.contract import Contract
from pgdatahub.load.contracts.sheet_contract import SheetContract
from pgdatahub.load.parts import PartSheet
from pgdatahub.load.results import failed
from pgdatahub.load.staging.shared_sheet import SharedBatches, take_turns
from pgdatahub.load.staging.sheet_tables import begin_table, capture_of, ending, open_batches
from pgdatahub.load.staging.tally import Tally
from pgdatahub.model.batches import NormalizedBatch
from pgdatahub.model.results import Failure
from pgdatahub.model.schema import ColumnSchema, TableName
from pgdatahub.model.workbooks import Batch, Sheet, Workbook
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.choice.sheets import needs_second_reading
from pgdatahub.readers.tables.window import CellCapture


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetInspection:
    """Contents of a sheet.

    Attributes:
        name: Its name; with its position where another sheet has the same name.
        visible: True unless the sheet is hidden.
        chosen: True if a run would load the sheet.
        table: The table that a run would load the rows into; None if it would not load them.
        header_row: The row of the headers, from 1, the last one of several; 0 for none.
        header_rows: The first and the last of several rows of headers; empty for one row.
        range: The range of the table, if the settings name one.
        rows: Rows below the header.
        columns: The columns with their observed kinds; position and header as in the sheet.
        counts: Remark on cells or rows → their number.
        examples: Remark → place of the first cell.
        notices: Remarks for the user.
        failure: Reason why the sheet cannot be loaded.
    """

    name: str
    visible: bool
    chosen: bool
    table: TableName | None = None
    header_row: int = 0
    header_rows: tuple[int, ...] = ()
    range: str | None = None
    rows: int = 0
    columns: tuple[ColumnSchema, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    failure: Failure | None = None


def inspect_tables(
    workbook: Workbook, found: SheetInspection, tables: Sequence[PartSheet], stages: Stages, config: Config
) -> list[SheetInspection]:
    """Read the tables on a sheet; return a value for each.

    Args:
        workbook: The workbook.
        found: The facts about the sheet.
        tables: The tables, at least one.
        stages: The plugins.
        config: The settings.
    """
    inspections = [
        replace(
            found, table=table.source.table if found.chosen else None, range=table.window.text if table.window else None
        )
        for table in tables
    ]
    try:
        sheet = workbook.open(tables[0].position)
        source = open_batches(sheet, tables, config.chunk_size)
        captures = [capture_of(table) for table in tables]
        starts = [table.window.first_row if table.window else 1 for table in tables]
        shared = SharedBatches(_Repeated(source), starts, [capture.see for capture in captures])
        readers = [
            partial(_read_table, inspections, number, sheet, table, captures[number], stages, config)
            for number, table in enumerate(tables)
        ]
        with ending(source):
            for _ in take_turns(shared, readers):
                pass
    except FileError as error:
        failure = failed(tables[0].source, error).failure
        inspections = [one if one.columns or one.failure else replace(one, failure=failure) for one in inspections]
    if needs_second_reading(workbook):
        return inspect_tables(workbook, found, tables, stages, config)
    return inspections


class _Repeated:
    """Batches of a sheet whose damage ends each table on the sheet."""

    def __init__(self, source: Iterator[Batch]) -> None:
        self._source = source
        self._damage: FileError | None = None

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._damage is not None:
            raise self._damage
        try:
            return next(self._source)
        except FileError as error:
            self._damage = error
            raise


def _read_table(
    inspections: list[SheetInspection],
    number: int,
    sheet: Sheet,
    chosen: PartSheet,
    capture: CellCapture,
    stages: Stages,
    config: Config,
    source: Iterator[Batch],
) -> Iterator[None]:
    """Read a table into ``inspections``; yield for each batch below its header."""
    found = inspections[number]
    try:
        reading = begin_table(sheet, chosen, source, stages, config, capture=capture)
        tally = Tally()
        tally.add(reading.headers)
        faults = Faults()
        contract, rules = None, Contract()
        normalize: Callable[[Batch], NormalizedBatch | None] = reading.normalize
        if chosen.source.options.has_contract:
            # Rules for the whole file and equal values are left to a run, which may read several sheets, and read twice.
            contract = SheetContract(rules, reading.table, chosen)
            normalize = partial(reading.judge, contract=contract)
        try:
            faults.add(reading.layout.faults)
            for _, normalized in faults.normalize(reading.batches, normalize):
                if normalized is not None:
                    tally.add(normalized)
                yield
        except FileError as error:
            raise faults.joined(error) from error
        faults.check(contract.end() if contract is not None else None)
    except FileError as error:
        inspections[number] = replace(found, failure=failed(chosen.source, error).failure)
        return
    tally.count(reading.layout.counts, reading.layout.examples)
    tally.note((*reading.layout.notices, *sheet.notices))
    _note_rules(tally, rules, chosen)
    inspections[number] = replace(
        found,
        header_row=reading.table.header_row,
        header_rows=reading.table.header_rows,
        rows=tally.rows,
        columns=tuple(tally.columns.values()),
        counts=tally.counts,
        examples=tally.examples,
        notices=tally.notices,
    )


def _note_rules(tally: Tally, rules: Contract, chosen: PartSheet) -> None:
    """Count the rows with faults, which are not those of a right sheet, and name the rules that a run judges in addition."""
    faults = rules.report.faults
    if faults:
        key = "rows with a fault (pgdatahub check names the cells)"
        tally.count({key: rules.report.bad_rows}, {key: f"{chosen.label}!{faults[0].cell}"})
    options = chosen.source.options
    left = (
        ["equal values"] if options.key or any(one.unique and not one.skip for one in options.columns.values()) else []
    )
    left += ["the number of rows"] if options.min_rows or options.max_rows is not None else []
    if left:
        tally.note((f"not looked at here, but by a run and pgdatahub check: {' and '.join(left)}",))
