"""Sources of a table's rows: the seam between a sheet and the readers that take its XML apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.ods.sheet_parser import SheetParser
from pgdatahub.readers.tables.blocks import Block, batches


class SheetSource(Protocol):
    """The rows of one table, which a reader takes apart as they are asked for."""

    breaks: Sequence[int]
    """Rows, ascending, that shall begin a batch where this costs nothing; set before the first batch is asked for."""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
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
        self.breaks: Sequence[int] = ()  # without effect: a part of a batch is as good as a batch
        self._parser = parser
        self._pieces = pieces
        self._damage: FileError | None = None
        for piece in pieces:  # up to the first row, so that hidden columns are known
            self._feed(piece)
            if parser.in_rows:
                break

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
        """
        return batches(self._blocks(), max_rows)

    def _blocks(self) -> Iterator[Block]:
        yield from self._parser.rows.take()
        for piece in chain(self._pieces, (b"",)):
            if self._damage is not None:
                raise self._damage
            self._feed(piece, final=not piece)
            yield from self._parser.rows.take()
        if self._damage is not None:
            raise self._damage

    def _feed(self, piece: bytes, *, final: bool = False) -> None:
        """Feed a piece of the sheet; keep an error until the rows before it are used."""
        try:
            self._parser.feed(piece, final=final)
        except FileError as error:
            if not self._parser.in_rows:
                raise
            self._damage = error
