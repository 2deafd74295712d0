"""The native reader of binary worksheets: the compiled core, and the reader in Python for the rows that the core declines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.numbers.serials import EPOCH_1904
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.tables.blocks import batches
from pgdatahub.readers.xlsb.cells import Converter
from pgdatahub.readers.xlsb.sheet_records import SheetRecords
from pgdatahub.readers.xlsx.native.interface import BATCH_ROWS, options_of
from pgdatahub.readers.xlsx.native.read_ahead import SizedStream, pieces_of
from pgdatahub.readers.xlsx.native.row_scan import FIRST_BATCHES, RowScan, add_up
from pgdatahub.readers.xlsx.native.scanner import Scanner, Status, open_records
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.sheet import cut_batches
from pgdatahub.values.cells import cell_address

_PIECE = 1024 * 1024


class NativeSource:
    """The rows of a worksheet part, as :class:`pgdatahub.readers.xlsb.sheet_source.SheetSource` asks for.

    Args:
        stream: The part.
        limits: How much it may ask.
        strings: The workbook's shared strings.
        styles: The number formats of the cell styles.
        converter: Makes columns of the cells that the reader in Python finds.
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
        piece_bytes: int = _PIECE,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._stream = _Pieces(stream, piece_bytes)
        self._converter = converter
        self._batch_rows = batch_rows
        self.breaks: Sequence[int] = ()
        """Rows, ascending, that shall begin a batch."""
        self._part_bytes = stream.size
        self._records = SheetRecords(self._stream, limits, converter)
        self._open_scanner = partial(
            open_records,
            strings,
            styles,
            limits,
            epoch=EPOCH_1904 if date1904 else None,
            batch_rows=min(FIRST_BATCHES[0], batch_rows),
        )
        self._cleaned = self._formulas = (0, 0, 0)
        self._scan: RowScan | None = None

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return frozenset(self._records.hidden_columns)

    @property
    def cleaned(self) -> tuple[int, str]:
        """Number of cells from which characters were removed, and the first one's address."""
        return add_up(self._cleaned, self._converter.cleaning.count, self._converter.cleaning.first)

    @property
    def formulas(self) -> tuple[int, str]:
        """Number of cells with a formula, and the first one's address."""
        count, *first = self._formulas
        firsts = [tuple(first)] if count else []
        if self._records.first_formula is not None:
            firsts.append(self._records.first_formula)
        return count + self._records.formulas, cell_address(*min(firsts)) if firsts else ""

    @property
    def native_rows(self) -> int:
        """Rows with a value that the core took."""
        return self._scan.native_rows if self._scan is not None else 0

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
        """
        yield from cut_batches(self._all_batches(), max_rows)

    def _all_batches(self) -> Iterator[Batch]:
        stream, records = self._stream, self._records
        with closing(stream):
            if records.has_rows:
                stream.begin_ahead()
                with closing(self._open_scanner()) as scanner:
                    self._scan = RowScan(
                        scanner,
                        stream.next_piece,
                        partial(self._hand_over, scanner),
                        part_bytes=self._part_bytes,
                        batch_rows=self._batch_rows,
                        breaks=self.breaks,
                    )
                    rest = yield from self._scan.batches(records.rest())
                    self._cleaned, self._formulas = scanner.cleaned, scanner.formulas
                    records.go_on(rest, stream.taken - len(rest), scanner.last_row)
            yield from batches(records.blocks(), sys.maxsize)

    def _hand_over(
        self, scanner: Scanner, rest: bytes, count_rows: Callable[[], int]
    ) -> Generator[Batch, None, tuple[bytes, bool]]:
        """Read some rows in Python."""
        records = self._records
        records.go_on(rest, self._stream.taken - len(rest), scanner.last_row)
        yield from batches(records.blocks(count_rows()), sys.maxsize)
        scanner.skip(0, records.last_row)
        return records.rest(), records.has_rows


class _Pieces:
    """A part that is read by the reader in Python, and by the core in larger pieces.

    Args:
        stream: The part.
        piece_bytes: Bytes of a piece.
    """

    def __init__(self, stream: SizedStream, piece_bytes: int) -> None:
        self.name = stream.name
        self.taken = 0
        """Bytes of the part that were read."""
        self._stream: Stream = stream
        self._open = partial(pieces_of, stream, piece_bytes)
        self._pieces: Generator[bytes, None, None] | None = None
        self._left = b""

    def begin_ahead(self) -> None:
        """Begin to read pieces ahead."""
        self._pieces = self._open()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, ``b""`` at the end."""
        if self._pieces is None:
            data = self._stream.read(size)
        else:
            self._left = self._left or next(self._pieces, b"")
            data, self._left = self._left[:size], self._left[size:]
        self.taken += len(data)
        return data

    def next_piece(self) -> bytes:
        """Return the next piece, ``b""`` at the end."""
        return self.read(sys.maxsize)

    def close(self) -> None:
        """End the reading ahead."""
        if self._pieces is not None:
            self._pieces.close()


def read_native_strings(stream: Stream | None, limits: Limits) -> NativeStrings | None:
    """Read the shared strings part by the core; return None if the reader in Python is to read it.

    Raises:
        CorruptError: The part is damaged in a way that the ZIP archive tells.
    """
    strings = NativeStrings(options_of(limits), None)
    try:
        if stream is not None and not _read_all(strings, stream):
            strings.close()
            return None
        strings.finish()
    except BaseException:
        strings.close()
        raise
    return strings


def _read_all(strings: NativeStrings, stream: Stream) -> bool:
    while data := stream.read(_PIECE):
        if strings.feed(data) == Status.DECLINED:
            return False
    return strings.feed(b"", last=True) == Status.ENDED
