"""What is known of a sheet's rows before it is read: shapes that other sheets taught.

The workbooks of a folder mostly come from one program and look alike. A shape costs some milliseconds, as much as reading a
thousand cells without one; for a thousand small workbooks it is learnt once.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeAlias

from pgdatahub.xlsx.cell_classes import CellClasses
from pgdatahub.xlsx.limits import Limits
from pgdatahub.xlsx.number_formats import NumberFormat
from pgdatahub.xlsx.shapes import Shape, ShapeLearner

_MOST_LESSONS: Final = 64
_MOST_STYLES: Final = 16

_Key: TypeAlias = tuple[tuple[NumberFormat, ...], Limits, int | None]


class Lessons:
    """The shape of rows, and when it is worth to learn more of it. To be used for one sheet at a time.

    Args:
        styles: The number formats of the cell styles.
        limits: How much a file may ask.
        worth_bytes: Sheet data without a shape from which on a lesson is worth its time; None for never.
    """

    def __init__(self, styles: tuple[NumberFormat, ...], limits: Limits, worth_bytes: int | None) -> None:
        self.key: _Key = (styles, limits, worth_bytes)
        self.classes = CellClasses(styles)
        """The classes of the cells, which the shape refers to."""
        self.ever = worth_bytes is not None
        """There are to be any."""
        self._limits = limits
        self._worth_bytes = worth_bytes
        self._forget(b"")

    def _forget(self, prefix: bytes) -> None:
        self.shape: Shape | None = None
        """What most rows look like, None if nothing is known yet."""
        self._prefix = prefix
        self._learner = ShapeLearner(prefix, self.classes, self._limits)
        self._count = 0
        self._missed = 0
        self._wait_for = self._worth_bytes

    def begin(self, prefix: bytes) -> None:
        """Prepare for another sheet, whose elements have this namespace prefix, with its colon."""
        if prefix != self._prefix or self._count >= _MOST_LESSONS:
            # What was learnt is for others, or so much that it fits nothing well.
            self._forget(prefix)

    def due(self, missed: int) -> bool:
        """Tell whether to learn, after more sheet data that no shape fits; ``missed`` are its bytes."""
        self._missed += missed
        return self._wait_for is not None and self._count < _MOST_LESSONS and self._missed >= self._wait_for

    def learn(self, rows: bytes) -> None:
        """Learn from rows that an XML parser has accepted."""
        self._missed = 0
        self._count += 1
        if self._learner.learn(rows):
            self.shape = self._learner.shape()
            self._wait_for = self._worth_bytes
        elif self._wait_for is not None:
            self._wait_for *= 2  # these rows have nothing to teach, and nor will the next of their kind


class Experience:
    """Lessons from workbooks that were read before, by their cell styles.

    A cell says its style by number, so a shape fits only workbooks with the same styles.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, Lessons] = OrderedDict()

    def take(self, styles: tuple[NumberFormat, ...], limits: Limits, worth_bytes: int | None) -> Lessons:
        """Return what is known of such workbooks; until it is given back, nobody else gets the same."""
        known = self._known.pop((styles, limits, worth_bytes), None)
        return known or Lessons(styles, limits, worth_bytes)

    def give_back(self, lessons: Lessons) -> None:
        """Keep what was learnt, in the place of what was used the longest ago."""
        self._known[lessons.key] = lessons
        if len(self._known) > _MOST_STYLES:
            self._known.popitem(last=False)
