"""A worksheet that is open for reading: batches of the source that the chosen reader gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.choice.sheet_notices import describe_cleaned, describe_outdated
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.part_sheet import PartSheet
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.tables.batch_rows import text_bytes
from pgdatahub.readers.tables.covered_cells import CoveredCells, describe_covered
from pgdatahub.readers.tables.merged_areas import Area, areas_that_begin, fill_merged_areas
from pgdatahub.readers.tables.row_order import RowOrderError
from pgdatahub.readers.xlsx.bad_characters import name_bad_cells
from pgdatahub.readers.xlsx.formula_count import CountingPart, FormulaCount
from pgdatahub.readers.xlsx.merged_areas import find_merged_areas, has_merged_areas, read_merged_areas
from pgdatahub.readers.xlsx.sheet_source import SheetSource

_LARGE_BYTES = 32 * 1024 * 1024
"""XML of a large sheet: a million cells, which the Python reader reads in a second."""


_HELD_BYTES: Final = 8 * 1024 * 1024
"""XML of sheets whose rows are held until the end of the part is known, where the merged areas are: 250,000 cells. The rows
of a larger part are given out at once, and read again if areas turn up: to inflate every large part twice would take a
tenth of a load."""
_HELD_TEXT_BYTES: Final = 64 * 1024 * 1024
"""Bytes of texts that are held. Cells that refer to long shared strings may have gigabytes of them."""
_SORTED_BYTES: Final = 32 * 1024 * 1024
"""XML of the largest sheet whose rows may come in any order: they are sorted in memory, some 200 MB for a million cells."""


class OpenSource(Protocol):
    """Opens the rows of a part."""

    def __call__(self, part: PartStream, *, any_order: bool = False) -> SheetSource:
        """Return the rows of a part; in any order, they come in one batch."""


class XlsxSheet(PartSheet[SheetSource]):
    """A worksheet, as :class:`pgdatahub.model.workbooks.Sheet` asks for.

    Args:
        name: The sheet's name.
        where: The workbook and the sheet, for errors.
        open_part: Opens the sheet's part; called again where the part must be read once more.
        open_source: Opens the rows of a part.
        limits: Bounds of a workbook.
        fill_merged: A merged area's value stands in all its cells.
        areas: The merged areas, from an earlier reading; None if they are not known.
        any_order: The rows are not in order, as an earlier reading found.
        reader_notice: A notice about the reader, for large sheets.
        recalculated: The workbook asks to be calculated when it is opened, so the results of its formulas may be old.
    """

    def __init__(
        self,
        *,
        name: str,
        where: str,
        open_part: Callable[[], PartStream],
        open_source: OpenSource,
        limits: Limits,
        fill_merged: bool,
        areas: Sequence[Area] | None = None,
        any_order: bool = False,
        reader_notice: str = "",
        recalculated: bool = False,
    ) -> None:
        self._limits = limits
        self._open_part = open_part
        self._open_source = open_source
        self._fill_merged = fill_merged
        self._areas = areas
        self._any_order = any_order
        self._ended = False
        self._last_row = 0
        self._closed = False
        self._reader_notice = reader_notice
        self._formulas = FormulaCount() if recalculated else None
        self._covered: CoveredCells | None = None
        part = open_part()
        if self._formulas is not None:
            part = CountingPart(part, self._formulas)
        super().__init__(name=name, where=where, part=part, source=open_source(part, any_order=any_order))

    @property
    def covered(self) -> int:
        """The number of values under merged areas that were left out so far."""
        return self._covered.count if self._covered is not None else 0

    @property
    def notices(self) -> Sequence[str]:
        """Notices about the way in which the sheet was read; complete after the last batch."""
        notices = [self._reader_notice] if self._reader_notice and self._part.size >= _LARGE_BYTES else []
        notices += [describe_cleaned(count, self.name, first) for first, count in self.cleaned.items()]
        if self._covered is not None and self._covered.count:
            notices.append(describe_covered(self._covered.count, self.name, self._covered.first))
        if self._formulas is not None and self._formulas.count:
            notices.append(describe_outdated(self._formulas.count, self.name, self._formulas.first))
        return notices

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
        try:
            rows: Iterable[Batch]
            damage: FileError | None = None
            held = self._hold_rows() if self._any_order or self._part.size <= _HELD_BYTES else None
            if held is not None:
                rows, damage = held
                areas = self._areas = self._source.merged_areas
            else:
                rows = self._rows_in_order()
                areas = self._areas or ()
            found = cut_batches(iter(rows), max_rows)
            if areas and self._fill_merged:
                found = fill_merged_areas(found, sorted(areas, key=lambda area: area.first_row), self._limits.columns)
            elif areas:
                self._covered = CoveredCells(areas, self._limits.columns)
                found = self._covered.leave_out(found)
            for batch in found:
                self._last_row = batch.rows[-1] if batch.rows else self._last_row
                yield batch
            if damage is not None:
                raise damage
            self._ended = True
        except FileError as error:
            raise name_bad_cells(error, self._open_part, None).located(self._where) from error
        except GeneratorExit:
            self._closed = True
            raise

    def header_areas(self, first: int, last: int) -> Sequence[Area]:
        """Return the merged areas that begin in some rows; the part is inflated for them, and not parsed.

        Raises:
            CorruptError: The part is damaged.
        """
        areas = self._areas
        if areas is None:
            areas = find_merged_areas(self._open_part(), self._limits)
        return areas_that_begin(areas, first, last)

    def late_areas(self) -> Sequence[Area]:
        """Return the merged areas if the rows were read without them; empty if there are none.

        Raises:
            CorruptError: The part is damaged, or passes a limit.
        """
        if self._areas is not None:
            return ()
        if self._ended:
            return self._source.merged_areas
        if self._closed:
            # The part is inflated to its end and not parsed: 2 ms for a MiB, a thirtieth of the time of reading it.
            areas = find_merged_areas(self._open_part(), self._limits)
            return areas if any(area.first_row <= self._last_row for area in areas) else ()
        return read_merged_areas(self._open_part(), self._limits) if has_merged_areas(self._open_part()) else ()

    def _rows_in_order(self) -> Iterator[Batch]:
        try:
            yield from self._source.batches()
        except RowOrderError as error:
            self._note_disorder(error, _SORTED_BYTES)
            raise

    def _hold_rows(self) -> tuple[Sequence[Batch], FileError | None] | None:
        """Return all rows, in the order of their numbers; of a damaged part the rows before the damage, and the damage.

        Return None, at the beginning of the part again, for rows with too much text.
        """
        rows: list[Batch] = []
        size = 0
        try:
            try:
                for batch in self._source.batches():
                    rows.append(batch)
                    size += text_bytes(batch)
                    if size > _HELD_TEXT_BYTES and not self._any_order:
                        self._source = self._open_source(self._open_part())
                        return None
            except RowOrderError:
                rows.clear()
                self._source = self._open_source(self._open_part(), any_order=True)
                rows.extend(self._source.batches())
        except FileError as error:
            return rows, error
        return rows, None


def cut_batches(batches: Iterator[Batch], max_rows: int) -> Iterator[Batch]:
    """Yield batches, cut where they have more than ``max_rows`` rows."""
    for batch in batches:
        if len(batch.rows) <= max_rows:
            yield batch
        else:
            yield from (batch.slice(start, start + max_rows) for start in range(0, len(batch.rows), max_rows))
