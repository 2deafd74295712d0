"""Search for the header of a table, ``header_row: auto``: a row of texts, or several rows below merged areas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pgdatahub.errors import SheetError
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.header_doubts import family, is_header_text
from pgdatahub.readers.tables.header_levels import FindAreas, grown_header
from pgdatahub.readers.tables.header_rows import Cells, empty_sheet, look_ahead
from pgdatahub.readers.tables.layout_counts import LayoutCounts
from pgdatahub.values.counting import count

AUTO_ROWS: Final = 100
"""Number of rows with a value that ``header_row: auto`` examines."""


@dataclass(frozen=True, slots=True)
class RowsAround:
    """The first rows of a sheet, in which its header was found."""

    cells: Mapping[int, Cells]

    @property
    def texts(self) -> Mapping[int, Mapping[int, str]]:
        """Row → position → text."""
        return {row: {position: text for position, (_, text) in cells.items()} for row, cells in self.cells.items()}

    def texts_only(self, row: int) -> bool:
        """Return whether all cells of a row look like headers."""
        return all(is_header_text(kind, text) for kind, text in self.cells[row].values())


def find_header(
    source: Iterator[Batch], sheet: str, counts: LayoutCounts, find: FindAreas
) -> tuple[tuple[int, int], Iterator[Batch]]:
    """Return the first and the last of the rows that look like a header, usually one row, and the rows of the sheet.

    Args:
        source: The rows.
        sheet: The sheet's name.
        counts: Receives a notice about the rows.
        find: Finds merged areas.

    Raises:
        EmptySheetError: The sheet has no value.
        SheetError: No row looks like a header.
    """
    candidates, source = look_ahead(source, AUTO_ROWS)
    if not candidates:
        raise empty_sheet(sheet)
    width = max(len(cells) for _, cells in candidates)
    wide = [above for above, (_, cells) in enumerate(candidates) if 2 * len(cells) > width]
    texts = next((above for above in wide if _are_header_texts(candidates[above][1])), None)
    above = next((above for above in wide if _heads_other_kinds(candidates, above)), None)  # texts at the latest
    around = RowsAround(dict(candidates))
    repeated = _repeated_header(candidates, [one for one in wide if above is None or one < above], around, find)
    if repeated is not None:
        first = next(index for index, (number, _) in enumerate(candidates) if number == repeated[0])
        counts.notices.append(_several_rows(repeated))
        counts.add("rows above the header", first, f"row {candidates[0][0]}")
        return repeated, source
    if above is None:
        raise SheetError(
            f"no header among the first {count(len(candidates), 'row')} with a value",
            where=sheet,
            hint="set header_row to the number of the row, or none, for the folder",
        )
    if texts is None or (above < texts and _are_series(candidates[above][1], width)):
        size = len(candidates[above][1])
        why = f"the first of {size} cells, no two alike, with values of other kinds below its dates and numbers"
    else:
        above, size = texts, len(candidates[texts][1])
        why = f"the first with {size} texts, no two alike, where the fullest row has {width} cells"
    row = candidates[above][0]
    grown = grown_header(row, around.texts, around.texts_only, find)
    if grown[0] < grown[1]:
        counts.notices.append(_several_rows(grown))
    else:
        counts.notices.append(
            FileNotice(f"header_row: auto took row {row}: {why}", "header_row: auto found the headers")
        )
    counts.add("rows above the header", above - (row - grown[0]), f"row {candidates[0][0]}")
    return grown, source


def _several_rows(rows: tuple[int, int]) -> str:
    return f"header_row: auto took rows {rows[0]}-{rows[1]}: a merged area of the upper row is above several headers"


def _repeated_header(
    candidates: Sequence[tuple[int, Cells]], wide: Sequence[int], around: RowsAround, find: FindAreas
) -> tuple[int, int] | None:
    """Return the rows of a header whose last row has equal texts, which merged areas above tell apart; None without one."""
    for above in wide:
        row, cells = candidates[above]
        if row - 1 in around.cells and not _differ(cells) and around.texts_only(row):
            grown = grown_header(row, around.texts, around.texts_only, find)
            if grown[0] < row:
                return grown
    return None


def _are_header_texts(cells: Cells) -> bool:
    return _differ(cells) and all(is_header_text(kind, text) for kind, text in cells.values())


def _heads_other_kinds(rows: Sequence[tuple[int, Cells]], above: int) -> bool:
    """Return whether no two cells of a row are equal and each is a header's text or only above values of other kinds."""
    cells = rows[above][1]
    if not _differ(cells):
        return False
    for position, (kind, text) in cells.items():
        if is_header_text(kind, text):
            continue
        below = {family(found[position][0]) for _, found in rows[above + 1 :] if position in found}
        if not below or family(kind) in below:
            return False
    return True


def _are_series(cells: Cells, width: int) -> bool:
    """Return whether a row above a row of texts has dates or numbers that head columns, as in a list of attendances.

    A label with a date is a title, and the numbers from 1 on count columns.
    """
    others = [text for kind, text in cells.values() if not is_header_text(kind, text)]
    counts_columns = others == [str(number) for number in range(1, len(others) + 1)]
    return len(others) > 1 and len(cells) >= width - 1 and not counts_columns


def _differ(cells: Cells) -> bool:
    return len({text.strip().casefold() for _, text in cells.values()}) == len(cells)
