"""Rows of cells → blocks of columns; repeated rows and cells become columns without a loop over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods.cells import CellClass, Converter
from pgdatahub.readers.tables.blocks import Block
from pgdatahub.values.cells import Column, TextColumn

_BLOCK_CELLS: Final = 250_000
_BLOCK_CHARACTERS: Final = 1 << 24
MOST_ROWS: Final = 1 << 24
"""LibreOffice's number of rows, where it is set to large spreadsheets."""
_REPEATED_IN_ROWS: Final = 2_000_000
_REPEATED_FOR_EACH: Final = 64
"""Cells that each written cell may stand for, beyond that limit: a row of equal values is one cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RepeatedRow:
    """A row that stands for several.

    Attributes:
        first: The number of the first.
        count: The number of rows.
        hidden: The rows are hidden.
        cells: Position, class and text of each cell.
    """

    first: int
    count: int
    hidden: bool
    cells: list[tuple[int, CellClass, str]]


class _Column:
    """The cells of a column: their texts, and the classes with the index from which each applies."""

    __slots__ = ("_last", "runs", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.runs: list[tuple[int, CellClass]] = []
        self._last: CellClass | None = None

    def add(self, index: int, cell_class: CellClass, text: str) -> None:
        """Add a cell; those between the last one and this one are empty."""
        texts = self.texts
        if len(texts) != index:
            texts.extend([""] * (index - len(texts)))
        texts.append(text)
        if cell_class is not self._last:
            self._last = cell_class
            self.runs.append((index, cell_class))

    def cut_last(self) -> _Column:
        """Cut the last cell off, and return it as the first of another column."""
        start, cell_class = self.runs[-1]
        text = self.texts.pop()
        if start == len(self.texts):
            self.runs.pop()
        cut = _Column()
        cut.add(0, cell_class, text)
        return cut


class RowCollector:
    """Takes rows from the top to the bottom.

    Args:
        limits: How much the sheet may ask.
        converter: Makes columns of texts.
    """

    def __init__(self, limits: Limits, converter: Converter) -> None:
        self._limits = limits
        self._converter = converter
        self.number = 0
        """The number of the row that is being read."""
        self._next = 1
        self._hidden_row = False
        self._row: list[tuple[int, CellClass, str]] | None = None
        """The cells of a row that stands for several."""
        self._has_value = False
        self._written = 0
        self._in_rows = 0
        self._in_repeated_rows = 0
        self._ready: list[Block | _RepeatedRow] = []
        # the block
        self._rows: list[int] = []
        self._hidden: set[int] = set()
        self._columns: dict[int, _Column] = {}
        self._count = 0
        """Repeated cells in the block."""
        self._characters = 0
        """Characters of repeated cells in the block."""

    @property
    def last_row(self) -> int:
        """The number of the last row, of a row that stands for several that of their last."""
        return self._next - 1

    @property
    def repetition(self) -> tuple[int, int]:
        """Cells with a value, as they are written; those within rows that repeat one of them."""
        return self._written, self._in_rows

    def go_on(self, last_row: int, repetition: tuple[int, int]) -> None:
        """Go on behind rows that were read elsewhere, with the counts of cells up to there."""
        self._next = last_row + 1
        self._written, self._in_rows = repetition

    def start_row(self, *, repeated: int, hidden: bool) -> None:
        """Begin a row that stands for ``repeated`` rows."""
        self.number = self._next
        self._next += repeated
        self._hidden_row = hidden
        self._has_value = False
        self._row = [] if repeated > 1 else None

    def add(self, position: int, repeated: int, cell_class: CellClass, text: str) -> None:
        """Add a cell with a value, and those to the right that repeat it.

        Raises:
            CorruptError: The sheet has too many rows, or repeats too much.
        """
        self._has_value = True
        self._written += 1
        if repeated > 1:
            self._count_in_row(repeated - 1)
        if self._row is not None:
            self._row.extend((place, cell_class, text) for place in range(position, position + repeated))
            return
        index = len(self._rows)
        if repeated == 1:
            column = self._columns.get(position)
            if column is None:
                column = self._columns[position] = _Column()
            column.add(index, cell_class, text)
            return
        for place in range(position, position + repeated):
            self._columns.setdefault(place, _Column()).add(index, cell_class, text)
        self._count += repeated
        self._characters += repeated * len(text)

    def end_row(self) -> None:
        """End the row.

        Raises:
            CorruptError: The sheet has too many rows, or repeats too much.
        """
        if not self._has_value:
            return
        if self._next > MOST_ROWS + 1:
            raise CorruptError(f"the sheet has values beyond row {MOST_ROWS:,}", hint=DAMAGED)
        if self._row is not None:
            count = self._next - self.number
            self._count_rows((count - 1) * len(self._row))
            self._end_block()
            self._ready.append(_RepeatedRow(first=self.number, count=count, hidden=self._hidden_row, cells=self._row))
            return
        self._rows.append(self.number)
        if self._hidden_row:
            self._hidden.add(self.number)
        if self._count > _BLOCK_CELLS or self._characters > _BLOCK_CHARACTERS:
            self._end_block()

    def take(self) -> Iterator[Block]:
        """Yield the rows that were ended since the last call, as far as they have values."""
        self._end_block()
        ready, self._ready = self._ready, []
        for item in ready:
            if isinstance(item, Block):
                yield item
            else:
                yield from self._expand(item)

    def _count_in_row(self, count: int) -> None:
        self._in_rows += count
        if self._in_rows > _REPEATED_IN_ROWS + _REPEATED_FOR_EACH * self._written:
            self._refuse_repetition()

    def _count_rows(self, count: int) -> None:
        self._in_repeated_rows += count
        if self._in_repeated_rows > self._limits.repeated_cells:
            self._refuse_repetition()

    def _refuse_repetition(self) -> NoReturn:
        raise CorruptError(
            f"row {self.number} repeats values: the sheet would have more than "
            f"{self._in_rows + self._in_repeated_rows:,} cells of repeated values",
            hint=DAMAGED,
        )

    def _end_block(self) -> None:
        if not self._rows:
            return
        rows, columns = self._rows, self._columns
        # A row may go on in the next piece of the part; its cells so far go to the next block.
        carried: dict[int, _Column] = {}
        for position, column in columns.items():
            if len(column.texts) > len(rows):
                carried[position] = column.cut_last()
        block = Block(
            rows=rows,
            hidden=self._hidden,
            columns={position: self._column(len(rows), column) for position, column in columns.items() if column.runs},
        )
        self._ready.append(block)
        self._rows, self._hidden, self._columns, self._count, self._characters = [], set(), carried, 0, 0

    def _column(self, rows: int, column: _Column) -> Column:
        texts = column.texts
        texts.extend([""] * (rows - len(texts)))
        return self._converter.column(column.runs, texts)

    def _expand(self, row: _RepeatedRow) -> Iterator[Block]:
        """Yield a repeated row as blocks of many rows."""
        single = {
            position: self._converter.column([(0, cell_class)], [text]) for position, cell_class, text in row.cells
        }
        size = max(1, _BLOCK_CELLS // len(single))
        for start in range(row.first, row.first + row.count, size):
            rows = list(range(start, min(start + size, row.first + row.count)))
            yield Block(
                rows=rows,
                hidden=set(rows) if row.hidden else set(),
                columns={position: _times(piece, len(rows)) for position, piece in single.items()},
            )


def _times(column: Column, count: int) -> Column:
    """Return a column of one cell as one of ``count`` equal cells."""
    if isinstance(column, TextColumn):
        return TextColumn(kind=column.kind, texts=list(column.texts) * count)
    return list(column) * count
