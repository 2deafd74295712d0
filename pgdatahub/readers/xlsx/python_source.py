"""The Python reader of worksheets: the row expression for plain pieces, the XML parser for every other piece."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.tables.pieces import has_value, merge_pieces
from pgdatahub.readers.xlsx.cell_classes import CellClasses
from pgdatahub.readers.xlsx.cell_text import has_asides, is_sound
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.row_expression import NotPlainError, PlainRows, RowExpression
from pgdatahub.readers.xlsx.sheet_parser import SheetParser
from pgdatahub.values.cells import Column, cell_address

_HEAD_BYTES = 4 * 1024 * 1024  # 16,384 <col> elements are about 1.5 MB
_WAITING_BYTES = 8 * 1024 * 1024  # a longer row goes through the parser
_FIRST_ROWS = 16
"""Rows of a batch of their own: a header's texts would take the numbers below them out of the compact form."""
_ODD_ROWS = 16
"""Rows that the parser takes from one with other markup on: a batch for each single row would cost more."""
_SHEET_DATA = re.compile(rb"<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)sheetData(?:[ \t\r\n][^<>]*)?>")
_NAMESPACE = re.compile(rb"[ \t\r\n]xmlns:([A-Za-z_][A-Za-z0-9_.-]*)=")
_UTF8 = ("utf-8",)  # under the name UTF8 expat takes ASCII alone


class PythonSource:
    """The rows of a worksheet part, as :class:`pgdatahub.readers.xlsx.sheet_source.SheetSource` asks for.

    Args:
        stream: The part.
        limits: Bounds of a workbook.
        classes: The classes of the workbook's cells.
        converter: Makes columns of texts.
        piece_bytes: Bytes that are inflated at a time.
        parser_only: The parser takes every piece.
        any_order: Rows may come in any order; the parser takes them all, into one batch.
    """

    def __init__(
        self,
        stream: Stream,
        limits: Limits,
        classes: CellClasses,
        converter: Converter,
        *,
        piece_bytes: int,
        parser_only: bool = False,
        any_order: bool = False,
    ) -> None:
        self.breaks: Sequence[int] = ()  # without effect: a part of a batch is as good as a batch
        self.plain_rows = 0
        """Rows with a value that the row expression took."""
        self.parser = SheetParser(stream.name, limits, classes, converter, any_order=any_order)
        self._stream = stream
        self._limits = limits
        self._converter = converter
        self._piece_bytes = piece_bytes
        self._head = self._prefix = b""
        self._rest = self._read_head()
        self._expression: RowExpression | None = None
        if not (parser_only or any_order):
            self._expression = self._open_expression(limits, classes)

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return frozenset(self.parser.surroundings.hidden_columns)

    @property
    def merged_areas(self) -> Sequence[Area]:
        """The merged areas of the sheet; complete after the last batch."""
        return self.parser.surroundings.merged_areas

    @property
    def cleaned(self) -> tuple[int, str]:
        """Number of cells from which characters were removed, and the first one's address."""
        return self._converter.cleaning.count, self._converter.cleaning.first

    def batches(self) -> Iterator[Batch]:
        """Yield the rows that have a value, piece by piece.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
        for piece in self._pieces():
            yield from self._read_piece(piece)
        yield from self._parse(b"", final=True)

    def _read_head(self) -> bytes:
        """Feed everything before the rows to the parser and return what was read beyond."""
        head = b""
        while len(head) < _HEAD_BYTES:
            data = self._stream.read(min(64 * 1024, self._piece_bytes))
            head += data
            match = _SHEET_DATA.search(head)
            if match:
                self._head, self._prefix = head[: match.end()], match[1]
                self.parser.feed(self._head)
                return head[match.end() :]
            if not data:
                break
        return head

    def _open_expression(self, limits: Limits, classes: CellClasses) -> RowExpression | None:
        """Return the expression of the sheet's rows, None where the parser has to take them all."""
        declaration, _, elements = self._head.rpartition(b"?>")
        encoding = (self.parser.encoding or "utf-8").lower()
        if not self.parser.between_rows or encoding not in _UTF8 or b"<!" in declaration or has_asides(elements):
            return None
        # A prefix that another element before the rows declares is of no use to them.
        root = elements.partition(b">")[0]
        return RowExpression(self._prefix, frozenset(_NAMESPACE.findall(root)) | {b"xml"}, classes, limits)

    def _pieces(self) -> Iterator[bytes]:
        """Yield the XML behind the head; whole rows, as long as the expression is in use."""
        buffer, first = self._rest, True
        self._rest = b""
        while True:
            if has_asides(buffer):
                self._expression = None  # a comment may hide what looks like a row; writers of sheets have none
            cut = self._rows_end(buffer, 0, _FIRST_ROWS) if first else self._last_rows_end(buffer)
            if self._expression is None or (not cut and len(buffer) > _WAITING_BYTES):
                self._expression = None
                cut = len(buffer)
            if cut:
                yield buffer[:cut]
                buffer, first = buffer[cut:], False
            data = self._stream.read(self._piece_bytes)
            if not data:
                break
            buffer += data
        yield buffer

    def _rows_end(self, piece: bytes, start: int, most: int) -> int:
        """Return the index behind the last of ``most`` rows from ``start`` on; ``start`` if no row ends there."""
        row_end = b"</%srow>" % self._prefix
        for _ in range(most):
            found = piece.find(row_end, start)
            if found < 0:
                break
            start = found + len(row_end)
        return start

    def _last_rows_end(self, piece: bytes) -> int:
        row_end = b"</%srow>" % self._prefix
        found = piece.rfind(row_end)
        return found + len(row_end) if found >= 0 else 0

    def _read_piece(self, piece: bytes) -> Iterator[Batch]:
        """Yield the rows of a piece: the plain ones by the expression, the others by the parser, in their order."""
        start = 0
        if len(piece) <= self._limits.row_bytes and is_sound(piece):
            while self._expression is not None and start < len(piece):
                try:
                    plain = self._expression.split(piece, start, self.parser.places.row)
                except NotPlainError:
                    break
                self.parser.places.row = plain.last_row
                if plain.rows:
                    yield self._batch(plain)
                start = self._rows_end(piece, plain.end, _ODD_ROWS)
                if start == plain.end:
                    break  # what comes after the last row
                yield from self._parse(piece[plain.end : start])
        yield from self._parse(piece[start:])

    def _parse(self, data: bytes, *, final: bool = False) -> Iterator[Batch]:
        yield from self.parser.feed_rows(data, final=final)
        if not self.parser.between_rows:
            self._expression = None

    def _batch(self, plain: PlainRows) -> Batch:
        """Convert the texts of plain rows, column by column and class by class."""
        rows = plain.rows
        self.plain_rows += len(rows)
        columns: dict[int, Column] = {}
        for position, classes in plain.columns.items():
            pieces = [
                self._converter.convert(found, texts, partial(_address, rows, position))
                for found, texts in classes.items()
            ]
            column = merge_pieces(pieces)
            if has_value(column):
                columns[position] = column
        return Batch(rows=rows, columns=columns, hidden_rows=plain.hidden)


def _address(rows: Sequence[int], position: int, index: int) -> str:
    return cell_address(rows[index], position)
