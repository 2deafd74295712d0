"""Location of the table in a sheet: header, first row and last row.

A reader passes on the whole sheet; this module returns the rows of one table, and counts of the cells left out. The module
cuts and filters whole columns, and examines single cells only if a setting requires it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pgdatahub.errors import SheetError
from pgdatahub.model.batches import Table
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.header_levels import FindAreas, join_levels, no_areas, note_gaps, take_rows
from pgdatahub.readers.tables.header_rows import (
    EmptySheetError,
    first_row,
    header_texts,
    nonempty,
    note_doubt,
    note_neighbour,
    seek_row,
    split_header,
)
from pgdatahub.readers.tables.header_search import find_header
from pgdatahub.readers.tables.layout_counts import LayoutCounts
from pgdatahub.readers.tables.table_body import TableBody
from pgdatahub.readers.tables.window import Window, crop, empty_range

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
    window: Window | None = None,
    find: FindAreas = no_areas,
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
        window: The range of the table; None for the whole sheet. Rows of the settings count inside it.
        find: Finds merged areas, for headers of several rows.
        every: Yield a batch for each batch below the header, also if no row of it is left.

    Returns:
        The table, its rows (an iterator to consume once), and the counts of what was left out.

    Raises:
        EmptySheetError: The sheet has no value.
        SheetError: The header row is empty, or no row looks like a header.
    """
    counts = LayoutCounts()
    source = iter(batches)
    if window is None:
        return _locate(source, sheet, options, hidden_columns, Window(text=""), counts, every=every, find=find)
    hidden = frozenset(filter(window.holds, hidden_columns))
    try:
        return _locate(crop(source, window, counts), sheet, options, hidden, window, counts, every=every, find=find)
    except EmptySheetError as error:
        raise empty_range(window, sheet) from error


def _locate(
    source: Iterator[Batch],
    sheet: str,
    options: FolderOptions,
    hidden_columns: frozenset[int],
    window: Window,
    counts: LayoutCounts,
    *,
    every: bool,
    find: FindAreas,
) -> tuple[Table, Iterator[Batch], LayoutCounts]:
    base = window.first_row - 1
    if window.doubt:
        counts.notices.append(FileNotice(window.doubt, "a range of an .ods file, which does not mark rows of totals"))
    rows = _header_rows(options, window, sheet)
    header_rows: tuple[int, ...] = ()
    headers: Mapping[int, str]
    if rows is not None:
        header_rows = (row, last) = rows
        source = seek_row(source, row, sheet, counts)
        headers, source = _several(source, rows, sheet, options, find, counts)
        row = last
    elif window.names is not None:
        row, source = base, nonempty(source, sheet)
        headers = {window.first_column + index: name for index, name in enumerate(window.names)}
    elif options.header_row == "none":
        row, source = base, nonempty(source, sheet)
        headers = {}
    elif options.header_row == "auto":
        found, source = find_header(source, sheet, counts, find)
        row = found[1]
        if found[0] < found[1]:
            header_rows = found
            headers, source = _several(source, found, sheet, options, find, counts)
        else:
            header, source = split_header(source, row)
            headers = header_texts(header, sheet, options, counts)
    else:
        if options.header_row == "first" and not window.is_table:
            row, source = first_row(source, sheet, counts, base)
        else:
            row = base + (1 if window.is_table else int(options.header_row))
            source = seek_row(source, row, sheet, counts)
        header, source = split_header(source, row)
        headers = header_texts(header, sheet, options, counts)
        if header is not None:
            source = note_doubt(row, header, source, counts)
    if headers and not window.text:
        source = note_neighbour(headers, source, counts)
    skipped = hidden_columns if options.hidden == "skip" else frozenset()
    has_header = bool(rows) or (window.names is None and options.header_row != "none")
    table = Table(
        sheet=sheet,
        headers={position: text for position, text in headers.items() if position not in skipped},
        header_row=row if has_header else 0,
        hidden_columns=hidden_columns - skipped,
        header_rows=header_rows,
        first_column=window.first_column,
        first_row=row + options.skip_rows + 1,
    )
    body = TableBody(table, options, counts, hidden_columns, hidden_columns & headers.keys())
    return table, body.batches(source, every=every), counts


def _header_rows(options: FolderOptions, window: Window, sheet: str) -> tuple[int, int] | None:
    """Return the several header rows that the settings name, as rows of the sheet; None for one row or none.

    Raises:
        SheetError: A header row is beyond the range, or the range is an Excel table, which knows its own.
    """
    several = options.header_rows
    if window.is_table and (several or options.header_row not in ("first", 1)):
        raise SheetError(
            f"header_row: {options.header_row} contradicts {window.text}, an Excel table, which has its own headers",
            where=sheet,
            hint="leave header_row out, or set header_row: first beside the range",
        )
    last = several[1] if several else options.header_row
    base = window.first_row - 1
    if isinstance(last, int) and window.last_row is not None and base + last > window.last_row:
        raise SheetError(f"header_row: {options.header_row} is beyond the range {window.text}", where=sheet)
    return (base + several[0], base + several[1]) if several else None


def _several(
    source: Iterator[Batch],
    rows: tuple[int, int],
    sheet: str,
    options: FolderOptions,
    find: FindAreas,
    counts: LayoutCounts,
) -> tuple[dict[int, str], Iterator[Batch]]:
    """Return the headers of several rows, and the rows below."""
    taken, source = take_rows(source, *rows)
    levels = {batch.rows[0]: header_texts(batch, sheet, options, counts) for batch in taken}
    positions = {position for texts in levels.values() for position in texts}
    areas = find(*rows) if any(len(texts) < len(positions) for texts in levels.values()) else ()
    note_gaps(levels, areas, options.header_fill, counts)
    return join_levels(levels, areas or (), options.header_fill), source
