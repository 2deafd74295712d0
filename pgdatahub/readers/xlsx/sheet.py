"""A worksheet that is open for reading: batches of the source that the chosen reader gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pgdatahub.errors import FileError
from pgdatahub.model.flow import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.package import PartStream
from pgdatahub.readers.xlsx.merged_areas import fill_merged_areas, read_merged_areas
from pgdatahub.readers.xlsx.sheet_source import SheetSource

_LARGE_BYTES = 32 * 1024 * 1024
"""XML of a large sheet: a million cells, which the Python reader reads in a second."""


class XlsxSheet:
    """A worksheet, as :class:`pgdatahub.model.flow.Sheet` asks for.

    Args:
        name: The sheet's name.
        where: The workbook and the sheet, for errors.
        open_part: Opens the sheet's part; called again where the end of the part must be known first.
        open_source: Opens the rows of a part.
        limits: Bounds of a workbook.
        fill_merged: A merged area's value stands in all its cells; the part is then read twice.
        reader_notice: A notice about the reader, for large sheets.
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
        reader_notice: str = "",
    ) -> None:
        self._name = name
        self._where = where
        self._reader_notice = reader_notice
        self._areas = read_merged_areas(open_part(), limits) if fill_merged else []
        self._part = open_part()
        self._source = open_source(self._part)

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
        """Address of the first cell from which characters were removed → number of such cells; empty if there is none."""
        count, first = self._source.cleaned
        return {first: count} if count else {}

    @property
    def notices(self) -> Sequence[str]:
        """Notices about the way in which the sheet was read; complete after the last batch."""
        slow = [self._reader_notice] if self._reader_notice and self._part.size >= _LARGE_BYTES else []
        return slow + [
            f"{count:,} {'cell' if count == 1 else 'cells'} held characters that PostgreSQL cannot store "
            f"(NUL or half a surrogate pair), which were removed; the first is {self.name} › {first}"
            for first, count in self.cleaned.items()
        ]

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
        try:
            found = cut_batches(self._source.batches(), max_rows)
            yield from fill_merged_areas(found, self._areas) if self._areas else found
        except FileError as error:
            raise error.located(self._where) from error


def cut_batches(batches: Iterator[Batch], max_rows: int) -> Iterator[Batch]:
    """Yield batches, cut where they have more than ``max_rows`` rows."""
    for batch in batches:
        if len(batch.rows) <= max_rows:
            yield batch
        else:
            yield from (batch.slice(start, start + max_rows) for start in range(0, len(batch.rows), max_rows))
