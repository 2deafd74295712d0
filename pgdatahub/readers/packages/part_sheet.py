"""The common half of worksheets of .xlsx and .xlsb: a sheet whose rows come from one part of a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.tables.row_order import RowOrderError, too_large_to_sort


class PartSource(Protocol):
    """The rows of one worksheet part, which a reader takes apart as they are asked for."""

    breaks: Sequence[int]
    """Rows, ascending, that shall begin a batch where this costs nothing; set before the first batch is asked for."""

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides; complete once the source is open."""

    @property
    def cleaned(self) -> tuple[int, str]:
        """Number of cells from which characters were removed that PostgreSQL cannot store, and the first one's address."""


_SourceT = TypeVar("_SourceT", bound=PartSource)


class PartSheet(Generic[_SourceT]):
    """A worksheet in one part of a package.

    Args:
        name: The sheet's name.
        where: The workbook and the sheet, for errors.
        part: The sheet's part.
        source: The rows of the part.
    """

    def __init__(self, *, name: str, where: str, part: PartStream, source: _SourceT) -> None:
        self._name = name
        self._where = where
        self._part = part
        self._source = source
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
        """Address of the first cell from which characters were removed → number of such cells; empty if there is none."""
        count, first = self._source.cleaned
        return {first: count} if count else {}

    def break_before(self, rows: Sequence[int]) -> None:
        """Let batches begin at these rows, ascending, where this costs nothing; to be called before the first batch."""
        self._source.breaks = rows

    def _note_disorder(self, error: RowOrderError, sorted_bytes: int) -> None:
        """Note that the rows are not in order.

        Args:
            error: The error of the first row out of order.
            sorted_bytes: Size of the largest part whose rows can be sorted.

        Raises:
            CorruptError: The part is larger.
        """
        if self._part.size > sorted_bytes:
            raise too_large_to_sort(error, self._part.size) from error
        self.out_of_order = True
