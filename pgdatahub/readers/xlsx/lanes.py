"""Sheet data piece by piece through the two lanes, in the order of the file."""

from __future__ import annotations

import re
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.markup import Stream
from pgdatahub.readers.xlsx.blocks import WORTH_KEEPING, Block
from pgdatahub.readers.xlsx.cell_text import has_asides
from pgdatahub.readers.xlsx.columns import Converter, Piece, has_value, join_pieces, merge_pieces
from pgdatahub.readers.xlsx.fast_lane import Matched, match_rows
from pgdatahub.readers.xlsx.lessons import Lessons
from pgdatahub.readers.xlsx.matching_pool import Given, MatchingPool
from pgdatahub.readers.xlsx.shapes import Shape
from pgdatahub.readers.xlsx.sheet_parser import SheetParser
from pgdatahub.values.cells import Texts, cell_address

_HEAD_BYTES = 4 * 1024 * 1024  # 16,384 <col> elements are about 1.5 MB
_WAITING_BYTES = 8 * 1024 * 1024  # a row longer than this goes through the safe lane
_MATCHED_AHEAD = 2
"""Chunks that this process matches itself while the pool is busy: some 3 MB each."""
_SAMPLE_BYTES = 64 * 1024
_FEWEST_ROWS = 20
"""A shape is learnt from so many rows even if they are longer than that; they go through the parser, a tenth as fast."""
_FEWEST_MISFITS = 4
_FEW_SLOTS = 16
_MOST_FOUND = 4_000_000
"""Values, 8 bytes each, be they empty. A megabyte of rows with one cell in a hundred filled has a third of it."""
_SHEET_DATA = re.compile(rb"<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)sheetData(?:[ \t\r\n][^<>]*)?>")


@dataclass(slots=True, kw_only=True)
class _Chunk:
    """Some sheet data.

    Attributes:
        data: The XML.
        whole: It begins and ends with a row, and nothing in it can hide one.
        shape: The shape that it is matched with already.
        given: Who matches it, if not this process; else
        matched: what came of it.
    """

    data: bytes
    whole: bool = True
    shape: Shape | None = None
    given: Given | None = None
    matched: Matched | None = None


