"""The program of a process that matches pieces of sheet data for another one.

Requests come pickled on standard input: the setup first, then piece by piece where it lies in the memory that both
processes share. The answer lies there afterwards, marshalled plain data, and its length is told on standard output; none
means that the piece is not for the fast lane, or for nobody. When standard input ends, the other side is gone.
"""

from __future__ import annotations

import marshal
import mmap
import os
import pickle
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pgdatahub.errors import FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.serials import Serials
from pgdatahub.readers.xlsx.cell_classes import Source
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.fast_lane import Matched, match_rows
from pgdatahub.readers.xlsx.shapes import Shape
from pgdatahub.readers.xlsx.shared_strings import SharedStrings
from pgdatahub.values.cells import Kind, Texts
from pgdatahub.values.fields import Fields

LENGTH: Final = struct.Struct(">Q")

_Answer: TypeAlias = tuple[list[int], list[int], list[tuple[str, bytes] | None], list[tuple[int, bytes]]]
"""Rows, hidden rows, for each slot the kind of its column (``""``: indexes of shared strings) and its texts, misfits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What such a process needs to know.

    Attributes:
        descriptor: The shared memory.
        room: How many bytes of it a piece may take, and its answer in the same place.
        date1904: The workbook's date system.
        limits: How much the file may ask.
    """

    descriptor: int
    room: int
    date1904: bool
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A piece that is to be matched.

    Attributes:
        start: Where it lies in the shared memory.
        length: Its bytes.
        shape: The shape of its rows, if it is another than the last one's.
    """

    start: int
    length: int
    shape: Shape | None


def serve() -> None:
    """Answer requests until standard input ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever else is printed must not get between the answers
    setup: Setup = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    memory = mmap.mmap(setup.descriptor, 0)
    shape: Shape | None = None
    converter = Converter(SharedStrings(setup.limits), Serials(date1904=setup.date1904))
    while True:
        try:
            request: Request = pickle.load(sys.stdin.buffer)  # noqa: S301 - likewise
        except EOFError:
            return
        shape = request.shape or shape
        piece = memory[request.start : request.start + request.length]
        answer = _answer(shape, piece, converter, setup.limits) if shape is not None else b""
        if len(answer) > setup.room:
            answer = b""
        memory[request.start : request.start + len(answer)] = answer
        os.write(answers, LENGTH.pack(len(answer)))


def _answer(shape: Shape, piece: bytes, converter: Converter, limits: Limits) -> bytes:
    matched = match_rows(shape, piece, limits)
    if matched is None:
        return b""
    cleaned = converter.cleaning.count
    columns: list[tuple[str, bytes] | None] = []
    for slot, texts in zip(shape.slots, matched.columns, strict=True):
        if texts is None or isinstance(texts, Texts):
            columns.append(None)
        elif slot.cell_class.source is Source.SHARED:
            columns.append(("", b"\n".join(texts)))
        else:
            try:
                column = converter.convert(slot.cell_class, texts, str)
            except FileError:
                return b""  # whoever knows the cell's address says what is wrong
            if not isinstance(column, Texts) or converter.cleaning.count > cleaned:
                return b""
            # No field of COPY holds a newline.
            columns.append((column.kind.value, b"\n".join(column.texts)))
    answer: _Answer = (matched.rows, sorted(matched.hidden), columns, matched.misfits)
    return marshal.dumps(answer)


def read_answer(data: bytes) -> Matched:
    """Return what a process answered."""
    answer: _Answer = marshal.loads(data)  # noqa: S302 - plain data: nothing is looked up or called
    rows, hidden, columns, misfits = answer
    found: list[Sequence[bytes] | Texts | None] = []
    for column in columns:
        if column is None:
            found.append(None)
        else:
            kind, joined = column
            found.append(Texts(kind=Kind(kind), texts=Fields(None, joined, len(rows))) if kind else joined.split(b"\n"))
    return Matched(rows=rows, hidden=set(hidden), columns=found, misfits=misfits)
