"""Sheet data piece by piece through the two lanes, in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, compress
from operator import lt

from pgdatahub.values.cells import Texts, cell_address
from pgdatahub.xlsx.blocks import Block
from pgdatahub.xlsx.cell_classes import CellClasses, Source
from pgdatahub.xlsx.cell_text import has_asides, is_sound, resolve_texts
from pgdatahub.xlsx.columns import Converter, Piece, has_value, join_pieces, merge_pieces
from pgdatahub.xlsx.limits import Limits
from pgdatahub.xlsx.markup import Stream
from pgdatahub.xlsx.matching import find_columns
from pgdatahub.xlsx.safe_lane import SheetParser
from pgdatahub.xlsx.shapes import Shape, ShapeLearner, Slot, hides

_HEAD_BYTES = 4 * 1024 * 1024  # 16,384 <col> elements are about 1.5 MB
_WAITING_BYTES = 8 * 1024 * 1024  # a row longer than this goes through the safe lane
_MOST_LESSONS = 64
_SHEET_DATA = re.compile(rb"<((?:[A-Za-z_][A-Za-z0-9_.-]*:)?)sheetData(?:[ \t\r\n][^<>]*)?>")
_MARKED_UP = (Source.TEXT, Source.ERROR, Source.DATE)


class Lanes:
    """Reads a worksheet part.

    Args:
        stream: The part.
        limits: How much it may ask.
        classes: The classes of the workbook's cells.
        converter: Makes columns of texts.
        learn_from: Bytes of sheet data from which on the fast lane is worth its preparation (some milliseconds); None
            for the safe lane alone.
        piece_bytes: How much is inflated at a time.
        sample_rows: From how many rows a shape is learnt at once.
    """

    def __init__(
        self,
        stream: Stream,
        limits: Limits,
        classes: CellClasses,
        converter: Converter,
        *,
        learn_from: int | None,
        piece_bytes: int,
        sample_rows: int = 100,
    ) -> None:
        self.parser = SheetParser(stream.name, limits, classes, converter)
        self.fast_rows = 0
        self._stream = stream
        self._limits = limits
        self._converter = converter
        self._classes = classes
        self._learn_from = learn_from
        self._piece_bytes = piece_bytes
        self._sample_rows = sample_rows
        self._safe_only = learn_from is None
        self._shape: Shape | None = None
        self._lessons = 0
        self._prefix = b""
        self._learner = ShapeLearner(self._prefix, classes, limits)
        self._buffer = self._read_head()

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that have a value.

        Raises:
            CorruptError: The sheet is damaged, or asks too much.
            CellError: A number is beyond what any column holds.
        """
        ended = False
        while not ended:
            data = self._stream.read(self._piece_bytes)
            ended = not data
            buffer = self._buffer + data
            # Comments, CDATA and the like may hide what looks like a row; no writer of sheets has them.
            if not self._safe_only and has_asides(buffer):
                self._safe_only = True
            if self._safe_only:
                piece, self._buffer = buffer, b""
                yield from self._feed(piece)
                continue
            cut = len(buffer) if ended else buffer.rfind(b"<%srow" % self._prefix)
            if cut <= 0 and not ended:
                cut = buffer.find(b"</%ssheetData" % self._prefix)
                if cut < 0 and len(buffer) < _WAITING_BYTES:
                    self._buffer = buffer
                    continue
                self._safe_only = True
                cut = max(cut, 0)
            piece, self._buffer = buffer[:cut], buffer[cut:]
            yield from self._read(piece)
        yield from self._feed(b"", final=True)

    def _read_head(self) -> bytes:
        """Feed all before the rows to the parser and return what was read beyond."""
        head = b""
        while len(head) < _HEAD_BYTES:
            data = self._stream.read(min(64 * 1024, self._piece_bytes))
            head += data
            match = _SHEET_DATA.search(head)
            if match:
                self.parser.feed(head[: match.end()])
                if match[1]:
                    self._prefix = match[1]
                    self._learner = ShapeLearner(self._prefix, self._classes, self._limits)
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

    def _read(self, piece: bytes) -> Iterator[Block]:
        if self._shape is None and self._may_learn(piece):
            sample = self._first_rows(piece)
            piece = piece[len(sample) :]
            yield from self._feed(sample)
            self._learn(sample)
        if self._shape is None or not is_sound(piece):
            yield from self._feed(piece)
        elif piece:
            yield from self._match(self._shape, piece)
        if self.parser.in_row or self.parser.ended:
            self._safe_only = True

    def _may_learn(self, piece: bytes) -> bool:
        if self._safe_only or self._lessons >= _MOST_LESSONS:
            return False
        return self._lessons > 0 or len(piece) >= (self._learn_from or 0)

    def _first_rows(self, piece: bytes) -> bytes:
        end, row_end = 0, b"</%srow>" % self._prefix
        for _ in range(self._sample_rows):
            found = piece.find(row_end, end)
            if found < 0:
                break
            end = found + len(row_end)
        return piece[:end]

    def _learn(self, rows: bytes) -> None:
        self._lessons += 1
        if self._learner.learn(rows):
            self._shape = self._learner.shape()

    def _match(self, shape: Shape, piece: bytes) -> Iterator[Block]:
        groups = find_columns(shape.pattern, piece)
        numbers, others, rest = groups[0], groups[-2], groups[-1]
        rows = list(map(int, filter(None, numbers)))
        ascending = all(map(lt, chain((self.parser.last_row,), rows), rows))
        if not ascending or (rows and rows[-1] > self._limits.rows):
            yield from self._feed(piece)  # the parser names what is wrong
            return
        values = groups[2:-2]
        if len(rows) < len(numbers):
            values = [tuple(compress(column, numbers)) for column in values]
        if any(
            slot.cell_class.source is Source.TEXT and column and max(map(len, column)) > self._limits.cell_bytes
            for slot, column in zip(shape.slots, values, strict=True)
        ):
            yield from self._feed(piece)
            return
        fast = self._fast_block(shape.slots, rows, values)
        fast.hidden = self._hidden(groups[1], numbers)
        self.fast_rows += len(rows)
        if rest[-1] or any(others):
            self._feed_others(numbers, others, rest[-1])
            safe = self.parser.take()
        else:
            safe = None
        if rows:
            self.parser.last_row = max(self.parser.last_row, rows[-1])
        if safe is None:
            if rows:
                yield fast
        else:
            yield _interleave(fast, safe) if rows else safe
            misfits = b"".join(others)
            if self._lessons < _MOST_LESSONS and len(safe.rows) > 0.05 * len(rows):
                self._learn(self._first_rows(misfits))

    def _feed_others(self, numbers: tuple[bytes, ...], others: tuple[bytes, ...], rest: bytes) -> None:
        """Feed the rows that the shape does not match to the parser, which checks the order of rows on the way."""
        passed, check = 0, False
        for number, other in zip(numbers, others, strict=True):
            if number:
                passed = int(number)
                if check:
                    self.parser.begin_row(passed)
                    check = False
            elif other:
                self.parser.last_row = max(self.parser.last_row, passed)
                self.parser.feed(other)
                check = True
        if rest:
            self.parser.last_row = max(self.parser.last_row, passed)
            self.parser.feed(rest)

    def _fast_block(self, slots: tuple[Slot, ...], rows: list[int], values: list[tuple[bytes, ...]]) -> Block:
        pieces: dict[int, list[Piece]] = {}
        for slot, column in zip(slots, values, strict=True):
            if not any(column):
                continue
            texts = resolve_texts(column) if slot.cell_class.source in _MARKED_UP else column
            position = slot.position
            piece = self._converter.convert(
                slot.cell_class,
                texts,
                lambda index, position=position: cell_address(rows[index], position),  # type: ignore[misc]
            )
            pieces.setdefault(position, []).append(piece)
        columns = {position: found[0] if len(found) == 1 else merge_pieces(found) for position, found in pieces.items()}
        return Block(rows=rows, columns={position: piece for position, piece in columns.items() if has_value(piece)})

    @staticmethod
    def _hidden(attributes: tuple[bytes, ...], numbers: tuple[bytes, ...]) -> set[int]:
        hiding = {found for found in set(attributes) if hides(found)}
        if not hiding:
            return set()
        return {int(number) for number, found in zip(numbers, attributes, strict=True) if found in hiding}


def _interleave(fast: Block, safe: Block) -> Block:
    """Return the rows of both lanes in their order."""
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
