"""Rows as a parser hands them over, and their way into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.pieces import join_pieces
from pgdatahub.values.cells import Column, TextColumn

_MOST_CELLS = 250_000
"""Cells of a batch of several blocks, so that memory does not grow with the width of a sheet: some 60 bytes each."""
WORTH_KEEPING = 50
"""Rows. A batch costs some 15 µs for each column, a cell that loses its compact form 5 µs. (A megabyte of a sheet with 200
columns has no more than 250 rows, all of which lost it to the header.)"""


@dataclass(slots=True, kw_only=True)
class Block:
    """Some rows, column by column.

    Attributes:
        rows: Their numbers, ascending.
        hidden: The numbers of those that are hidden.
        columns: Position of the column → its cells, one for each row; columns without a value may be left out.
    """

    rows: list[int]
    hidden: set[int] = field(default_factory=set)
    columns: dict[int, Column]

    def slice(self, start: int, stop: int) -> Block:
        """Return some of the rows."""
        if stop - start == len(self.rows):
            return self
        rows = self.rows[start:stop]
        return Block(
            rows=rows,
            hidden=self.hidden.intersection(rows),
            columns={
                position: piece.slice(start, stop) if isinstance(piece, TextColumn) else piece[start:stop]
                for position, piece in self.columns.items()
            },
        )


def batches(blocks: Iterable[Block], max_rows: int) -> Iterator[Batch]:
    """Yield blocks as batches of at most ``max_rows`` rows.

    A batch has fewer rows where it is wide, where another block would not fit as a whole, or where joining would take many
    rows out of the compact form, such as those below a header.

    Raises:
        FileError: The blocks raise the error; all rows before it are yielded first.
    """
    waiting: list[Block] = []
    count = 0
    following = iter(blocks)
    damage: FileError | None = None
    while True:
        try:
            block = next(following, None)
        except FileError as error:
            block, damage = None, error
        if block is None:
            break
        rows = len(block.rows)
        if waiting and (
            count + rows > max_rows
            or (count + rows) * len(block.columns) > _MOST_CELLS
            or (max(count, rows) >= WORTH_KEEPING and _differ(waiting[-1], block))
        ):
            yield _batch(waiting)
            waiting.clear()
            count = 0
        if rows > max_rows:
            whole = _batch([block])
            yield from (whole.slice(start, start + max_rows) for start in range(0, rows, max_rows))
            continue
        waiting.append(block)
        count += rows
    if waiting:
        yield _batch(waiting)
    if damage is not None:
        raise damage


def _differ(above: Block, below: Block) -> bool:
    """Return whether a column is compact in one block, and of another kind or mixed in the other."""
    for position in above.columns.keys() & below.columns.keys():
        kinds = [
            piece.kind if isinstance(piece, TextColumn) else None
            for piece in (above.columns[position], below.columns[position])
        ]
        if kinds[0] is not kinds[1]:
            return True
    return False


def _batch(blocks: list[Block]) -> Batch:
    columns = {}
    for position in sorted({position for block in blocks for position in block.columns}):
        joined = join_pieces([(len(block.rows), block.columns.get(position)) for block in blocks])
        if joined is not None:
            columns[position] = joined
    rows = [row for block in blocks for row in block.rows]
    hidden = frozenset(row for block in blocks for row in block.hidden)
    return Batch(rows=rows, columns=columns, hidden_rows=hidden)
