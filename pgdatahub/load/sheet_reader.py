"""The sheets of a workbook that a folder's settings choose, read and normalized batch by batch.

Each sheet is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pgdatahub.config import Config
from pgdatahub.errors import FileError, SchemaError, SheetError
from pgdatahub.load.cell_faults import normalize_all
from pgdatahub.load.parts import PartSheet, parts_of
from pgdatahub.load.staged_rows import FileRows, StagedRows
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.events import Reporter, RowsRead
from pgdatahub.model.schema import LOAD_TIMESTAMP, METADATA_TABLES, RESERVED_COLUMNS, SOURCE_FILE, TableName
from pgdatahub.model.workbooks import Batch, Sheet, Workbook
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.layout import EmptySheetError, locate
from pgdatahub.readers.left_out import describe_left_out, sheets_left_out
from pgdatahub.readers.sheets import needs_second_reading

MAX_TABLE_COLUMNS = 1600
"""PostgreSQL's limit, which includes dropped columns."""
MAX_BATCH_CELLS = 1_000_000
"""Maximum cells of a batch: a wide sheet is read in fewer rows at a time than ``ETL_CHUNK_SIZE``, to bound memory."""


class ReadAgainError(Exception):
    """The rows so far do not count: the end of a sheet told the reader more about them."""


def read_sheets(
    workbook: Workbook, file: FileRows, stages: Stages, config: Config, reporter: Reporter
) -> Iterator[ColumnBatch]:
    """Read the chosen sheets of a workbook into ``file``; yield each batch once it is there.

    Raises:
        ReadAgainError: The caller must discard the rows and call this again.
        FileError: The file cannot be loaded under its folder's settings.
    """
    parts = parts_of(file.source, workbook.sheets)
    for part in parts:
        _check_table(part.source.table)
    by_position: dict[int, list[tuple[StagedRows, PartSheet]]] = {}
    for part in parts:
        rows = file.begin(part.source)
        for chosen in part.sheets:
            by_position.setdefault(chosen.position, []).append((rows, chosen))
    for index, (position, tables) in enumerate(by_position.items()):

        def report(share: float, index: int = index) -> None:
            share = (index + share) / len(by_position)
            reporter(RowsRead(source=file.source, rows=file.rows, share=share))

        label = tables[0][1].label
        try:
            sheet = workbook.open(position)
            for rows, chosen in tables:
                yield from _read_table(sheet, chosen, rows, stages, config, report)
            if needs_second_reading(workbook):
                raise ReadAgainError
        except EmptySheetError as error:
            if len(by_position) == 1:
                error.left_out = sheets_left_out(workbook, tuple(by_position))
                raise
            for rows, _ in tables:
                rows.tally.note([f"sheet {label}: {error.message}"])
        except FileError as error:
            if needs_second_reading(workbook):
                raise ReadAgainError from error
            if error.where:
                raise
            raise error.located(label) from error
    _finish(file, workbook, tuple(by_position))


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
    if file.sheets_left_out and file.source.options.sheet is None:
        # A setting that names sheets is a choice; the first visible sheet is only a default.
        next(iter(file.parts.values())).tally.note([describe_left_out(file.sheets_left_out, file.source)])
    file.parts = {table: rows for table, rows in file.parts.items() if rows.sheets}
    if not file.parts:
        raise EmptySheetError("all its sheets are empty", hint="no cell of them has a value")
    if not all(rows.tally.columns for rows in file.parts.values()):
        raise SheetError("no column has a header or a value that is to be loaded")


def _read_table(
    sheet: Sheet,
    chosen: PartSheet,
    rows: StagedRows,
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
) -> Iterator[ColumnBatch]:
    source, label = chosen.source, chosen.label
    table, batches, layout = locate(
        sheet.batches(config.chunk_size), sheet=label, options=source.options, hidden_columns=sheet.hidden_columns
    )
    # The headers come first, so that the columns keep their order and a sheet without rows has columns too.
    yield from rows.add(stages.normalize(Batch(rows=(), columns={}), table, source, config), sheet=label, rows=())
    _check_width(rows)
    pieces = (piece for batch in batches for piece in _narrow(batch))
    for piece, normalized in normalize_all(pieces, lambda piece: stages.normalize(piece, table, source, config)):
        yield from rows.add(normalized, sheet=label, rows=piece.rows)
        # Optional: a reader may report its progress; the protocol for readers does not require it.
        report(getattr(sheet, "share", 0.0))
    rows.sheets.append(label)
    rows.tally.count(layout.counts, {key: f"{label} {example}" for key, example in layout.examples.items()})
    rows.tally.note((*layout.notices, *sheet.notices))


def _check_width(rows: StagedRows) -> None:
    """Refuse a file with more columns than a table can have, before its rows are read.

    Raises:
        SchemaError: The file has more columns than a table of PostgreSQL.
    """
    count = len(rows.tally.columns)
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
