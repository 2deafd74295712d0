"""Small binary workbooks that ask for much are read or refused in bounded time and memory."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsb import XlsbWorkbook
from tests.systems import peak_kilobytes
from tests.unit.readers.xlsb import building as b


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Bounds for one workbook: 10 s and 500 MB."""
    begun, before = time.process_time(), peak_kilobytes()
    yield
    assert time.process_time() - begun < 10
    assert peak_kilobytes() - before < 500 * 1024


def rows_of(sheet: bytes, **parts: object) -> int:
    """Return the number of rows that a worksheet gives."""
    workbook = XlsbWorkbook(b.workbook([sheet], **parts), name="a")  # type: ignore[arg-type]
    try:
        return sum(len(batch.rows) for batch in workbook.open(0).batches(10_000))
    finally:
        workbook.close()


def test_a_million_cell_styles_are_bounded() -> None:
    with suppress(FileError):
        assert rows_of(b.sheet(b.row(1), b.real(0, 1, style=999_999)), codes=[14] * 700_000) == 1


def test_a_column_of_many_formats_is_bounded() -> None:
    count = 40_000
    codes = [f"0000{number:05d}".replace("9", "0") + f'"{number}"' for number in range(count)]
    rows = [data for number in range(count) for data in (b.row(number + 1), b.real(0, number, style=number))]
    with suppress(FileError):
        assert rows_of(b.sheet(*rows), codes=codes) == count


def test_columns_that_are_hidden_again_and_again_are_refused() -> None:
    column = b.record(60, struct.pack("<IIIIH", 0, 16383, 2560, 0, 1))
    with pytest.raises(CorruptError, match="again and again"):
        rows_of(b.sheet(before=column * 100_000))


def test_merged_areas_over_all_rows_are_bounded() -> None:
    area = b.record(176, struct.pack("<4I", 0, 1048575, 5, 6))
    rows = [data for number in range(50_000) for data in (b.row(number + 1), b.rk(0, 1), b.rk(5, 1))]
    with pytest.raises(CorruptError, match="merged areas"):
        rows_of(b.sheet(*rows, after=area * 200_000))


def test_a_row_that_uses_all_columns_is_read() -> None:
    cells = [b.rk(column, 1) for column in range(16384)]
    assert rows_of(b.sheet(b.row(1), *cells, b.row(2), *cells)) == 2


def test_a_million_rows_without_a_value_are_skipped() -> None:
    rows = b"".join(b.row(number + 1) + b.cell(1, 0) for number in range(300_000))
    assert rows_of(b.sheet(rows)) == 0


def test_a_sheet_that_unfolds_without_end_is_refused() -> None:
    file = b.workbook([b.sheet(b.record(3000, bytes(20_000_000)))])
    workbook = XlsbWorkbook(file, name="a", limits=Limits(ratio_from=1_000_000))
    with closing(workbook), pytest.raises(CorruptError, match="unfolds"):
        list(workbook.open(0).batches(10_000))


def test_a_text_longer_than_a_cell_is_refused() -> None:
    with pytest.raises(CorruptError, match="A1: the text has more than"):
        rows_of(b.sheet(b.row(1), b.text(0, "x" * 1_100_000)))
