"""The verdict of a contract on the rows of a batch, and the batch without its bad rows or cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.model.aside import AsideRow
from pgdatahub.model.workbooks import Batch
from pgdatahub.plugins.nulls import blanked
from pgdatahub.readers.tables.batch_rows import sieve


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The fate of a batch's rows, if nothing fails the file.

    Attributes:
        rows: The indexes of the rows that are set aside.
        cells: Position of a column → the indexes of the cells that are emptied.
        aside: The rows that are set aside, and the emptied cells.
    """

    rows: frozenset[int] = frozenset()
    cells: Mapping[int, Collection[int]] = field(default_factory=dict)
    aside: tuple[AsideRow, ...] = ()


GOOD: Final = Verdict()
"""The verdict on rows without a fault."""


def good_part(batch: Batch, verdict: Verdict) -> Batch:
    """Return a batch without the rows that are set aside, or with empty cells."""
    if verdict.rows:
        return sieve(batch, [index not in verdict.rows for index in range(len(batch.rows))])
    return batch.with_columns(
        {
            position: blanked(cells, verdict.cells[position]) if position in verdict.cells else cells
            for position, cells in batch.columns.items()
        }
    )
