"""Sources of a table's rows: the seam between a sheet and the readers that take its XML apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.blocks import Block, batches
from pgdatahub.readers.ods.sheet_parser import SheetParser


class SheetSource(Protocol):
    """The rows of one table, which a reader takes apart as they are asked for."""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """


class PythonSource:
    """The rows of a table, read by the parser alone.

    Args:
        parser: The parser of the table.
        pieces: A document with the table.

    Raises:
        CorruptError: The beginning of the sheet is damaged.
    """

    def __init__(self, parser: SheetParser, pieces: Iterator[bytes]) -> None:
        self._parser = parser
        self._pieces = pieces
        for piece in pieces:  # up to the first row, so that hidden columns are known
            parser.feed(piece)
            if parser.in_rows:
                break

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
        return batches(self._blocks(), max_rows)

    def _blocks(self) -> Iterator[Block]:
        yield from self._parser.rows.take()
        for piece in self._pieces:
            self._parser.feed(piece)
            yield from self._parser.rows.take()
        self._parser.feed(b"", final=True)
        yield from self._parser.rows.take()
