"""Batches that begin where ranges begin: the content stays the same, and the compiled core's tallies are kept."""

from __future__ import annotations

import random
from contextlib import closing
from io import BytesIO
from typing import TYPE_CHECKING, Final

import pytest

from pgdatahub.config.cell_ranges import parse_range
from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.tables.window import Window
from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.values.cells import TextColumn, Value
from pgdatahub.values.column_values import as_values
from tests.unit.readers.ods.conftest import make_ods
from tests.unit.readers.xlsb import building
from tests.unit.readers.xlsx.conftest import make_book

if TYPE_CHECKING:
    from pgdatahub.model.workbooks import Workbook

NUMBERS: Final = [*range(1, 61), *range(80, 121)]
"""Rows with a value: 61 to 79 have none."""
HEADERS: Final = (1, 41, 80)


def _open(suffix: str, reader: Reader) -> Workbook:
    """Return a workbook of three tables below each other, of an integer and a text each."""
    cells = {row: (f"n{row}", "text") if row in HEADERS else (row, f"t{row}") for row in NUMBERS}
    if suffix == "xlsx":
        rows = "".join(
            f'<row r="{row}">{_xlsx(f"A{row}", first)}{_xlsx(f"B{row}", second)}</row>'
            for row, (first, second) in cells.items()
        )
        return XlsxWorkbook(make_book(rows), name="a.xlsx", reader=reader)
    if suffix == "xlsb":
        records = b"".join(
            building.row(row) + (building.text(0, first) if isinstance(first, str) else building.rk(0, first))
            + building.text(1, second)
            for row, (first, second) in cells.items()
        )  # fmt: skip
        return XlsbWorkbook(building.workbook([building.sheet(records)]), name="a.xlsb", reader=reader)
    gap = '<table:table-row table:number-rows-repeated="19"><table:table-cell/></table:table-row>'
    body = "".join(
        f"{gap if row == 80 else ''}<table:table-row>{_ods(first)}{_ods(second)}</table:table-row>"
        for row, (first, second) in cells.items()
    )
    return OdsWorkbook(BytesIO(make_ods(body).getvalue()), name="a.ods", reader=reader)


def _xlsx(address: str, value: int | str) -> str:
    if isinstance(value, int):
        return f'<c r="{address}"><v>{value}</v></c>'
    return f'<c r="{address}" t="inlineStr"><is><t>{value}</t></is></c>'


def _ods(value: int | str) -> str:
    kind = f'"float" office:value="{value}"' if isinstance(value, int) else '"string"'
    return f"<table:table-cell office:value-type={kind}><text:p>{value}</text:p></table:table-cell>"


def _rows(window: str) -> list[int]:
    area = parse_range(window)
    return list(Window(text=window, first_row=area.first_row, last_row=area.last_row).break_rows(1))


BREAKS: Final = sorted({row for window in ("A1:B40", "A41:B60", "A80:B") for row in _rows(window)})


@pytest.mark.parametrize("suffix", ["xlsx", "xlsb", "ods"])
@pytest.mark.parametrize("reader", [reader for reader in available_readers() if reader != "parser"])
def test_breaks_leave_the_rows_of_a_sheet_alone(suffix: str, reader: Reader) -> None:
    found: dict[int, tuple[Value, ...]] = {}
    starts = set()
    with closing(_open(suffix, reader)) as workbook:
        sheet = workbook.open(0)
        sheet.break_before(BREAKS)  # type: ignore[attr-defined]  # optional in the protocol
        for batch in sheet.batches(100):
            starts.add(batch.rows[0])
            columns = [as_values(batch.columns[position]) for position in (0, 1)]
            found |= dict(zip(batch.rows, zip(*columns, strict=True), strict=True))
            if reader == "native" and len(batch.rows) > 1:
                assert all(isinstance(column, TextColumn) and column.tally for column in batch.columns.values())
    assert list(found) == NUMBERS
    assert [found[row] for row in (1, 2, 41, 42, 60, 80, 120)] == [
        ("n1", "text"), (2, "t2"), ("n41", "text"), (42, "t42"), (60, "t60"), ("n80", "text"), (120, "t120"),
    ]  # fmt: skip
    if reader == "native":
        assert starts >= {1, 2, 41, 42, 80, 81}


@pytest.mark.parametrize("suffix", ["xlsx", "xlsb", "ods"])
@pytest.mark.parametrize("seed", range(5))
def test_any_breaks_leave_the_rows_of_a_sheet_alone(suffix: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - test data
    with closing(_open(suffix, available_readers()[0])) as workbook:
        sheet = workbook.open(0)
        sheet.break_before(sorted(chance.sample(range(1, 140), k=20)))  # type: ignore[attr-defined]  # optional
        batches = list(sheet.batches(chance.choice([1, 7, 100])))
    cells = [
        cell
        for batch in batches
        for cell in zip(batch.rows, *(as_values(batch.columns[at]) for at in (0, 1)), strict=True)
    ]
    assert cells == [(row, *((f"n{row}", "text") if row in HEADERS else (row, f"t{row}"))) for row in NUMBERS]


def test_break_rows_are_headers_data_and_what_is_below() -> None:
    assert _rows("A4:B20") == [4, 5, 21, 22]
    assert _rows("A4:B") == [4, 5]
