"""Several tables on one sheet that is read once: they take turns, so that only a few batches wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pgdatahub.model.workbooks import Batch

Item = TypeVar("Item")


class SharedBatches:
    """The batches of a sheet, for several readers.

    Args:
        source: The batches.
        starts: The first row that each reader needs; batches above do not wait for it.
        seen: Called with each batch, for each reader.
    """

    def __init__(
        self, source: Iterator[Batch], starts: Sequence[int], seen: Sequence[Callable[[Batch], None]] = ()
    ) -> None:
        self._source = source
        self._starts = starts
        self._seen = seen
        self._waiting: list[deque[Batch] | None] = [deque() for _ in starts]
        self.ended = False

    def waits(self, number: int) -> bool:
        """Return whether batches wait for a reader."""
        return bool(self._waiting[number])

    def read_on(self) -> None:
        """Read the next batch; it waits for all readers that go on."""
        batch = next(self._source, None)
        if batch is None:
            self.ended = True
            return
        for see in self._seen:
            see(batch)
        for queue, start in zip(self._waiting, self._starts, strict=True):
            if queue is not None and batch.rows and batch.rows[-1] >= start:
                queue.append(batch)

    def leave(self, number: int) -> None:
        """Let no batch wait for a reader any more."""
        self._waiting[number] = None

    @property
    def left(self) -> bool:
        """Return whether all readers have left."""
        return all(queue is None for queue in self._waiting)

    def batches(self, number: int) -> Iterator[Batch]:
        """Yield the batches for a reader."""
        while (queue := self._waiting[number]) is not None:
            if queue:
                yield queue.popleft()
            elif self.ended:
                return
            else:
                self.read_on()


def take_turns(shared: SharedBatches, tables: Sequence[Callable[[Iterator[Batch]], Iterator[Item]]]) -> Iterator[Item]:
    """Run the readers of a sheet in turns, each with the batches that wait for it; yield their items.

    Args:
        shared: The sheet.
        tables: The readers: each makes an iterator, which takes at most one batch for each item below its header.
    """
    running = {number: make(shared.batches(number)) for number, make in enumerate(tables)}
    while running:
        if not shared.ended and not any(map(shared.waits, running)):
            shared.read_on()
        for number, table in list(running.items()):
            while shared.waits(number) or shared.ended:
                try:
                    yield next(table)
                except StopIteration:
                    shared.leave(number)
                    del running[number]
                    break
