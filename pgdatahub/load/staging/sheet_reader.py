"""The sheets of a workbook that a folder's settings choose, read and normalized batch by batch.

Each sheet is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from pgdatahub.config import Config
from pgdatahub.errors import FileError, SchemaError, SheetError
from pgdatahub.load.contracts.cell_faults import Faults, joined
from pgdatahub.load.contracts.sheet_contract import SheetContract
from pgdatahub.load.contracts.uniqueness import Suspects
from pgdatahub.load.parts import PartSheet, parts_of
from pgdatahub.load.staging.shared_sheet import SharedBatches, take_turns
from pgdatahub.load.staging.sheet_tables import begin_table, capture_of, ending, open_batches
from pgdatahub.load.staging.staged_rows import FileRows, PostponedRows, StagedRows
from pgdatahub.load.staging.tally import Tally
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.events import Reporter, RowsRead
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.schema import LOAD_TIMESTAMP, METADATA_TABLES, RESERVED_COLUMNS, SOURCE_FILE, TableName
from pgdatahub.model.workbooks import Batch, Sheet, Workbook
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.choice.left_out import describe_left_out, sheets_left_out
from pgdatahub.readers.choice.sheets import needs_second_reading
from pgdatahub.readers.tables.layout import EmptySheetError
from pgdatahub.readers.tables.window import CellCapture

MAX_TABLE_COLUMNS = 1600
"""PostgreSQL's limit, which includes dropped columns."""
MAX_BATCH_CELLS = 1_000_000
"""Maximum cells of a batch: a wide sheet is read in fewer rows at a time than ``ETL_CHUNK_SIZE``, to bound memory."""


class ReadAgainError(Exception):
    """The rows so far do not count: the end of a sheet told the reader more about them.

    Args:
        suspects: The cells of equal values, by table and column.
    """

    def __init__(self, suspects: Mapping[TableName, Mapping[str, Suspects]] | None = None) -> None:
        super().__init__()
        self.suspects = suspects


def read_sheets(
    workbook: Workbook, file: FileRows, stages: Stages, config: Config, reporter: Reporter
) -> Iterator[ColumnBatch]:
    """Read the chosen sheets of a workbook into ``file``; yield each batch once it is there.

    Raises:
        ReadAgainError: The caller must discard the rows and call this again.
        FileError: The file cannot be loaded under its folder's settings.
    """
    found = parts_of(file.source, workbook, config.schema_name)
    by_position: dict[int, list[tuple[StagedRows, PartSheet]]] = {}
    for part in found.parts:
        table = part.source.table
        _check_table(table)
        file.tables.append(table)
        if file.source.only_tables and file.source.only_tables.isdisjoint((table.name, str(table))):
            continue
        file.order.append(table)
        if table in file.source.loaded_in and not file.source.reload:
            file.known[table] = part.source
            continue
        rows = file.begin(part)
        for chosen in part.sheets:
            by_position.setdefault(chosen.position, []).append((rows, chosen))
    # One table: in the order in which the settings name the sheets. Several: each sheet once, in the workbook's order.
    faults = Faults()
    order = sorted(by_position) if file.source.options.is_routed else list(by_position)
    for index, position in enumerate(order):

        def report(share: float, index: int = index) -> None:
            share = (index + share) / len(order)
            reporter(RowsRead(source=file.source, rows=file.rows, share=share))

        tables = by_position[position]
        label = tables[0][1].label
        faults.begin_sheet(f"or leave the sheet out: {label}: {{skip: true}}" if file.source.options.is_routed else "")
        try:
            yield from _read_sheet(workbook.open(position), tables, stages, config, report, faults)
            if needs_second_reading(workbook):
                raise ReadAgainError
        except EmptySheetError as error:
            needs_rows = any(rows.source.options.min_rows for rows, _ in tables)
            if len(order) == 1 and not file.known and not needs_rows:
                error.left_out = sheets_left_out(workbook, found.named)
                raise
            for rows, _ in tables:
                rows.tally.note([FileNotice(f"the sheet {label} is empty", "empty sheets")])
        except FileError as error:
            if needs_second_reading(workbook):
                raise ReadAgainError from error
            # After a fault of a cell or a header, the other sheets are searched for further faults.
            _add_fault(faults, error if error.where else error.located(label), file)
    suspects = file.equal_values()
    if suspects is not None:
        raise ReadAgainError(suspects)
    faults.check(file.judge())
    _finish(file, workbook, found.named)


def _add_fault(faults: Faults, error: FileError, file: FileRows) -> None:
    """Add the fault of a sheet; if it ends the reading, with the faults under contracts so far.

    Raises:
        FileError: Reading cannot go on, or there are enough faults.
    """
    try:
        faults.add_of_sheet(error)
    except FileError as ended:
        broken = file.broken
        raise joined([ended, broken]) if broken else ended from ended.__cause__


def _check_table(table: TableName) -> None:
    """Refuse a part whose table has a name of the history.

    Raises:
        SchemaError: The history has that name.
    """
    if table.name in METADATA_TABLES:
        raise SchemaError(
            f"the folder would be the table {table}, which has that name for the history of the loads",
            hint="give the folder another name, or set table: for it",
        )


