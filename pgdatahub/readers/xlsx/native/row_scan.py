"""The rows of a sheet: from the core, and from the reader in Python where the core declines a row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.xlsx.native.scanner import Scanner, Status
from pgdatahub.values.cells import cell_address

FIRST_BATCHES: Final = (1, 15)
"""Rows of the first batches: the texts of a header would mix with the kinds of the cells below."""
_SMALL_SHEET_BYTES: Final = 256 * 1024
"""Below this, another batch costs more than some mixed columns where a header is not in the first row."""
_SELDOM: Final = 64
"""Rows of the core for each row of the other reader from which on odd rows count as single ones: that reader takes 100 times
as long."""


class HandOver(Protocol):
    """The reader in Python, for some rows."""

    def __call__(self, rest: bytes, count_rows: Callable[[], int], /) -> Generator[Batch, None, tuple[bytes, bool]]:
        """Yield rows at the beginning of ``rest``.

        Args:
            rest: The input from a row on that the core declined, or from what stands between rows.
            count_rows: Returns how many rows to read; to be called if a row was declined.

        Returns:
            The input behind them; whether the core can go on there. If it cannot, the input goes to the reader in Python.
        """


class RowScan:
    """Reads the rows of one sheet.

    Args:
        scanner: The core's reader; closed by the caller.
        next_piece: Returns the next piece of the part, ``b""`` at its end.
        hand_over: The reader in Python.
        part_bytes: Bytes of the part.
        batch_rows: Rows of a batch.
        breaks: Rows, ascending, that shall begin a batch where the rows above have no gap.
    """

    def __init__(
        self,
        scanner: Scanner,
        next_piece: Callable[[], bytes],
        hand_over: HandOver,
        *,
        part_bytes: int,
        batch_rows: int,
        breaks: Sequence[int] = (),
    ) -> None:
        self.native_rows = 0
        """Rows with a value that the core took."""
        self._scanner = scanner
        self._next_piece = next_piece
        self._hand_over = hand_over
        self._batch_rows = batch_rows
        self._breaks = breaks
        self._further = FIRST_BATCHES[1:] if part_bytes > _SMALL_SHEET_BYTES else ()
        self._handed_over = 0
        self._native_before = 0

    def batches(self, data: bytes) -> Generator[Batch, None, bytes]:
        """Yield the rows from ``data`` on; return the input that is left for the reader in Python."""
        scanner = self._scanner
        sizes = iter((*self._further, self._batch_rows))
        last = False
        while True:
            status = scanner.feed(data, last=last)
            while status is Status.FULL:
                yield from self._take()
                size = next(sizes, None)
                if size is not None or self._breaks:
                    scanner.limit_batch(self._limit(size or self._batch_rows))
                status = scanner.feed(b"", last=last)
            if status is Status.MORE:
                data = self._next_piece()
                last = not data
                continue
            yield from self._take()
            rest = scanner.rest
            if status is Status.ENDED:
                return rest
            scanner.skip(len(rest), scanner.last_row)
            rest, goes_on = yield from self._hand_over(rest, self._count_rows)
            if not goes_on or (last and not rest):
                return rest
            if self._breaks:
                scanner.limit_batch(self._limit(self._batch_rows))
            data = rest

    def _limit(self, size: int) -> int:
        """Return the rows of the next batch, which ends above the next row of ``breaks``."""
        row = self._scanner.last_row + 1
        index = bisect_right(self._breaks, row)
        room = self._breaks[index] - row if index < len(self._breaks) else size
        return min(size, room, self._batch_rows)

    def _take(self) -> Iterator[Batch]:
        batch = self._scanner.take()
        if batch is not None:
            self.native_rows += len(batch.rows)
            yield batch

    def _count_rows(self) -> int:
        """Return how many rows to hand over: twice as many as before where odd rows follow soon."""
        seldom = self.native_rows - self._native_before >= _SELDOM * self._handed_over
        self._handed_over = 1 if seldom else 2 * self._handed_over
        self._native_before = self.native_rows
        return self._handed_over


def add_up(native: tuple[int, int, int], count: int, first: str) -> tuple[int, str]:
    """Return a number of cells, and the address of one of the first.

    Args:
        native: The number of cells that the core found; row and position of the first one.
        count: The number of those that the reader in Python found.
        first: The address of the first of these.
    """
    found, row, position = native
    return found + count, cell_address(row, position) if found else first
