"""Rows of a sheet in any order: sorted, or refused by name where the sheet is too large for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pgdatahub.readers.xlsb import sheet as xlsb_sheet
from pgdatahub.readers.xlsx import sheet as xlsx_sheet
from pgdatahub.runs.inspect import inspect
from tests.unit.readers.xlsb import building as xlsb
from tests.unit.readers.xlsx.conftest import make_book

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pipeline.conftest import Warehouse

LARGE = 150_000
"""Rows of a sheet of more than 8 MiB, whose rows are not held until its end."""


def write_xlsx(path: Path, numbers: list[int]) -> None:
    rows = [f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>{n / 4}</v></c></row>' for n in numbers if n > 1]
    header = "".join(f'<c r="{name.upper()}1" t="inlineStr"><is><t>{name}</t></is></c>' for name in "ab")
    place = numbers.index(1)
    rows.insert(place, f'<row r="1">{header}</row>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make_book("".join(rows)).getvalue())


def write_xlsb(path: Path, numbers: list[int]) -> None:
    cells = []
    for number in numbers:
        values = (
            (xlsb.text(0, "a"), xlsb.text(1, "b")) if number == 1 else (xlsb.rk(0, number), xlsb.real(1, number / 4))
        )
        cells += [xlsb.row(number), *values]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(xlsb.workbook([xlsb.sheet(*cells)]).getvalue())


WRITERS = {".xlsx": write_xlsx, ".xlsb": write_xlsb}


@pytest.mark.parametrize("last", [9, LARGE])
@pytest.mark.parametrize("ending", WRITERS)
def test_rows_in_any_order_are_sorted(warehouse: Warehouse, ending: str, last: int) -> None:
    numbers = [*range(last // 2, last + 1), *range(1, last // 2)]
    path = warehouse.root / "t" / f"a{ending}"
    WRITERS[ending](path, numbers)
    warehouse.load()
    assert warehouse.query("SELECT array_agg(a ORDER BY ctid) FROM t") == [(list(range(2, last + 1)),)]
    assert warehouse.query("SELECT count(*) FROM t WHERE b <> a / 4.0") == [(0,)]
    (sheet,) = inspect(warehouse.config, path).sheets
    assert (sheet.rows, sheet.header_row, sheet.failure) == (last - 1, 1, None)


@pytest.mark.parametrize("ending", WRITERS)
def test_large_sheet_out_of_order_is_refused(
    warehouse: Warehouse, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_sheet, "_SORTED_BYTES", 1000)
    monkeypatch.setattr(xlsb_sheet, "_SORTED_BYTES", 1000)
    WRITERS[ending](warehouse.root / "t" / f"a{ending}", [*range(2, LARGE + 1), 1])
    failure = warehouse.fail().failure
    assert failure is not None
    assert failure.message.startswith(f"row 1 comes after row {LARGE}, and the sheet is too large to be sorted")
    assert str(failure.hint).startswith("open and save it in")
