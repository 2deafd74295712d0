"""One table on a sheet: located, and its batches normalized with the columns of their origin."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.config.cell_ranges import parse_cell
from pgdatahub.load.contracts.verdict import good_part
from pgdatahub.load.staging.long_texts import cut_long_texts
from pgdatahub.load.staging.origin_columns import OriginColumns
from pgdatahub.model.batches import NormalizedBatch, Table
from pgdatahub.model.workbooks import Batch, Sheet
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.tables.header_levels import no_areas
from pgdatahub.readers.tables.layout import LayoutCounts, locate
from pgdatahub.readers.tables.window import CellCapture, Window

if TYPE_CHECKING:
    from pgdatahub.config.options import FolderOptions
    from pgdatahub.load.contracts.sheet_contract import SheetContract
    from pgdatahub.load.parts import PartSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReading:
    """A table whose header is found.

    Attributes:
        chosen: The sheet, with the file and its settings for the table.
        table: Its place.
        batches: Its rows, to be consumed once.
        layout: The counts of what is left out; complete after the last batch.
        origin: The further columns.
        stages: The plugins.
        config: The settings.
    """

    chosen: PartSheet
    table: Table
    batches: Iterator[Batch]
    layout: LayoutCounts
    origin: OriginColumns
    stages: Stages
    config: Config

    @property
    def headers(self) -> NormalizedBatch:
        """A batch without rows that has the columns with a header."""
        return self.normalize(Batch(rows=(), columns={}))

    def normalize(self, batch: Batch) -> NormalizedBatch:
        """Name the columns of a batch, convert its cells, and add the further columns."""
        return self._finish(self.normalize_cells(batch), batch)

    def _finish(self, normalized: NormalizedBatch, batch: Batch) -> NormalizedBatch:
        """Add the further columns, and leave out samples if the settings hide values."""
        whole = self.origin.add(normalized, batch.rows)
        if self.chosen.source.options.samples:
            return whole
        columns = tuple(replace(column, observed=column.observed.without_samples()) for column in whole.columns)
        return replace(whole, columns=columns)

    def normalize_cells(self, batch: Batch) -> NormalizedBatch:
        """Name the columns of a batch and convert its cells."""
        return self.stages.normalize(batch, self.table, self.chosen.source, self.config)

    def judge(self, batch: Batch, contract: SheetContract) -> NormalizedBatch | None:
        """Do as :meth:`normalize` does under a contract; return None if a fault so far fails the file."""
        normalized = self.normalize_cells(batch)
        verdict = contract.judge(batch, normalized, partial(self.origin.columns, batch.rows))
        if verdict.aside:
            # Bad cells take no part in the types and counts of the file, so the good ones are normalized again.
            batch = good_part(batch, verdict)
            normalized = replace(self.normalize_cells(batch), aside=verdict.aside, sheet_rows=batch.rows)
        whole = self._finish(normalized, batch)
        return None if contract.fails else whole


def begin_table(
    sheet: Sheet,
    chosen: PartSheet,
    source: Iterator[Batch],
    stages: Stages,
    config: Config,
    *,
    capture: CellCapture | None = None,
) -> TableReading:
    """Find a table on a sheet.

    Args:
        sheet: The sheet.
        chosen: The sheet, with the file and its settings for the table.
        source: The batches of the sheet.
        stages: The plugins.
        config: The settings.
        capture: The cells that become columns, if the caller shows them the batches; else this function does.

    Raises:
        SheetError: The table is not found.
        CellError: A header cannot be loaded.
    """
    options = chosen.source.options
    if capture is None:
        capture = capture_of(chosen)
        source = capture.watch(source) if capture.cells else source
    origin = OriginColumns(chosen.source, chosen.label, capture)
    table, batches, layout = locate(
        source,
        sheet=chosen.label,
        options=options,
        hidden_columns=sheet.hidden_columns,
        every=True,
        window=chosen.window,
        find=getattr(sheet, "header_areas", no_areas),
    )
    capture.check_above(table.first_row, chosen.label)
    return TableReading(
        chosen=chosen, table=table, batches=batches, layout=layout, origin=origin, stages=stages, config=config
    )


def open_batches(sheet: Sheet, tables: Sequence[PartSheet], chunk_size: int) -> Iterator[Batch]:
    """Return the batches of a sheet, divided where its tables begin and end if the reader can do so.

    A batch that the core read keeps its compact form and its tallies only as a whole: thirty ranges below each other took
    four times as long as one, and now 1.3 times.
    """
    rows: set[int] = set()
    for chosen in tables:
        if chosen.window is not None:
            rows.update(chosen.window.break_rows(_rows_above_data(chosen.window, chosen.source.options)))
    divide = getattr(sheet, "break_before", None)
    if rows and divide is not None:
        divide(sorted(rows))
    return cut_long_texts(sheet.batches(chunk_size), sheet.name, tables[0].source)


def _rows_above_data(window: Window, options: FolderOptions) -> int:
    """Return the rows of a range down to the last one above its data, where the settings tell."""
    if window.names is not None or options.header_row == "none":
        return options.skip_rows
    several = options.header_rows
    last = several[1] if several else options.header_row
    return options.skip_rows + (last if isinstance(last, int) else 1)


def capture_of(chosen: PartSheet) -> CellCapture:
    """Return the cells of the sheet that become columns of a table."""
    cells = chosen.source.options.cell_columns
    return CellCapture(cells={name: parse_cell(cell) for name, cell in cells.items()})


@contextmanager
def ending(source: Iterator[Batch]) -> Iterator[None]:
    """Close the batches of a sheet at the end, so that the reader does not read on."""
    try:
        yield
    finally:
        if isinstance(source, Generator):
            source.close()
