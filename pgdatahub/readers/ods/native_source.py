"""The native reader of tables: the compiled core, and the XML parser for the rows that the core declines."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.content import Content
from pgdatahub.readers.ods.rows import MOST_ROWS
from pgdatahub.readers.ods.sheet_parser import SheetParser
from pgdatahub.readers.ods.styles import Styles
from pgdatahub.readers.tables.blocks import batches
from pgdatahub.readers.xlsx.native.interface import BATCH_ROWS, MOST_PREFIXES, options_of
from pgdatahub.readers.xlsx.native.row_scan import FIRST_BATCHES, RowScan
from pgdatahub.readers.xlsx.native.scanner import Scanner, TableNames, open_table
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.sheet import cut_batches

_MOST_STYLES: Final = 20_000
"""Cell styles that the core is told of."""
_WAITING_BYTES: Final = 8 * 1024 * 1024
"""A longer row goes through the parser with all that follow."""
_LAST_ROW: Final = 2**32 - 2
"""The core counts rows in 32 bits."""
_SPACE: Final = b" \t\r\n"
_UTF8: Final = ("utf-8",)
"""Encodings that expat takes for UTF-8; under the name UTF8 it takes ASCII alone."""


class NativeSource:
    """The rows of a table, as :class:`pgdatahub.readers.ods.sheet_source.SheetSource` asks for.

    Args:
        parser: The parser of the table.
        pieces: A document with the table; a piece has whole tags.
        document: The names in the document.
        styles: The styles of the workbook.
        limits: How much the workbook may ask.
        null_date: The date of the number 0.
        notes_areas: The parser is to note the merged areas.
        part_bytes: Bytes of the part.
        batch_rows: Rows of a batch.

    Raises:
        CorruptError: The beginning of the sheet is damaged.
    """

    def __init__(
        self,
        parser: SheetParser,
        pieces: Iterator[bytes],
        document: TableNames,
        styles: Styles,
        limits: Limits,
        *,
        null_date: date,
        notes_areas: bool,
        part_bytes: int,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._parser = parser
        self._pieces = pieces
        self._limits = limits
        self._part_bytes = part_bytes
        self._batch_rows = batch_rows
        self.breaks: Sequence[int] = ()
        """Rows, ascending, that shall begin a batch."""
        row = re.escape(f"{document.table}:table-row".encode())
        self._row_start = re.compile(b"<%s[\\s/>]" % row)
        self._row_end = b"</%s:table-row>" % document.table.encode()
        self._scan: RowScan | None = None
        self._rest = self._read_head()
        self._columns = parser.columns.groups
        formats = styles.number_formats(_MOST_STYLES)
        self._open_scanner: Callable[[NativeStrings], Scanner] | None = None
        if self._rest and formats is not None and parser.between_rows and self._has_names(document):
            self._open_scanner = partial(
                open_table,
                styles=formats,
                limits=replace(limits, rows=MOST_ROWS),
                names=document,
                columns=self._columns,
                notes_areas=notes_areas,
                epoch=null_date,
                batch_rows=min(FIRST_BATCHES[0], batch_rows),
            )

    @property
    def native_rows(self) -> int:
        """Rows with a value that the core took."""
        return self._scan.native_rows if self._scan is not None else 0

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the rows that have a value, at most ``max_rows`` at a time.

        Raises:
            CorruptError: The sheet is damaged, or passes a limit.
            CellError: A number is beyond what any column holds.
        """
        yield from cut_batches(self._all_batches(), max_rows)

    def _all_batches(self) -> Iterator[Batch]:
        rest = self._rest
        if self._open_scanner is not None:
            with closing(NativeStrings(options_of(self._limits))) as strings:
                strings.finish()
                with closing(self._open_scanner(strings)) as scanner:
                    scanner.resume((0, 0), hidden=self._parser.hides_rows)
                    self._scan = RowScan(
                        scanner,
                        self._next_piece,
                        partial(self._hand_over, scanner),
                        part_bytes=self._part_bytes,
                        batch_rows=self._batch_rows,
                        breaks=self.breaks,
                    )
                    rest = yield from self._scan.batches(rest)
        rest = rest or self._next_piece()  # a row longer than the core takes may end in a later piece
        while rest:
            yield from self._feed(rest)
            rest = self._next_piece()
        self._parser.feed(b"", final=True)
        yield from batches(self._parser.rows.take(), sys.maxsize)

    def _read_head(self) -> bytes:
        """Feed everything before the first row to the parser; return what was read beyond."""
        while piece := self._next_piece():
            match = self._row_start.search(piece)
            if match is not None:
                self._parser.feed(piece[: match.start()])
                return piece[match.start() :]
            self._parser.feed(piece)
        return b""

    def _has_names(self, document: TableNames) -> bool:
        """Return whether prefixes stand for their namespaces where the rows are."""
        return set(self._parser.prefixes) == set(document.declared) and not self._parser.shadows_prefix

    def _next_piece(self) -> bytes:
        return next(filter(None, self._pieces), b"")

    def _feed(self, data: bytes) -> Iterator[Batch]:
        self._parser.feed(data)
        return batches(self._parser.rows.take(), sys.maxsize)

    def _hand_over(
        self, scanner: Scanner, rest: bytes, count_rows: Callable[[], int]
    ) -> Generator[Batch, None, tuple[bytes, bool]]:
        """Feed some rows, or what stands between rows, to the parser."""
        parser = self._parser
        wanted = count_rows() if self._begins_row(rest) else 0
        while not (end := self._end(rest, wanted)) and len(rest) < _WAITING_BYTES:
            data = self._next_piece()
            if not data:
                break
            rest += data
        end = end or len(rest)
        parser.rows.go_on(scanner.last_row, scanner.repetition)
        yield from self._feed(rest[:end])
        last_row = parser.rows.last_row
        if last_row > _LAST_ROW or not parser.between_rows or parser.columns.groups != self._columns:
            return rest[end:], False
        scanner.skip(0, last_row)
        scanner.resume(parser.rows.repetition, hidden=parser.hides_rows)
        return rest[end:], True

    def _begins_row(self, data: bytes) -> bool:
        return self._row_start.match(data, len(data) - len(data.lstrip(_SPACE))) is not None

    def _end(self, data: bytes, most: int) -> int:
        """Return the index behind row ``most`` or the last that ends in ``data``; 0 if none ends there.

        For no rows, return the index behind the tag, or the text before a tag, with which ``data`` begins.
        """
        if not most:
            return data.find(b">") + 1 if data.lstrip(_SPACE).startswith(b"<") else max(data.find(b"<"), 0)
        end = 0
        for _ in range(most):
            found = data.find(self._row_end, end)
            if found < 0:
                break
            end = found + len(self._row_end)
        return end


def table_names(content: Content) -> TableNames | None:
    """Return the names in a document; None if the core cannot read it.

    The core reads UTF-8 in which each prefix stands for a namespace of its own.
    """
    if not content.is_searchable or (content.encoding or "utf-8").lower() not in _UTF8:
        return None
    prefixes = {f"{uri} ": prefix for prefix, uri in content.namespaces}
    if len(prefixes) < len(content.namespaces) or len(prefixes) > MOST_PREFIXES:
        return None
    table, office, text = (prefixes.get(namespace, "") for namespace in (names.TABLE, names.OFFICE, names.TEXT))
    if not (table and office and text):
        return None
    calcext = prefixes.get(names.CALCEXT, "")
    return TableNames(table=table, office=office, text=text, calcext=calcext, declared=list(prefixes.values()))
