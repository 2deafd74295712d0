"""What is known of a sheet's rows before it is read: shapes that other sheets taught.

The workbooks of a folder mostly come from one program and look alike. A shape costs some milliseconds, as much as reading a
thousand cells without one; for a thousand small workbooks it is learnt once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Final, TypeAlias

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.number_formats import NumberFormat
from pgdatahub.readers.xlsx.cell_classes import CellClasses
from pgdatahub.readers.xlsx.shapes import Shape, ShapeLearner

_MOST_LESSONS: Final = 64
_MOST_KNOWN: Final = 32
"""A run goes from folder to folder; what it learnt of one that is long past would only need memory."""


class Lessons:
    """The shape of rows, and when it is worth to learn more of it. To be used for one sheet at a time.

    Args:
        styles: The number formats of the cell styles.
        limits: How much a file may ask.
        worth_bytes: Sheet data without a shape from which on a lesson is worth its time; None for never.
    """

    def __init__(self, styles: Sequence[NumberFormat], limits: Limits, worth_bytes: int | None) -> None:
        self.ever = worth_bytes is not None
        """There are to be any."""
        self.classes = CellClasses(styles)
        """The classes of the cells, which the shape refers to."""
        self._limits = limits
        self._worth_bytes = worth_bytes
        self._prefix = b""
        self.forget()

    def forget(self) -> None:
        """Begin anew: what was learnt does not fit what is there now."""
        self.shape: Shape | None = None
        """What most rows look like, None if nothing is known yet."""
        self._learner = ShapeLearner(self._prefix, self.classes, self._limits)
        self._count = 0
        self._missed = 0
        self._wait_for = self._worth_bytes

    def begin(self, prefix: bytes, head: bytes) -> None:
        """Prepare for another sheet.

        Args:
            prefix: The namespace prefix of its elements, with its colon.
            head: All before its rows, where namespaces are declared: attributes of rows that were learnt may need them.
        """
        declared = all(b"xmlns:%s=" % name in head for name in self._learner.namespaces)
        if prefix != self._prefix or not declared or self._count >= _MOST_LESSONS:
            self._prefix = prefix
            self.forget()

    def missed(self, count: int) -> bool:
        """Take note of so many bytes of sheet data that no shape fits; tell whether to learn from them."""
        self._missed += count
        return self._wait_for is not None and self._count < _MOST_LESSONS and self._missed >= self._wait_for

    def learn(self, rows: bytes) -> None:
        """Learn from rows that an XML parser has accepted."""
        self._missed = 0
        self._count += 1
        if self._learner.learn(rows):
            self.shape = self._learner.shape()
            self._wait_for = self._worth_bytes
            if self.shape is None and self._count > 1:
                # Together with what was known it is too much for one shape.
                self.forget()
                self.learn(rows)
        elif self._wait_for is not None:
            self._wait_for *= 2  # these rows have nothing to teach, and nor will the next of their kind


_Key: TypeAlias = tuple[Hashable, Sequence[NumberFormat], Limits, int | None]


class Experience:
    """Lessons from sheets that were read before, by what they are about and by their cell styles.

    A cell says its style by number, so a shape fits only workbooks with the same styles. Several threads may use it.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, Lessons] = OrderedDict()
        # The keys' own code runs while the dictionary changes, which an OrderedDict of C does not survive.
        self._lock = Lock()

    @contextmanager
    def lessons(
        self, topic: Hashable, styles: Sequence[NumberFormat], limits: Limits, worth_bytes: int | None
    ) -> Iterator[Lessons]:
        """Yield what is known of such sheets; until the block ends, nobody else gets the same.

        Args:
            topic: What sheets have in common that look alike.
            styles: See :class:`Lessons`.
            limits: Likewise.
            worth_bytes: Likewise.
        """
        key = (topic, styles, limits, worth_bytes)
        with self._lock:
            known = self._known.pop(key, None)
        lessons = known or Lessons(styles, limits, worth_bytes)
        try:
            yield lessons
        finally:
            with self._lock:
                self._known[key] = lessons
                if len(self._known) > _MOST_KNOWN:
                    self._known.popitem(last=False)
