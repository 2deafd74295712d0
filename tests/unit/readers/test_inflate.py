"""Workbooks are read where ISA-L has no wheel, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import xlsxwriter

READ = """
import sys
sys.modules["isal"] = None if sys.argv[2] == "zlib" else sys.modules.get("isal", __import__("isal"))
from pathlib import Path
from pgdatahub.errors import CorruptError
from pgdatahub.readers.packages.inflate import crc32
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
print(crc32.__module__ if crc32.__module__ == "zlib" else "isal")
try:
    book = XlsxWorkbook(Path(sys.argv[1]), name="x", piece_bytes=7000)
    print(sum(len(batch.rows) for batch in book.open(0).batches(1000)))
except CorruptError as error:
    print("refused")
"""


def write_book(path: Path) -> bytes:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for row in range(3000):
        sheet.write_row(row, 0, [row, f"name {row}", row / 7])
    book.close()
    return path.read_bytes()


def read(path: Path, library: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), library], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("library", ["isal", "zlib"])
def test_workbook_is_inflated_by_either_library(library: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    data = write_book(path)
    assert read(path, library) == [library, "3000"]
    at = data.index(b"xl/worksheets/sheet1.xml") + 20_000
    path.write_bytes(data[:at] + bytes(64) + data[at + 64 :])
    assert read(path, library) == [library, "refused"]
