"""``.xls`` files, cell for cell against xlrd's own values; ``DIFFERENCES`` lists where xlrd says something else, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlrd

from pgdatahub.errors import PgDataHubError
from pgdatahub.readers.xls.workbook import XlsWorkbook
from pgdatahub.values.cells import ErrorValue
from pgdatahub.values.column_values import as_values
from tests.unit.readers.xls.conftest import source_of

CASES = Path(__file__).parents[3] / "cases"
CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS") or Path(__file__).parents[5] / "shared" / "corpus")

DIFFERENCES: dict[tuple[str, int, int], str] = {
    ("area.xls", 3, 0): "a value under a merged area is not loaded, and counted",
}


def files() -> list[Path]:
    return sorted(CASES.glob("*.xls")) + sorted(CORPUS.rglob("*.xls"))


def ours(path: Path) -> Iterator[dict[tuple[int, int], Any]]:
    with closing(XlsWorkbook(source_of(path))) as workbook:
        for position in range(len(workbook.sheets)):
            found: dict[tuple[int, int], Any] = {}
            for batch in workbook.open(position).batches(1000):
                for column, piece in batch.columns.items():
                    found |= {(row, column): cell for row, cell in zip(batch.rows, as_values(piece), strict=True)}
            yield {place: cell for place, cell in found.items() if cell is not None}


def theirs(path: Path) -> list[dict[tuple[int, int], Any]]:
    with open(os.devnull, "w") as log:  # noqa: PTH123 - xlrd prints remarks
        sheets = xlrd.open_workbook(str(path), logfile=log).sheets()
    return [
        {
            (row + 1, column): sheet.cell(row, column)
            for row in range(sheet.nrows)
            for column in range(sheet.row_len(row))
            if sheet.cell_type(row, column) not in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)
            and str(sheet.cell_value(row, column)).strip()
        }
        for sheet in sheets
    ]


def agree(cell: Any, value: Any) -> bool:
    """Return whether a value is what xlrd says of a cell, whichever date system the workbook has."""
    if cell.ctype == xlrd.XL_CELL_TEXT:
        return bool(value == cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return value is bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return isinstance(value, ErrorValue) and bool(value.code == xlrd.error_text_from_code[cell.value])
    if isinstance(value, (str, int, float)):
        return bool(float(value) == cell.value)  # a text is a code of zeros
    if isinstance(value, timedelta):
        return bool(abs(value.total_seconds() - cell.value * 86400) < 0.001)
    if isinstance(value, time):
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
        return bool(abs(seconds - cell.value * 86400) < 0.001)
    epochs = (datetime(1904, 1, 1), datetime(1899, 12, 30 if cell.value >= 61 else 31))  # noqa: DTZ001 - no zones
    return any(abs((value - epoch).total_seconds() - cell.value * 86400) < 0.001 for epoch in epochs)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_cells_are_those_that_xlrd_reads(path: Path) -> None:
    try:
        sheets = list(ours(path))
        expected = theirs(path)
    except PgDataHubError:
        pytest.skip("refused, as other tests check")
    except (xlrd.XLRDError, AssertionError, IndexError) as error:
        pytest.skip(f"xlrd cannot read it: {error}")
    assert len(sheets) == len(expected)
    for raw, cells in zip(expected, sheets, strict=True):
        differing = {place for place in raw.keys() | cells.keys() if place not in raw or place not in cells}
        differing |= {place for place in raw.keys() & cells.keys() if not agree(raw[place], cells[place])}
        assert {(path.name, *place) for place in differing} <= DIFFERENCES.keys()
