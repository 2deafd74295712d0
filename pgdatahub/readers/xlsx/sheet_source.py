"""Sources of a worksheet's rows: the seam between a sheet and the readers that take its XML apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.merged_areas import Area


class SheetSource(Protocol):
    """The rows of one worksheet part, which a reader takes apart as they are asked for."""

    breaks: Sequence[int]
    """Rows, ascending, that shall begin a batch where this costs nothing; set before the first batch is asked for."""

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides; complete once the source is open."""

    @property
    def merged_areas(self) -> Sequence[Area]:
        """The merged areas of the sheet; complete after the last batch."""

    @property
    def cleaned(self) -> tuple[int, str]:
        """Number of cells from which characters were removed that PostgreSQL cannot store, and the first one's address."""

    def batches(self) -> Iterator[Batch]:
        """Yield the rows that have a value, in batches of bounded memory; to be called once.

        A batch may have any number of rows. Columns of one kind are :class:`pgdatahub.values.cells.TextColumn`.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
