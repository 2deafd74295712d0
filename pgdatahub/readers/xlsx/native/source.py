"""The native reader of worksheets: the compiled core, and the XML parser for the rows that the core declines."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Final

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.numbers.serials import EPOCH_1904
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.xlsx.cell_classes import CellClasses
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.native.interface import BATCH_ROWS, MOST_PREFIXES
from pgdatahub.readers.xlsx.native.read_ahead import SizedStream, pieces_of
from pgdatahub.readers.xlsx.native.row_scan import FIRST_BATCHES, RowScan, add_up
from pgdatahub.readers.xlsx.native.scanner import Scanner, open_sheet_data
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.sheet_parser import SheetParser

_HEAD_BYTES: Final = 4 * 1024 * 1024  # 16,384 <col> elements are about 1.5 MB
_WAITING_BYTES: Final = 8 * 1024 * 1024  # a longer row goes through the parser
_SHEET_DATA: Final = re.compile(rb"<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)sheetData(?:[ \t\r\n][^<>]*)?>")
_UTF8: Final = ("utf-8",)
"""Encodings that expat takes for UTF-8; under the name UTF8 it takes ASCII alone."""


class NativeSource:
    """The rows of a worksheet part, as :class:`pgdatahub.readers.xlsx.sheet_source.SheetSource` asks for.

    Args:
        stream: The part.
        limits: Bounds of a workbook.
        strings: The workbook's shared strings.
        styles: The number formats of the cell styles.
        converter: Makes columns of the texts that the parser finds.
        date1904: The date system begins in 1904.
        piece_bytes: Bytes that are inflated at a time.
        batch_rows: Rows of a batch.
    """

    def __init__(
        self,
        stream: SizedStream,
        limits: Limits,
        strings: NativeStrings,
        styles: Sequence[NumberFormat],
        converter: Converter,
        *,
        date1904: bool,
        piece_bytes: int,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self.parser = SheetParser(stream.name, limits, CellClasses(styles), converter)
        self._scan: RowScan | None = None
        self._stream = stream
        self._converter = converter
        self._piece_bytes = piece_bytes
        self._batch_rows = batch_rows
        self.breaks: Sequence[int] = ()
        """Rows, ascending, that shall begin a batch."""
        self._row_end = b"</row>"
        self._cleaned = (0, 0, 0)
        self._rest, whole = self._read_head()
        utf8 = (self.parser.encoding or "utf-8").lower() in _UTF8
        self._open_scanner: Callable[[], Scanner] | None = None
        prefixes = self.parser.prefixes
        if whole and utf8 and self.parser.between_rows and len(prefixes) <= MOST_PREFIXES:
            self._open_scanner = partial(
                open_sheet_data,
                strings,
                styles,
                limits,
                prefixes=prefixes,
                trim=not self.parser.preserves_space,
                epoch=EPOCH_1904 if date1904 else None,
                batch_rows=min(FIRST_BATCHES[0], batch_rows),
            )

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
        cleaning = self._converter.cleaning
        return add_up(self._cleaned, cleaning.count, cleaning.first)

    @property
    def native_rows(self) -> int:
        """Rows with a value that the core took."""
        return self._scan.native_rows if self._scan is not None else 0

    def batches(self) -> Iterator[Batch]:
        """Yield the rows that have a value.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
        pieces = pieces_of(self._stream, self._piece_bytes)
        with closing(pieces):
            rest = self._rest
            if self._open_scanner is not None:
                with closing(self._open_scanner()) as scanner:
                    self._scan = RowScan(
                        scanner,
                        lambda: next(pieces, b""),
                        partial(self._hand_over, scanner, pieces),
                        part_bytes=self._stream.size,
                        batch_rows=self._batch_rows,
                        breaks=self.breaks,
                    )
                    rest = yield from self._scan.batches(rest)
                    self._cleaned = scanner.cleaned
            rest = rest or next(pieces, b"")  # a row longer than the core takes may end in a later piece
            while rest:
                yield from self.parser.feed_rows(rest)
                rest = next(pieces, b"")
            yield from self.parser.feed_rows(b"", final=True)

    def _read_head(self) -> tuple[bytes, bool]:
        """Feed everything before the rows to the parser; return what was read beyond, and whether the rows begin there."""
        head = b""
        while len(head) < _HEAD_BYTES:
            data = self._stream.read(min(64 * 1024, self._piece_bytes))
            head += data
            match = _SHEET_DATA.search(head)
            if match:
                self._row_end = b"</%srow>" % match[1]
                self.parser.feed(head[: match.end()])
                return head[match.end() :], True
            if not data:
                break
        return head, False

    def _hand_over(
        self, scanner: Scanner, pieces: Iterator[bytes], rest: bytes, count_rows: Callable[[], int]
    ) -> Generator[Batch, None, tuple[bytes, bool]]:
        """Feed some rows to the parser."""
        wanted = count_rows()
        while not (end := self._rows_end(rest, wanted)) and len(rest) < _WAITING_BYTES:
            data = next(pieces, b"")
            if not data:
                break
            rest += data
        end = end or len(rest)
        self.parser.places.row = scanner.last_row
        yield from self.parser.feed_rows(rest[:end])
        scanner.skip(0, self.parser.places.row)
        return rest[end:], self.parser.between_rows

    def _rows_end(self, data: bytes, most: int) -> int:
        """Return the index behind row ``most``, or behind the last row that ends in ``data``; 0 if none ends there."""
        end = 0
        for _ in range(most):
            found = data.find(self._row_end, end)
            if found < 0:
                break
            end = found + len(self._row_end)
        return end
