"""Headers of several rows: one text a column, joined from top to bottom."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import cut
from pgdatahub.readers.tables.layout_counts import LayoutCounts

if TYPE_CHECKING:
    from pgdatahub.config.sheet_options import HeaderFill

MAX_AUTO_ROWS: Final = 3


class MergedArea(Protocol):
    """A merged area: rows from 1, columns from 0, the last ones included."""

    @property
    def first_row(self) -> int: ...  # noqa: D102 - described by the class

    @property
    def first_column(self) -> int: ...  # noqa: D102

    @property
    def last_row(self) -> int: ...  # noqa: D102

    @property
    def last_column(self) -> int: ...  # noqa: D102


FindAreas = Callable[[int, int], Sequence[MergedArea] | None]
"""Returns the merged areas that begin in some rows (first and last); None if the reader does not know them."""


def no_areas(_first: int, _last: int) -> None:
    """Return None: the reader does not know merged areas."""


def take_rows(source: Iterator[Batch], first: int, last: int) -> tuple[list[Batch], Iterator[Batch]]:
    """Return the rows from ``first`` to ``last`` as batches of one row, and the rows below."""
    taken: list[Batch] = []
    for batch in source:
        start, stop = bisect_left(batch.rows, first), bisect_right(batch.rows, last)
        taken += (cut(batch, index, index + 1) for index in range(start, stop))
        if batch.rows and batch.rows[-1] >= last:
            return taken, chain((cut(batch, stop, len(batch.rows)),), source)
    return taken, source


def join_levels(
    levels: Mapping[int, Mapping[int, str]], areas: Sequence[MergedArea], fill: HeaderFill
) -> dict[int, str]:
    """Return position → header: the texts of a column from top to bottom, joined with ``_``.

    An empty text, and a text equal to the one above (without regard to case), is left out.

    Args:
        levels: Row → position → text, for the header rows from top to bottom.
        areas: The merged areas that begin in these rows; each fills its cells with its text.
        fill: With ``right``, a text of an upper row also stands for the empty cells to its right.
    """
    filled = {row: dict(texts) for row, texts in sorted(levels.items())}
    for area in areas:
        text = levels.get(area.first_row, {}).get(area.first_column)
        if text is None:
            continue
        for row in filled:
            if area.first_row <= row <= area.last_row:
                for position in range(area.first_column, area.last_column + 1):
                    filled[row].setdefault(position, text)
    positions = sorted({position for texts in filled.values() for position in texts})
    if fill == "right":
        for row in list(filled)[:-1]:
            text = ""
            for position in positions:
                text = filled[row].setdefault(position, text) if text else filled[row].get(position, "")
    headers = {}
    for position in positions:
        texts: list[str] = []
        for level in filled.values():
            text = level.get(position, "").strip()
            if text and not (texts and texts[-1].casefold() == text.casefold()):
                texts.append(text)
        if texts:
            headers[position] = "_".join(texts)
    return headers


def note_gaps(
    levels: Mapping[int, Mapping[int, str]], areas: Sequence[MergedArea] | None, fill: HeaderFill, counts: LayoutCounts
) -> None:
    """Add a notice if an upper header row has empty cells beside a text that no merged area fills."""
    if fill == "right" or len(levels) < 2:
        return
    rows = sorted(levels)
    covered = {
        (row, position)
        for area in areas or ()
        for row in range(area.first_row, area.last_row + 1)
        for position in range(area.first_column, area.last_column + 1)
    }
    for row in rows[:-1]:
        below = {position for lower in rows[rows.index(row) + 1 :] for position in levels[lower]}
        first = min(levels[row], default=None)
        empty = [
            position
            for position in sorted(below)
            if first is not None and position > first and position not in levels[row] and (row, position) not in covered
        ]
        if empty:
            why = "no merged area fills" if areas is not None else "this reader cannot fill from merged areas"
            counts.notices.append(
                f"row {row} of the headers has empty cells beside a text, which {why}; header_fill: right fills them"
            )
            return


def grown_header(
    row: int, texts: Mapping[int, Mapping[int, str]], texts_only: Callable[[int], bool], find: FindAreas
) -> tuple[int, int]:
    """Return the first and the last row of a header whose one row was found, by the evidence of merged areas.

    The row, or a row above, has a merged area of several columns but not the full width, and the row below has texts, or areas
    with a text, under all of it.

    Args:
        row: The row that looks like a header.
        texts: Row → position → text, for the rows around it.
        texts_only: Returns whether all cells of a row look like headers.
        find: Finds merged areas.
    """
    first = last = row

    def is_above(upper: int) -> bool:
        lower = upper + 1
        if upper not in texts or lower not in texts or not texts_only(lower):
            return False
        width = {position for one in (upper, lower, row) for position in texts[one]}
        if len(texts[upper]) >= len(width):
            return False  # no empty cell that an area could have made
        areas = find(upper, lower) or ()
        under = set(texts[lower])
        for area in areas:
            if area.first_row == lower:
                under.update(range(area.first_column, area.last_column + 1))
        wide = [
            area
            for area in areas
            if area.first_row == upper
            and area.last_column > area.first_column
            and not (area.first_column <= min(width) and area.last_column >= max(width))
        ]
        return bool(wide) and all(under.issuperset(range(one.first_column, one.last_column + 1)) for one in wide)

    while last - first + 1 < MAX_AUTO_ROWS and is_above(first - 1):
        first -= 1
    while last - first + 1 < MAX_AUTO_ROWS and is_above(last):
        last += 1
    return first, last
