"""Small ``.xls`` files that ask for much: at most 10 seconds of processor time and 500 MB each."""

from __future__ import annotations

import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pgdatahub.errors import PgDataHubError
from pgdatahub.readers.xls.cells import NUMBER, Cells
from pgdatahub.readers.xls.workbook import MEMORY_BYTES, XlsWorkbook
from tests.unit.readers.xls.conftest import (
    BOF_BOOK,
    book,
    cells_of,
    compound,
    formula,
    label,
    number,
    record,
    source_of,
    unicode,
)

SECONDS = 60
"""Elapsed time on a busy machine; the process may use 8 seconds of processor time."""


def _cyclic() -> bytes:
    data = bytearray(compound(book(number(0, 0, 1))))
    table = data.rindex(b"\xfd\xff\xff\xff") // 512 * 512
    struct.pack_into("<I", data, table + 4 * 3, 0)  # the stream goes back to its first sector
    return bytes(data)


def _loop_of_directories() -> bytes:
    data = bytearray(compound(book(number(0, 0, 1))))
    struct.pack_into("<I", data, 60, 0)
    struct.pack_into("<II", data, 68, 0, 1 << 30)
    return bytes(data)


HOSTILE = {
    "strings": book(number(0, 0, 1), globals_=record(0xFC, struct.pack("<II", 1 << 31, 0x7FFFFFFF) + bytes(8000))),
    "strings_back": book(b"", globals_=record(0xFC, struct.pack("<IIHBI", 9, 1 << 30, 1, 4, 0xFFFFFFF0) + b"x")),
    "runs": book(b"", globals_=record(0xFC, struct.pack("<IIHBH", 9, 9, 1, 8, 0xFFFF) + b"x")),
    "dimensions": book(record(0x200, struct.pack("<IIHHH", 0, 0xFFFFFFFF, 0, 0xFFFF, 0)) + number(0, 0, 1)),
    "corner": book(number(65535, 255, 1) + number(0, 0, 1)),
    "columns": book(number(0, 65535, 1)),
    "continuations": book(record(0x204, struct.pack("<HHHHB", 0, 0, 0, 0xFFFF, 0)) + record(0x3C, b"") * 200_000),
    "areas": book(
        number(0, 0, 1) + record(0xE5, struct.pack("<H", 1000) + struct.pack("<4H", 0, 65535, 0, 255) * 1000)
    ),
    "formulas": book(formula(0, 0, b"\0\0\0\0\0\0\xff\xff") * 20_000),
    "formats": book(b"", globals_=record(0x41E, struct.pack("<H", 200) + unicode("0;" * 4000)) * 300),
    "sheets": record(0x809, BOF_BOOK) + record(0x85, bytes(6) + unicode("S", "<B")) * 50_000 + record(0x0A),
    "charts": book(record(0x809, struct.pack("<HHHH", 0x0600, 0x20, 0, 0)) * 100_000),
    "cyclic": _cyclic(),
    "cyclic_directory": _loop_of_directories(),
    "labels": book(b"".join(label(row, 0, "x" * 30) for row in range(3000))),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_a_hostile_file_gives_rows_or_an_error_soon(name: str, tmp_path: Path) -> None:
    assert len(HOSTILE[name]) < 5 << 20
    path = tmp_path / "a.xls"
    path.write_bytes(HOSTILE[name])
    started = time.monotonic()
    with suppress(PgDataHubError):
        cells_of(path)
    assert time.monotonic() - started < SECONDS
    assert MEMORY_BYTES + 20 * len(HOSTILE[name]) < 500 << 20


def test_a_greedy_process_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(book(b"".join(number(row, column, row) for row in range(9000) for column in range(9))))
    with pytest.raises(PgDataHubError, match="MiB of memory"):
        XlsWorkbook(source_of(path), memory=24 << 20)


def test_answers_of_long_texts_have_few_rows() -> None:
    cells = Cells()
    for row in range(300):
        cells.put_text(row, 0, "x" * 100_000, 0)
        cells.put(row, 1, NUMBER, row, 0)
    answers = list(cells.batches(1000))
    rows = [row for numbers, _, _ in answers for row in memoryview(numbers).cast("H")]
    assert rows == list(range(300))
    assert len(answers) == 4
