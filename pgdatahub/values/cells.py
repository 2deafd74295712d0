"""Kinds and values of cells, and the forms of a column on the path from a file to ``COPY``.

A reader yields columns, not cells. A :data:`Column` has one of three forms:

- a sequence of Python values (:data:`Value`), any mixture, ``None`` for an empty cell;
- a :class:`TextColumn`: all cells are of one kind, as bytes ready for ``COPY``. The ``.xlsx`` reader yields this form where it
  can: it avoids Python objects and keeps every digit;
- a :class:`~pgdatahub.values.tallies.MixedColumn`: cells of several kinds from the compiled core, as bytes that become Python
  values on first use.

Every later stage has one form, the :class:`~pgdatahub.model.batches.NormalizedColumn`. Path of a value of an ``.xlsx`` file, with
the form of its column at each stage::

    <c r="B2"><v>1.50</v></c>
            │
            ├─ compiled core ──► fields b"1.5", canonical, with a ColumnTally
            │                      one kind: TextColumn(NUMBER)      several: MixedColumn
            └─ Python reader ──► fields b"1.50", as written, in JSON's syntax
            │                      one kind: TextColumn(NUMBER)      several: list of Values
            ▼
    Batch.columns[1]             Column; layout cuts header and rows
            ▼  normalize: policies, nulls, configured types, then infer.observe
    NormalizedColumn             canonical fields b"1.5" and Observed (NUMBER: 1 cell, first at B2), under a SQL name
            ▼  staged_rows.encode
    ColumnBatch.columns[i]       fields of the column joined by newlines, kept in the spool
            ▼  copy_rows.encode_rows
    EncodedBatch.data            rows: binary, or text with tabs and newlines
            ▼
    COPY … FROM STDIN

A :class:`ColumnTally` makes evidence for the column's type without reading the fields. A part of a tallied column has no tally;
``observe`` then counts the cells. Fields that are needed as one piece of bytes travel in a
:class:`~pgdatahub.values.fields.FieldBuffer`. The other readers yield the forms of the Python reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from pgdatahub.values.fields import FieldBuffer, buffer_of

_QUOTED = re.compile(r"""(['"])(.*)\1""")


class Kind(Enum):
    """The kind of a cell's value, which decides the column's type. An empty cell has no kind."""

    INTEGER = "integer"
    """Digits alone, or with ``.0`` or an exponent up to 2^53; exact, however long."""
    NUMBER = "number"
    """Any other number: the double closest to its text."""
    DECIMAL = "decimal"
    """A fraction that no double equals; only readers that yield :class:`~decimal.Decimal` have it."""
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    INTERVAL = "interval"
    TEXT = "text"

    # Enum's own hash runs in Python, and each column of a small file needs several.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """An error value of a cell, such as ``#N/A``."""

    code: str


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """The content of a cell that no column can hold, such as the number ``1E400``.

    The file fails if the cell is to be loaded. A cell in a column or row that the folder's settings leave out has no effect.

    Attributes:
        fault: The reason, one sentence without a final period; it quotes the content.
    """

    fault: str

    @property
    def text(self) -> str | None:
        """The quoted content."""
        found = _QUOTED.search(self.fault)
        return found[2] if found else None


class Uncached(Enum):
    """The value of a formula whose result is not stored in the file."""

    UNCACHED = "uncached formula"


UNCACHED = Uncached.UNCACHED

Value: TypeAlias = (
    bool
    | int
    | float
    | Decimal
    | str
    | date
    | datetime
    | time
    | timedelta
    | ErrorValue
    | InvalidValue
    | Uncached
    | None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Position of a cell in a column.

    Attributes:
        index: The row's index.
        at: The offset of the field in the column's lines, in bytes.
    """

    index: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTally:
    """Counts of a column's cells, made by the compiled core while it reads.

    Attributes:
        counts: Kind → number of cells (at least 1), in the order of the kinds' names.
        firsts: Kind → its first cell.
        largest: The integer of largest absolute value, the first of several; None without integers.
    """

    counts: Mapping[Kind, int]
    firsts: Mapping[Kind, Place]
    largest: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    r"""A column whose cells are all of one kind, as bytes ready for ``COPY … (FORMAT text, NULL '')``.

    ``kind`` is one of

    - ``NUMBER``: the number's text as found in the file, valid JSON-like number syntax, finite as a double. Integers
      travel under it too; inference tells them apart.
    - ``TIMESTAMP``: ``YYYY-MM-DD`` at midnight, else ``YYYY-MM-DD HH:MM:SS[.f]`` without trailing zeros of the
      fraction. Dates travel under it too.
    - ``TIME``: ``HH:MM:SS[.f]``. ``INTERVAL``: ``[-]H…H:MM:SS[.f]``, hours unbounded. ``BOOLEAN``: ``true``/``false``.
    - ``TEXT``: UTF-8 in which backslash, tab, newline and carriage return are escaped (``\\``, ``\t``, ``\n``,
      ``\r``), without NUL, and without a value that is white space only (that is an empty cell).

    An empty cell is ``b""`` under every kind. With a ``tally``, ``texts`` is a :class:`~pgdatahub.values.fields.FieldBuffer` of
    canonical fields; without one, inference counts the cells.
    """

    kind: Kind
    texts: Sequence[bytes]
    tally: ColumnTally | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def slice(self, start: int, stop: int) -> TextColumn:
        """Return the cells from index ``start`` up to ``stop``, in the same form, without tally."""
        texts = self.texts[start:stop]
        return TextColumn(kind=self.kind, texts=buffer_of(texts) if isinstance(self.texts, FieldBuffer) else texts)


Column: TypeAlias = "TextColumn | Sequence[Value]"


@lru_cache(maxsize=1024)
def column_letters(position: int) -> str:
    """Return a column's letters: 0 is ``A``, 26 is ``AA``."""
    letters = ""
    position += 1
    while position:
        position, digit = divmod(position - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


def cell_address(row: int, position: int) -> str:
    """Return the address of a cell: row 17 (from 1), position 3 (from 0) is ``D17``."""
    return f"{column_letters(position)}{row}"
