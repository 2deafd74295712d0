"""Resolution of a range: the sheet and the cells that a name means in a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from pgdatahub.errors import SheetError
from pgdatahub.readers.tables.window import Window
from pgdatahub.values.cells import column_letters

if TYPE_CHECKING:
    from pgdatahub.config.cell_ranges import CellRange
    from pgdatahub.model.workbooks import RangeInfo, Workbook

_LISTED: Final = 20
_SIMILAR: Final = 0.5
"""Minimum likeness of names, by difflib's ratio, for one to be listed before the others."""


def ranges_of(workbook: Workbook) -> Sequence[RangeInfo] | None:
    """Return the named ranges of a workbook; None if its reader offers none."""
    return getattr(workbook, "ranges", None)


def find_window(
    cells: CellRange, position: int | None, workbook: Workbook, labels: Sequence[str], suffix: str
) -> tuple[int | None, Window]:
    """Return the sheet that a range names itself, and the cells.

    A name is looked up as a table on the sheet, a name of the sheet, a name of the workbook that lies on the sheet.

    Args:
        cells: The range.
        position: The sheet; None if the range names it.
        workbook: The workbook.
        labels: The labels of its sheets.
        suffix: The suffix of the file, for messages.

    Raises:
        SheetError: The name is missing, or cannot be used.
    """
    if cells.name is None:
        window = Window(
            text=cells.text,
            first_row=cells.first_row,
            last_row=cells.last_row,
            first_column=cells.first_column,
            last_column=cells.last_column,
        )
        return position, window
    ranges = ranges_of(workbook)
    if ranges is None:
        raise SheetError(
            f"the reader of {suffix} offers no names of ranges, such as {cells.name}",
            hint="use an area such as B4:H",
        )
    found = [one for one in ranges if one.name.casefold() == cells.name.casefold()]
    usable = [one for one in found if one.problem is None and (position is None or one.sheet == position)]
    best = _best(usable)
    if not best:
        raise _missing(cells.name, found, ranges, position, labels)
    if len(best) > 1:
        sheets = sorted(one.sheet for one in best if one.sheet is not None)
        listed = ", ".join(labels[sheet] for sheet in sheets)
        raise SheetError(
            f"several sheets have the range {cells.name}: {listed}",
            hint=f'"*": {{range: {cells.name}}} below sheets: takes all of them',
        )
    chosen = best[0]
    return chosen.sheet, Window(
        text=cells.text,
        first_row=chosen.rows[0],
        last_row=chosen.rows[1],
        first_column=chosen.columns[0],
        last_column=chosen.columns[1],
        is_table=chosen.is_table,
        names=chosen.names,
        doubt=chosen.doubt,
    )


def _best(usable: Sequence[RangeInfo]) -> list[RangeInfo]:
    """Return the ranges of the first kind that there is: tables, names of sheets, names of the workbook."""
    tables = [one for one in usable if one.is_table]
    local = [one for one in usable if one.scope is not None]
    return tables or local or list(usable)


def _missing(
    name: str, found: Sequence[RangeInfo], ranges: Sequence[RangeInfo], position: int | None, labels: Sequence[str]
) -> SheetError:
    """Return the error for a name that cannot be used, with at most 20 names that can be, the most similar first."""
    where = None if position is None else labels[position]
    usable = [one for one in ranges if one.problem is None and not one.hidden]
    similar = get_close_matches(name.casefold(), [one.name.casefold() for one in usable], n=_LISTED, cutoff=_SIMILAR)
    usable.sort(
        key=lambda one: (
            position is not None and one.sheet != position,
            similar.index(one.name.casefold()) if one.name.casefold() in similar else _LISTED,
        )
    )
    listed = ", ".join(f"{one.name} ({describe_area(one, labels)})" for one in usable[:_LISTED])
    more = f" and {len(usable) - _LISTED} more" if len(usable) > _LISTED else ""
    hint = f"the ranges are: {listed}{more}" if listed else "the workbook has no usable name; use an area such as B4:H"
    problem = next((one.problem for one in found if one.problem is not None), None)
    if problem is not None:
        return SheetError(f"the range {name} cannot be used: {problem}", where=where, hint=hint)
    elsewhere = ", ".join(labels[one.sheet] for one in found if one.sheet is not None)
    if elsewhere:
        return SheetError(f"the range {name} is on another sheet: {elsewhere}", where=where, hint=hint)
    return SheetError(f"no table or range is named {name!r}", where=where, hint=hint)


def describe_area(one: RangeInfo, labels: Sequence[str]) -> str:
    """Return the cells of a range: ``Sales!B4:H200``."""
    sheet = labels[one.sheet] if one.sheet is not None else "?"
    first, last = one.columns
    start = f"{column_letters(first)}{one.rows[0]}"
    end = f"{column_letters(last) if last is not None else ''}{one.rows[1] or ''}"
    return f"{sheet}!{start}:{end}"