class Lanes:
    """Reads a worksheet part.

    Args:
        stream: The part.
        limits: How much it may ask.
        lessons: What is known of its rows, and more of it afterwards.
        converter: Makes columns of texts.
        piece_bytes: How much is inflated at a time.
        pool: Processes that help with a large sheet.
        sample_rows: From how many rows a shape is learnt at once.
    """

    def __init__(
        self,
        stream: Stream,
        limits: Limits,
        lessons: Lessons,
        converter: Converter,
        *,
        piece_bytes: int,
        pool: MatchingPool | None = None,
        sample_rows: int = 100,
    ) -> None:
        self.parser = SheetParser(stream.name, limits, lessons.classes, converter)
        self.fast_rows = 0
        self._stream = stream
        self._limits = limits
        self._lessons = lessons
        self._converter = converter
        self._piece_bytes = piece_bytes
        self._pool = pool
        self._sample_rows = sample_rows
        self._safe_only = not lessons.ever
        self._prefix = b""
        self._buffer = self._read_head()

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that have a value.

        Raises:
            CorruptError: The sheet is damaged, or asks too much.
            CellError: A number is beyond what any column holds.
        """
        chunks = self._chunks()
        waiting: deque[_Chunk] = deque()
        while self._read_ahead(chunks, waiting):
            yield from self._read(waiting.popleft())
        yield from self._feed(b"", final=True)

    def _read_ahead(self, chunks: Iterator[_Chunk], waiting: deque[_Chunk]) -> bool:
        """Have chunks wait for their turn as long as there is something to be done with them; tell whether any waits."""
        while not waiting or (self._pool is not None and self._may_begin(waiting, self._pool)):
            chunk = next(chunks, None)
            if chunk is None:
                break
            shape = self._lessons.shape
            if chunk.whole and self._pool is not None and shape is not None and not self._wastes(shape, chunk.data):
                chunk.shape = shape
                chunk.given = self._pool.give(shape, chunk.data)
                if chunk.given is None:
                    chunk.matched = match_rows(shape, chunk.data, self._limits)
            waiting.append(chunk)
        return bool(waiting)

    def _may_begin(self, waiting: deque[_Chunk], pool: MatchingPool) -> bool:
        """Tell whether to begin with another chunk before the first that waits is read."""
        if self._lessons.shape is None or self._safe_only or len(waiting) >= pool.capacity + _MATCHED_AHEAD:
            return False
        first = waiting[0]
        return pool.free or (first.given is not None and not first.given.ready)

    def _chunks(self) -> Iterator[_Chunk]:
        """Yield the sheet's data behind its head, cut before a row as long as that can be done."""
        buffer, whole = self._buffer, True
        self._buffer = b""
        while data := self._stream.read(self._piece_bytes):
            buffer += data
            if whole and not self._safe_only:
                # Comments, CDATA and the like may hide what looks like a row; no writer of sheets has them.
                whole = not has_asides(buffer)
            if not whole or self._safe_only:
                yield _Chunk(data=buffer, whole=False)
                buffer = b""
                continue
            cut = buffer.rfind(b"<%srow" % self._prefix)
            if cut <= 0:
                cut = buffer.find(b"</%ssheetData" % self._prefix)
                if cut < 0 and len(buffer) < _WAITING_BYTES:
                    continue
                whole = False
                cut = max(cut, 0)
            yield _Chunk(data=buffer[:cut])
            buffer = buffer[cut:]
        yield _Chunk(data=buffer, whole=whole and not has_asides(buffer))

    def _read_head(self) -> bytes:
        """Feed all before the rows to the parser and return what was read beyond."""
        head = b""
        while len(head) < _HEAD_BYTES:
            data = self._stream.read(min(64 * 1024, self._piece_bytes))
            head += data
            match = _SHEET_DATA.search(head)
            if match:
                self.parser.feed(head[: match.end()])
                self._prefix = match[1]
                self._lessons.begin(self._prefix, head[: match.end()])
                if not self.parser.in_data or (self.parser.encoding or "utf-8").lower() not in ("utf-8", "utf8"):
                    self._safe_only = True
                return head[match.end() :]
            if not data:
                break
        self._safe_only = True
        return head

    def _feed(self, data: bytes, *, final: bool = False) -> Iterator[Block]:
        self.parser.feed(data, final)
        if block := self.parser.take():
            yield block

    def _read(self, chunk: _Chunk) -> Iterator[Block]:
        data = chunk.data
        if self._safe_only or not chunk.whole:
            self._safe_only = True
            yield from self._feed(data)
            return
        shape = chunk.shape
        if shape is not None:
            matched = self._matched_ahead(chunk, shape)
        else:
            if self._lessons.shape is not None and self._wastes(self._lessons.shape, data):
                self._lessons.forget()
            if self._lessons.shape is None and self._lessons.missed(len(data)):
                sample = self._first_rows(data)
                data = data[len(sample) :]
                yield from self._feed(sample)
                self._lessons.learn(sample)
            shape = self._lessons.shape
            matched = match_rows(shape, data, self._limits) if shape is not None else None
        if shape is None or matched is None or (matched.rows and matched.rows[0] <= self.parser.last_row):
            yield from self._feed(data)  # the parser names what is wrong
        else:
            yield from self._take(shape, matched)
        if self.parser.in_row or self.parser.ended:
            self._safe_only = True

    def _matched_ahead(self, chunk: _Chunk, shape: Shape) -> Matched | None:
        if chunk.given is None:
            return chunk.matched
        return chunk.given.take() or match_rows(shape, chunk.data, self._limits)

    def _wastes(self, shape: Shape, data: bytes) -> bool:
        """Tell whether nearly all that the shape would find of rows like these is nothing: it was learnt from wider ones."""
        slots = len(shape.slots)
        return slots > _FEW_SLOTS and slots * data.count(b"</%srow>" % self._prefix) > _MOST_FOUND

    def _first_rows(self, piece: bytes) -> bytes:
        end, row_end = 0, b"</%srow>" % self._prefix
        for count in range(self._sample_rows):
            found = piece.find(row_end, end)
            if found < 0 or (end > _SAMPLE_BYTES and count >= _FEWEST_ROWS):
                break
            end = found + len(row_end)
        return piece[:end]

    def _take(self, shape: Shape, matched: Matched) -> Iterator[Block]:
        """Yield the rows of a piece that was matched, and those between them that were not."""
        rows = matched.rows
        fast = self._fast_block(shape, matched)
        self.fast_rows += len(rows)
        if rows and shape is self._lessons.shape and _FEW_SLOTS < len(shape.slots) > 4 * len(fast.columns):
            self._lessons.forget()  # it costs as much for a cell that is not there
        self._feed_misfits(matched)
        safe = self.parser.take()
        if rows:
            self.parser.last_row = max(self.parser.last_row, rows[-1])
        if safe is None:
            if rows:
                yield fast
            return
        yield from _in_order(fast, safe)
        missed = b"".join(data for _, data in matched.misfits)
        # A header, a total here and there: there is nothing to be gained from a shape that fits them too.
        if len(safe.rows) > max(_FEWEST_MISFITS, 0.05 * len(rows)) and self._lessons.missed(len(missed)):
            self._lessons.learn(self._first_rows(missed))

    def _feed_misfits(self, matched: Matched) -> None:
        """Feed the rows that the shape does not match to the parser, which checks the order of rows on the way."""
        rows = matched.rows
        for index, (before, data) in enumerate(matched.misfits):
            if before:
                self.parser.last_row = max(self.parser.last_row, rows[before - 1])
            self.parser.feed(data)
            last = index + 1 == len(matched.misfits)
            if before < len(rows) and (last or matched.misfits[index + 1][0] > before):
                self.parser.begin_row(rows[before])

    def _fast_block(self, shape: Shape, matched: Matched) -> Block:
        rows = matched.rows
        pieces: dict[int, list[Piece]] = {}
        for slot, found in zip(shape.slots, matched.columns, strict=True):
            if found is None:
                continue
            position = slot.position
            if isinstance(found, Texts):
                piece: Piece = found
            else:
                piece = self._converter.convert(
                    slot.cell_class,
                    found,
                    lambda index, position=position: cell_address(rows[index], position),  # type: ignore[misc]
                )
            pieces.setdefault(position, []).append(piece)
        columns = {position: side[0] if len(side) == 1 else merge_pieces(side) for position, side in pieces.items()}
        return Block(
            rows=rows,
            hidden=matched.hidden,
            columns={position: piece for position, piece in columns.items() if has_value(piece)},
        )


