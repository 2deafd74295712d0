"""A binary worksheet that is open for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.choice.sheet_notices import describe_cleaned, describe_outdated
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.tables.covered_cells import CoveredCells, describe_covered
from pgdatahub.readers.tables.merged_areas import Area, fill_merged_areas
from pgdatahub.readers.tables.row_order import RowOrderError, too_large_to_sort
from pgdatahub.readers.xlsb.merged_areas import read_merged_areas
from pgdatahub.readers.xlsb.sheet_source import SheetSource

_LARGE_BYTES: Final = 16 * 1024 * 1024
"""Records of a large sheet: a million cells."""
_SORTED_BYTES: Final = 16 * 1024 * 1024
"""Bytes of the largest sheet whose rows may come in any order: a million cells, which are sorted in memory."""


class XlsbSheet:
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
        self._name = name
        self._where = where
        self._fill_merged = fill_merged
        self._stale = stale
        self._reader_notice = reader_notice
        self._areas = read_merged_areas(open_part(), limits)
        self._covered = CoveredCells(self._areas, limits.columns)
        self._part = open_part()
        self._source = open_source(self._part)
        self.out_of_order = False
        """The rows are not in order, and were read as if they were: the sheet must be read again."""

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self._name

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return self._source.hidden_columns

    @property
    def share(self) -> float:
        """The part of the sheet that has been read, from 0 to 1."""
        return self._part.share

    @property
    def cleaned(self) -> Mapping[str, int]:
        """Address of the first cell from which characters were removed → number of such cells; empty for none."""
        count, first = self._source.cleaned
        return {first: count} if count else {}

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
        return [area for area in self._areas if first <= area.first_row <= last]

    def break_before(self, rows: Sequence[int]) -> None:
        """Let batches begin at these rows, ascending, where this costs nothing; to be called before the first batch."""
        self._source.breaks = rows

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or asks too much.
        """
        try:
            found = self._source.batches(max_rows)
            if not self._areas:
                yield from found
            elif self._fill_merged:
                yield from fill_merged_areas(found, self._areas)
            else:
                yield from self._covered.leave_out(found)
        except RowOrderError as error:
            if self._part.size > _SORTED_BYTES:
                raise too_large_to_sort(error, self._part.size).located(self._where) from error
            self.out_of_order = True
            raise error.located(self._where) from error
        except FileError as error:
            raise error.located(self._where) from error
