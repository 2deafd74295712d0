"""Sources of a worksheet's rows: the seam between a sheet and the readers that take its XML apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.packages.part_sheet import PartSource
from pgdatahub.readers.tables.merged_areas import Area


class SheetSource(PartSource, Protocol):
    """The rows of one worksheet part of .xlsx."""

    @property
    def merged_areas(self) -> Sequence[Area]:
        """The merged areas of the sheet; complete after the last batch."""

    def batches(self) -> Iterator[Batch]:
        """Yield the rows that have a value, in batches of bounded memory; to be called once.

        A batch may have any number of rows. Columns of one kind are :class:`pgdatahub.values.cells.TextColumn`.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
