"""The header row of a table: its place by the settings, the texts of its cells, and doubts about it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from pgdatahub.errors import CellError, CellFault, FileError, SheetError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import cut, filled_rows, row_selectors, shown_cell
from pgdatahub.readers.tables.header_doubts import ROWS, describe_doubt, may_be_wider
from pgdatahub.readers.tables.layout_counts import LayoutCounts
from pgdatahub.readers.tables.window import side_by_side
from pgdatahub.values.cells import UNCACHED, ErrorValue, InvalidValue, Kind, TextColumn, cell_address, column_letters

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions


class EmptySheetError(SheetError):
    """The sheet has no cell with a value, so no header and no table.

    ``left_out`` names the visible sheets with data that the settings leave out.
    """

    left_out: tuple[str, ...] = ()


def nonempty(source: Iterator[Batch], sheet: str) -> Iterator[Batch]:
    """Return the batches from the first one with a value on.

    Raises:
        EmptySheetError: The sheet has no value.
    """
    for batch in source:
        if any(row_selectors(batch)):
            return chain((batch,), source)
    raise empty_sheet(sheet)


def first_row(source: Iterator[Batch], sheet: str, counts: LayoutCounts, base: int = 0) -> tuple[int, Iterator[Batch]]:
    """Return the number of the first row with a value below row ``base``, and the rows from that row on."""
    source = nonempty(source, sheet)
    batch = next(source)
    row = filled_rows(batch)[0]
    counts.add("blank rows", row - 1 - base, f"row {base + 1}")
    return row, chain((batch,), source)


def seek_row(source: Iterator[Batch], row: int, sheet: str, counts: LayoutCounts) -> Iterator[Batch]:
    """Return the rows from ``row`` on; ``row`` must have a value."""
    above: list[int] = []
    for batch in source:
        start = bisect_left(batch.rows, row)
        filled = filled_rows(cut(batch, 0, start))
        counts.add("rows above the header", len(filled), f"row {filled[0]}" if filled else "")
        above += filled[: 1 - len(above)]
        batch = cut(batch, start, len(batch.rows))
        below = filled_rows(batch)
        if below[:1] == [row]:
            return chain((batch,), source)
        if below:
            raise _no_header(row, (above + below)[0], sheet)
    if above:
        raise _no_header(row, above[0], sheet)
    raise empty_sheet(sheet)


def empty_sheet(sheet: str) -> EmptySheetError:
    """Return the error for a sheet without a value."""
    return EmptySheetError("the sheet is empty", where=sheet, hint="no cell of it has a value")


def _no_header(row: int, first: int, sheet: str) -> SheetError:
    return SheetError(
        f"row {row}, which should have the headers, is empty; the first row with a value is row {first}",
        where=sheet,
        hint=f"set header_row: first, {first}, auto or none for the folder",
    )


Cells: TypeAlias = "dict[int, tuple[Kind | None, str]]"
"""Position → kind and text of a cell with a value."""


def look_ahead(source: Iterator[Batch], most: int) -> tuple[list[tuple[int, Cells]], Iterator[Batch]]:
    """Return the first ``most`` rows with a value, each with its number, and an iterator over all rows."""
    read: list[Batch] = []
    found: list[tuple[int, Cells]] = []
    for batch in _postpone_damage(source):
        if isinstance(batch, FileError):
            source = _raise(batch)
            break
        read.append(batch)
        for row in filled_rows(batch)[: most - len(found)]:
            index = bisect_left(batch.rows, row)
            shown = ((position, shown_cell(column, index)) for position, column in batch.columns.items())
            found.append((row, {position: cell for position, cell in shown if cell[1]}))
        if len(found) >= most:
            break
    return found, chain(read, source)


def _postpone_damage(source: Iterator[Batch]) -> Iterator[Batch | FileError]:
    """Yield batches; an error as the last item, so that the rows before the damage are judged first."""
    try:
        for batch in source:  # noqa: UP028 - "yield from" would close the source with this generator
            yield batch
    except FileError as error:
        yield error


def _raise(error: FileError) -> Iterator[Batch]:
    """Raise an error in place of the next batch."""
    yield from ()
    raise error


def note_doubt(row: int, header: Batch, source: Iterator[Batch], counts: LayoutCounts) -> Iterator[Batch]:
    """Add a notice if the header row does not look like a header; return the rows below, from ``source``."""
    headers = [cell for column in header.columns.values() if (cell := shown_cell(column, 0))[1]]
    read: list[Batch] = []
    positions: set[int] = set()
    for batch in _postpone_damage(source):
        if isinstance(batch, FileError):
            source = _raise(batch)
            break
        read.append(batch)
        positions.update(batch.columns)
        if sum(len(batch.rows) for batch in read) >= ROWS:
            break
    source = chain(read, source)
    widths: list[int] = []
    if may_be_wider(len(positions), headers):
        # Cell by cell, a tenth of the time that a small file takes.
        below, source = look_ahead(source, ROWS)
        widths = [len(cells) for _, cells in below]
    doubt = describe_doubt(row, headers, widths)
    if doubt:
        counts.notices.append(doubt)
    return source


def note_neighbour(headers: Mapping[int, str], source: Iterator[Batch], counts: LayoutCounts) -> Iterator[Batch]:
    """Add a notice if another table seems to stand beside the table; return the rows, from ``source``."""
    positions = sorted(headers)
    if positions[-1] - positions[0] + 1 == len(positions):
        return source  # no empty column between the headers
    below, source = look_ahead(source, ROWS)
    found = side_by_side(headers, [frozenset(cells) for _, cells in below])
    if found is not None:
        left, right = map(column_letters, found)
        first, last = column_letters(positions[0]), column_letters(positions[-1])
        beside = (
            f"column {right} has a header of its own"
            if right == last
            else f"columns {right}-{last} have headers of their own"
        )
        counts.notices.append(
            f"{beside} beside an empty column, as a second table has; "
            f"range: {first}:{left} takes the first one, range: {right}:{last} the other"
        )
    return source


def split_header(source: Iterator[Batch], row: int) -> tuple[Batch | None, Iterator[Batch]]:
    """Return the header row as a batch, and the batches below; ``row`` is in ``source``, or 0 for no header."""
    if not row:
        return None, source
    for batch in source:
        start = bisect_left(batch.rows, row)
        if start < len(batch.rows):
            below = (cut(batch, start + 1, len(batch.rows)),) if start + 1 < len(batch.rows) else ()
            return cut(batch, start, start + 1), chain(below, source)
    raise AssertionError(f"row {row} was seen and is gone")


def header_texts(header: Batch | None, sheet: str, options: FolderOptions, counts: LayoutCounts) -> Mapping[int, str]:
    """Return position → header as written; add a fault for each header that the settings forbid or that is invalid."""
    if header is None:
        return {}
    texts = {}
    for position, column in sorted(header.columns.items()):
        cell = None if isinstance(column, TextColumn) else column[0]
        row = header.rows[0]
        address = cell_address(row, position)
        where = f"{sheet} › {address}"
        if isinstance(cell, ErrorValue) and options.errors != "text":
            if options.errors == "fail":
                fault = CellFault(rule="error", cell=address, row=row, value=cell.code, sheet=sheet)
                message = f"the header is the error {cell.code}"
                counts.faults.append(CellError(message, where=where, faults=[fault]))
            else:
                counts.notices.append(f"the header {address} is the error {cell.code}; it counts as empty")
            continue
        if isinstance(cell, InvalidValue):
            fault = CellFault(rule="number", cell=address, row=row, value=cell.text, sheet=sheet)
            counts.faults.append(CellError(cell.fault, where=where, hint="correct the header", faults=[fault]))
            continue
        if cell is UNCACHED:
            if options.uncached == "fail":
                hint = "open the workbook in Excel and save it, or set uncached: blank"
                message = "the header is a formula whose result is not in the file"
                fault = CellFault(rule="uncached", cell=address, row=row, sheet=sheet)
                counts.faults.append(CellError(message, where=where, hint=hint, faults=[fault]))
            else:
                counts.notices.append(f"the header {address} is a formula without a result; it counts as empty")
            continue
        text = shown_cell(column, 0)[1]
        if text:
            texts[position] = text
    return texts
