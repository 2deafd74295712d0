"""Location of the table in a sheet: header, first row and last row.

A reader passes on the whole sheet; this module returns the rows of one table, and counts of the cells left out. The module
cuts and filters whole columns, and examines single cells only if a setting requires it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pgdatahub.model.batches import Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.header_rows import (
    EmptySheetError,
    find_header,
    first_row,
    header_texts,
    nonempty,
    note_doubt,
    seek_row,
    split_header,
)
from pgdatahub.readers.layout_counts import LayoutCounts
from pgdatahub.readers.table_body import TableBody

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions

__all__ = ["EmptySheetError", "LayoutCounts", "locate"]


def locate(
    batches: Iterable[Batch],
    *,
    sheet: str,
    options: FolderOptions,
    hidden_columns: frozenset[int] = frozenset(),
    every: bool = False,
) -> tuple[Table, Iterator[Batch], LayoutCounts]:
    """Find the table in a sheet.

    - ``header_row: first`` takes the first row with a value; empty rows above count as blank rows. ``n`` takes row n of the
      sheet, counted from 1, empty rows included. ``auto`` examines the first 100 rows with a value. ``auto`` takes the first
      row with more than half as many filled cells as the fullest row, if all its cells are texts (or years: whole numbers
      from 1900 to 2100) and no two are equal. Without such a row, ``auto`` takes the first row whose other cells stand only
      above values of other kinds, such as dates above numbers. A notice names the row. ``none``: all rows are data.
    - ``skip_rows: n`` leaves out the n rows of the sheet right below the header, such as a row of units; without a header,
      the first n rows of the sheet.
    - ``stop_at: blank`` ends the table at the first empty row below a row with a value. Any other text ends the table at
      the row with this text in the table's first column (without a header: in the row's first cell with a value); the
      comparison ignores case and outer white space. That row and all rows below are left out.
    - ``hidden: skip`` leaves out hidden rows and columns. A hidden header row is still the header.
    - Rows without any value and columns with neither header nor value are always left out.

    Args:
        batches: The sheet as the reader yields it.
        sheet: The sheet's name.
        options: The settings of the folder.
        hidden_columns: Positions (from 0) of the columns that the sheet hides.
        every: Yield a batch for each batch below the header, also if no row of it is left.

    Returns:
        The table, its rows (an iterator to consume once), and the counts of what was left out.

    Raises:
        EmptySheetError: The sheet has no value.
        SheetError: The header row is empty, or no row looks like a header.
        CellError: A header is an error or an uncached formula, under a policy that forbids it.
    """
    counts = LayoutCounts()
    source = iter(batches)
    if options.header_row == "none":
        row, source = 0, nonempty(source, sheet)
    elif options.header_row == "auto":
        row, source = find_header(source, sheet, counts)
    elif options.header_row == "first":
        row, source = first_row(source, sheet, counts)
    else:
        row = int(options.header_row)
        source = seek_row(source, row, sheet, counts)
    header, source = split_header(source, row)
    headers = header_texts(header, sheet, options)
    if header is not None and options.header_row != "auto":
        source = note_doubt(row, header, source, counts)
    skipped = hidden_columns if options.hidden == "skip" else frozenset()
    table = Table(
        sheet=sheet,
        headers={position: text for position, text in headers.items() if position not in skipped},
        header_row=row,
        hidden_columns=hidden_columns - skipped,
    )
    body = TableBody(table, options, counts, hidden_columns, hidden_columns & headers.keys())
    return table, body.batches(source, every=every), counts
