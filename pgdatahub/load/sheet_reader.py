"""The sheets of a workbook that a folder's settings choose, read and normalized batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pgdatahub.config import Config
from pgdatahub.errors import FileError, SchemaError, SheetError
from pgdatahub.load.cell_faults import normalize_all
from pgdatahub.load.staged_rows import StagedRows
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.events import Reporter, RowsRead
from pgdatahub.model.schema import LOAD_TIMESTAMP, RESERVED_COLUMNS, SOURCE_FILE
from pgdatahub.model.workbooks import Batch, Sheet, Workbook, sheet_labels
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.layout import EmptySheetError, locate
from pgdatahub.readers.left_out import describe_left_out, sheets_left_out
from pgdatahub.readers.sheets import choose_sheets, needs_second_reading

MAX_TABLE_COLUMNS = 1600
"""PostgreSQL's limit, which includes dropped columns."""
MAX_BATCH_CELLS = 1_000_000
"""Maximum cells of a batch: a wide sheet is read in fewer rows at a time than ``ETL_CHUNK_SIZE``, to bound memory."""


class ReadAgainError(Exception):
    """The rows so far do not count: the end of a sheet told the reader more about them."""


def read_sheets(
    workbook: Workbook, rows: StagedRows, stages: Stages, config: Config, reporter: Reporter
) -> Iterator[ColumnBatch]:
    """Read the chosen sheets of a workbook into ``rows``; yield each batch once it is rows.

    Raises:
        ReadAgainError: The caller must discard the rows and call this again.
        FileError: The file cannot be loaded under its folder's settings.
    """
    positions = choose_sheets(workbook.sheets, rows.source.options)
    labels = sheet_labels(workbook.sheets)
    for index, position in enumerate(positions):
        label = labels[position]

        def report(share: float, index: int = index) -> None:
            share = (index + share) / len(positions)
            reporter(RowsRead(source=rows.source, rows=rows.tally.rows, share=share))

        try:
            yield from _read_sheet(workbook.open(position), label, rows, stages, config, report)
            if needs_second_reading(workbook):
                raise ReadAgainError
        except EmptySheetError as error:
            if len(positions) == 1:
                error.left_out = sheets_left_out(workbook, positions)
                raise
            rows.tally.note([f"sheet {label}: {error.message}"])
        except FileError as error:
            if needs_second_reading(workbook):
                raise ReadAgainError from error
            if error.where:
                raise
            raise error.located(label) from error
    rows.sheets_left_out = sheets_left_out(workbook, positions)
    if rows.sheets_left_out and rows.source.options.sheet is None:
        # A setting that names sheets is a choice; the first visible sheet is only a default.
        rows.tally.note([describe_left_out(rows.sheets_left_out, rows.source)])
    if not rows.sheets:
        raise EmptySheetError("all its sheets are empty", hint="no cell of them has a value")
    if not rows.tally.columns:
        raise SheetError("no column has a header or a value that is to be loaded")


def _read_sheet(
    sheet: Sheet,
    label: str,
    rows: StagedRows,
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
) -> Iterator[ColumnBatch]:
    source = rows.source
    table, batches, layout = locate(
        sheet.batches(config.chunk_size), sheet=label, options=source.options, hidden_columns=sheet.hidden_columns
    )
    # The headers come first, so that the columns keep their order and a sheet without rows has columns too.
    yield from rows.add(stages.normalize(Batch(rows=(), columns={}), table, source, config), sheet=label, rows=())
    _check_width(rows)
    parts = (part for batch in batches for part in _narrow(batch))
    for part, normalized in normalize_all(parts, lambda part: stages.normalize(part, table, source, config)):
        yield from rows.add(normalized, sheet=label, rows=part.rows)
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
