"""All cells of a file that cannot be loaded, up to a limit, instead of the first one only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pgdatahub.errors import CellError, joined
from pgdatahub.model.batches import NormalizedBatch
from pgdatahub.model.workbooks import Batch

MAX_FAULTS: Final = 10
"""Maximum number of cells that a failure names; reading stops there."""


def normalize_all(
    batches: Iterable[Batch], normalize: Callable[[Batch], NormalizedBatch]
) -> Iterator[tuple[Batch, NormalizedBatch | None]]:
    """Yield each batch with its normalized form, up to the first cell that cannot be loaded.

    After that cell, the batches are only searched for further invalid cells. Such a batch, and a batch without rows, has
    no normalized form.

    Raises:
        CellError: Cells cannot be loaded; the error names the first ones.
    """
    faults: list[CellError] = []
    for batch in batches:
        if not batch.rows:
            yield batch, None
            continue
        try:
            normalized = normalize(batch)
        except CellError as error:
            faults += error.all
            if len(faults) > MAX_FAULTS:
                raise joined(faults, MAX_FAULTS) from error
            yield batch, None
            continue
        yield batch, None if faults else normalized
    if faults:
        raise joined(faults, MAX_FAULTS)
