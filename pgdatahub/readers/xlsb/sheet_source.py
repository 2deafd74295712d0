"""Sources of a binary worksheet's rows: the seam between a sheet and the readers that take its records apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.packages.part_sheet import PartSource
from pgdatahub.readers.tables.blocks import batches
from pgdatahub.readers.xlsb.cells import Converter
from pgdatahub.readers.xlsb.sheet_records import SheetRecords
from pgdatahub.values.cells import cell_address


class SheetSource(PartSource, Protocol):
    """The rows of one worksheet part of .xlsb."""

    @property
    def formulas(self) -> tuple[int, str]:
        """Number of cells with a formula, and the first one's address."""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
        """


class PythonSource:
    """The rows of a worksheet part, read in Python.

    Args:
        stream: The part.
        limits: How much it may ask.
        converter: Makes columns.
        any_order: Rows may come in any order; they are sorted, in one block.
    """

    def __init__(self, stream: Stream, limits: Limits, converter: Converter, *, any_order: bool = False) -> None:
        self.breaks: Sequence[int] = ()  # without effect: a part of a batch is as good as a batch
        self._converter = converter
        self._records = SheetRecords(stream, limits, converter, any_order=any_order)

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return frozenset(self._records.hidden_columns)

    @property
    def cleaned(self) -> tuple[int, str]:
        """Number of cells from which characters were removed, and the first one's address."""
        return self._converter.cleaning.count, self._converter.cleaning.first

    @property
    def formulas(self) -> tuple[int, str]:
        """Number of cells with a formula, and the first one's address."""
        first = self._records.first_formula
        return self._records.formulas, cell_address(*first) if first else ""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
        """
        yield from batches(self._records.blocks(), max_rows)