def _in_order(fast: Block, safe: Block) -> Iterator[Block]:
    """Yield the rows of both lanes in their order.

    Those that stand together in a large number are a block of their own: joined with a header or a total, the numbers of
    all rows would lose their compact form.
    """
    if not fast.rows:
        yield safe
        return
    above = bisect(safe.rows, fast.rows[0])
    if above:
        yield safe.slice(0, above)
        safe = safe.slice(above, len(safe.rows))
    runs = [(before, len(list(run))) for before, run in groupby(bisect(fast.rows, number) for number in safe.rows)]
    if len(fast.rows) < WORTH_KEEPING * len(runs):
        yield _interleave(fast, safe)
        return
    start = first = 0
    for before, count in runs:
        yield fast.slice(start, before)
        yield safe.slice(first, first + count)
        start, first = before, first + count
    if start < len(fast.rows):
        yield fast.slice(start, len(fast.rows))


def _interleave(fast: Block, safe: Block) -> Block:
    """Return the rows of both in one block."""
    rows = fast.rows + safe.rows
    order = sorted(range(len(rows)), key=rows.__getitem__)
    columns: dict[int, Piece] = {}
    for position in fast.columns.keys() | safe.columns.keys():
        joined = join_pieces(
            [
                (len(fast.rows), fast.columns.get(position)),
                (len(safe.rows), safe.columns.get(position)),
            ]
        )
        if isinstance(joined, Texts):
            columns[position] = Texts(kind=joined.kind, texts=list(map(joined.texts.__getitem__, order)))
        elif joined is not None:
            columns[position] = list(map(joined.__getitem__, order))
    return Block(rows=sorted(rows), hidden=fast.hidden | safe.hidden, columns=columns)