def _finish(file: FileRows, workbook: Workbook, chosen: Sequence[int]) -> None:
    """Complete the facts about a file whose sheets are read, and drop the parts without a sheet.

    Raises:
        EmptySheetError: No sheet has a value.
        SheetError: A part has no column.
    """
    file.sheets_left_out = sheets_left_out(workbook, chosen)
    if file.sheets_left_out and file.source.options.is_routed:
        file.notices.append(describe_left_out(file.sheets_left_out, file.source))
    elif file.sheets_left_out and file.source.options.sheet is None and file.parts:
        # A setting that names sheets is a choice; the first visible sheet is only a default.
        next(iter(file.parts.values())).tally.note([describe_left_out(file.sheets_left_out, file.source)])
    empty = {table for table, rows in file.parts.items() if not rows.sheets}
    for table in empty:
        file.notices += file.parts[table].tally.notices
    file.parts = {table: rows for table, rows in file.parts.items() if table not in empty}
    file.tables = [table for table in file.tables if table not in empty]
    file.order = [table for table in file.order if table not in empty]
    if not file.order:
        raise EmptySheetError("all its sheets are empty", hint="no cell of them has a value")
    for rows in file.parts.values():
        if not rows.tally.columns:
            raise SheetError(
                "no column has a header or a value that is to be loaded",
                where=", ".join(rows.sheets),
                hint="errors are empty cells unless errors: text is set; header_row: auto or none finds or replaces headers",
            )


def _read_sheet(
    sheet: Sheet,
    tables: Sequence[tuple[StagedRows, PartSheet]],
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
    faults: Faults,
) -> Iterator[ColumnBatch]:
    """Read all tables on a sheet.

    Raises:
        EmptySheetError: No table has a value.
    """
    source = open_batches(sheet, [chosen for _, chosen in tables], config.chunk_size)
    if len(tables) == 1:
        ((rows, chosen),) = tables
        with ending(source):
            for batches in _read_table(sheet, chosen, rows, stages, config, report, faults, None, source):
                yield from batches
        return
    captures = [capture_of(chosen) for _, chosen in tables]
    starts = [chosen.window.first_row if chosen.window else 1 for _, chosen in tables]
    shared = SharedBatches(source, starts, [capture.see for capture in captures])
    readers = []
    postponed: list[PostponedRows] = []
    empty: list[EmptySheetError] = []
    for number, (rows, chosen) in enumerate(tables):
        target: StagedRows | PostponedRows = rows
        if any(other is rows for other, _ in tables[:number]):
            target = PostponedRows(rows)
            postponed.append(target)
        readers.append(
            partial(_read_one_of, sheet, chosen, target, stages, config, report, faults, captures[number], empty)
        )
    with ending(source):
        for batches in take_turns(shared, readers):
            yield from batches
    for late in postponed:
        yield from late.take_place()
    if len(empty) == len(tables):
        raise empty[0]


def _read_one_of(
    sheet: Sheet,
    chosen: PartSheet,
    rows: StagedRows | PostponedRows,
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
    faults: Faults,
    capture: CellCapture,
    empty: list[EmptySheetError],
    source: Iterator[Batch],
) -> Iterator[Iterable[ColumnBatch]]:
    """Read one of several tables on a sheet; add the error to ``empty`` if it has no value."""
    try:
        yield from _read_table(sheet, chosen, rows, stages, config, report, faults, capture, source)
    except EmptySheetError as error:
        empty.append(error)


def _read_table(
    sheet: Sheet,
    chosen: PartSheet,
    rows: StagedRows | PostponedRows,
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
    faults: Faults,
    capture: CellCapture | None,
    source: Iterator[Batch],
) -> Iterator[Iterable[ColumnBatch]]:
    """Read a table; yield what became of each batch of the sheet below the header."""
    label = chosen.label
    reading = begin_table(sheet, chosen, source, stages, config, capture=capture)
    rows.keys.see(reading.table, chosen.source.options)
    faults.add(reading.layout.faults)
    # The headers come first, so that the columns keep their order and a sheet without rows has columns too.
    yield rows.add(reading.headers, sheet=label, rows=())
    _check_width(rows.tally)
    pieces = (piece for batch in reading.batches for piece in _narrow(batch))
    contract = SheetContract(rows.contract, reading.table, chosen) if rows.contract is not None else None
    normalize = reading.normalize if contract is None else partial(reading.judge, contract=contract)
    for piece, normalized in faults.normalize(pieces, normalize):
        if normalized is None:
            if contract is not None and contract.stops:
                raise ReadAgainError
            yield ()  # another table on the sheet may have its turn
            continue
        kept = piece.rows if normalized.sheet_rows is None else normalized.sheet_rows
        yield rows.add(normalized, sheet=label, rows=kept)
        # Optional: a reader may report its progress; the protocol for readers does not require it.
        report(getattr(sheet, "share", 0.0))
    if contract is not None:
        contract.end(reading.origin.cells_to_keep)
    layout = reading.layout
    examples = {key: f"{label} {example}" for key, example in layout.examples.items()}
    rows.end(label, layout.counts, examples, (*layout.notices, *sheet.notices))


def _check_width(tally: Tally) -> None:
    """Refuse a file with more columns than a table can have, before its rows are read.

    Raises:
        SchemaError: The file has more columns than a table of PostgreSQL.
    """
    count = len(tally.columns)
    most = MAX_TABLE_COLUMNS - len(RESERVED_COLUMNS)
    if count > most:
        raise SchemaError(
            f"the sheet has {count:,} columns with a header; a table takes {MAX_TABLE_COLUMNS:,}, two of which are "
            f"{SOURCE_FILE} and {LOAD_TIMESTAMP}",
            hint="leave columns out with skip:, or split the sheet",
        )


def _narrow(batch: Batch) -> Sequence[Batch]:
    """Split a batch of a very wide sheet into batches of fewer rows."""
    rows_at_once = max(1, MAX_BATCH_CELLS // max(1, len(batch.columns)))
    if len(batch.rows) <= rows_at_once:
        return (batch,)
    return [batch.slice(start, start + rows_at_once) for start in range(0, len(batch.rows), rows_at_once)]
