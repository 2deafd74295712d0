"""Workbooks of Excel 2 to 2003 for tests: streams of records, OLE files around them, and their cells."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pgdatahub.config import FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.readers.xls.workbook import XlsWorkbook
from pgdatahub.values.column_values import as_values

BOF_BOOK = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
BOF_SHEET = struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6)


def record(number: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", number, len(data)) + data


def unicode(text: str, length: str = "<H") -> bytes:
    return struct.pack(length, len(text)) + b"\1" + text.encode("utf-16-le", "surrogatepass")


def book(cells: bytes, *, globals_: bytes = b"", sheets: Sequence[str] = ("Sheet1",), bof: bytes = BOF_BOOK) -> bytes:
    """Return the records of a BIFF8 workbook; each sheet has the same cells."""
    head = record(0x809, bof) + globals_
    size = len(head) + sum(len(record(0x85, bytes(6) + unicode(name, "<B"))) for name in sheets) + 4
    sheet = record(0x809, BOF_SHEET) + cells + record(0x0A)
    for index, name in enumerate(sheets):
        head += record(0x85, struct.pack("<IBB", size + index * len(sheet), 0, 0) + unicode(name, "<B"))
    return head + record(0x0A) + sheet * len(sheets)


def compound(stream: bytes, *others: tuple[str, bytes], name: str = "Workbook") -> bytes:
    """Return an OLE file with streams in its root; each takes sectors of its own."""
    streams = [(name, stream), *others]
    table: list[int] = []
    sectors = b""
    entries = [("Root Entry", 5, 0xFFFFFFFE, 0, 1)]
    for index, (each, content) in enumerate(streams, 1):
        content = content.ljust(4096, b"\0")
        content += bytes(-len(content) % 512)
        first, count = len(table), len(content) // 512
        table += [*range(first + 1, first + count), 0xFFFFFFFE]
        sectors += content
        entries.append((each, 2, first, len(content), index + 1 if index < len(streams) else 0xFFFFFFFF))
    directory = b""
    for each, kind, first, size, following in entries:
        encoded = each.encode("utf-16-le")
        child = 1 if kind == 5 else 0xFFFFFFFF
        right = 0xFFFFFFFF if kind == 5 else following
        directory += encoded.ljust(64, b"\0") + struct.pack(
            "<HBBIII", len(encoded) + 2, kind, 1, 0xFFFFFFFF, right, child
        )
        directory += bytes(36) + struct.pack("<III", first, size, 0)
    directory += bytes(-len(directory) % 512)
    directory_first = len(table)
    table += [*range(directory_first + 1, directory_first + len(directory) // 512), 0xFFFFFFFE]
    sectors += directory
    own = -(-(len(table) + 1) // 127)
    own_first = len(table)
    table += [0xFFFFFFFD] * own
    packed = struct.pack(f"<{len(table)}I", *table).ljust(own * 512, b"\xff")
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIII", header, 44, own, directory_first, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<109I", header, 76, *[own_first + n if n < own else 0xFFFFFFFF for n in range(109)])
    return bytes(header) + sectors + packed


def source_of(path: Path, **options: Any) -> SourceFile:
    return SourceFile(
        location=str(path),
        identity=path.name,
        table=TableName(schema="public", name="t"),
        options=FolderOptions(**options),
        size=path.stat().st_size,
    )


def cells_of(path: Path, position: int = 0, **options: Any) -> dict[tuple[int, int], Any]:
    """Return the cells with a value of a sheet, by row (from 1) and column (from 0)."""
    found: dict[tuple[int, int], Any] = {}
    with closing(XlsWorkbook(source_of(path, **options))) as workbook:
        for batch in workbook.open(position).batches(1000):
            for column, piece in batch.columns.items():
                found |= {(row, column): value for row, value in zip(batch.rows, as_values(piece), strict=True)}
    return {place: value for place, value in found.items() if value is not None}


def number(row: int, column: int, value: float, xf: int = 0) -> bytes:
    return record(0x203, struct.pack("<HHHd", row, column, xf, value))


def label(row: int, column: int, text: str) -> bytes:
    return record(0x204, struct.pack("<HHH", row, column, 0) + unicode(text))


def formula(row: int, column: int, result: bytes, flags: int = 0, trace: int = 0) -> bytes:
    return record(0x06, struct.pack("<HHH", row, column, 0) + result + struct.pack("<HIH", flags, trace, 0))
