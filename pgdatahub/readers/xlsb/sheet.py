"""A binary worksheet that is open for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.choice.sheet_notices import describe_cleaned, describe_outdated
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.part_sheet import PartSheet
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.tables.covered_cells import CoveredCells, describe_covered
from pgdatahub.readers.tables.merged_areas import Area, areas_that_begin, fill_merged_areas
from pgdatahub.readers.tables.row_order import RowOrderError
from pgdatahub.readers.xlsb.merged_areas import read_merged_areas
from pgdatahub.readers.xlsb.sheet_source import SheetSource

_LARGE_BYTES: Final = 16 * 1024 * 1024
"""Records of a large sheet: a million cells."""
_SORTED_BYTES: Final = 16 * 1024 * 1024
"""Bytes of the largest sheet whose rows may come in any order: a million cells, which are sorted in memory."""


class XlsbSheet(PartSheet[SheetSource]):
    """A worksheet, as :class:`pgdatahub.model.workbooks.Sheet` asks for.

    Args:
        name: The sheet's name.
        where: The workbook and the sheet, for errors.
        open_part: Opens the sheet's part; called twice, since merged areas stand behind the rows.
        open_source: Opens the rows of a part.
        limits: How much the sheet may ask.
        fill_merged: A merged area's value stands in all its cells.
        stale: The workbook asks for a calculation when it is opened.
        reader_notice: A notice about the reader, for large sheets.

    Raises:
        ReadError: The beginning of the sheet is damaged.
    """

    def __init__(
        self,
        *,
        name: str,
        where: str,
        open_part: Callable[[], PartStream],
        open_source: Callable[[PartStream], SheetSource],
        limits: Limits,
        fill_merged: bool,
        stale: bool,
        reader_notice: str = "",
    ) -> None:
        self._fill_merged = fill_merged
        self._stale = stale
        self._reader_notice = reader_notice
        self._areas = read_merged_areas(open_part(), limits)
        self._covered = CoveredCells(self._areas, limits.columns)
        part = open_part()
        super().__init__(name=name, where=where, part=part, source=open_source(part))

    @property
    def notices(self) -> Sequence[str]:
        """Remarks for the user on how the sheet was read; complete after the last batch."""
        found = [self._reader_notice] if self._reader_notice and self._part.size >= _LARGE_BYTES else []
        found += [describe_cleaned(count, self.name, first) for first, count in self.cleaned.items()]
        if self._covered.count:
            found.append(describe_covered(self._covered.count, self.name, self._covered.first))
        formulas, first = self._source.formulas
        if formulas and self._stale:
            found.append(describe_outdated(formulas, self.name, first))
        return found

    def header_areas(self, first: int, last: int) -> Sequence[Area]:
        """Return the merged areas that begin in some rows."""
        return areas_that_begin(self._areas, first, last)

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or asks too much.
        """
        try:
            yield from self._rows_in_order(max_rows)
        except FileError as error:
            raise error.located(self._where) from error

    def _rows_in_order(self, max_rows: int) -> Iterator[Batch]:
        try:
            found = self._source.batches(max_rows)
            if not self._areas:
                yield from found
            elif self._fill_merged:
                yield from fill_merged_areas(found, self._areas)
            else:
                yield from self._covered.leave_out(found)
        except RowOrderError as error:
            self._note_disorder(error, _SORTED_BYTES)
            raise
