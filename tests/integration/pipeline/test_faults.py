"""Cells that no column can hold: all are named, up to a limit, and those of a column left out do not matter."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.readers.ods.conftest import make_ods
from tests.unit.readers.xls import conftest as xls
from tests.unit.readers.xlsb import building as xlsb
from tests.unit.readers.xlsx.conftest import make_book

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

NAMED = "b_column"


def xlsx_row(number: int, *cells: str) -> str:
    """Return a row of cells, each given as the attributes, ``>`` and the content of its element."""
    made = "".join(f'<c r="{chr(65 + index)}{number}" {cell}</c>' for index, cell in enumerate(cells) if cell)
    return f'<row r="{number}">{made}</row>'


def xlsx_text(text: str) -> str:
    return f't="inlineStr"><is><t>{text}</t></is>'


XLSX_INVALID = (
    "><v>1E400</v>",
    "><v>NaN</v>",
    "><v>-Infinity</v>",
    't="e"><v>#N/A</v>',
    "><v>1,5</v>",
    't="b"><v>yes</v>',
    't="s"><v>99</v>',
    't="s"><v>x</v>',
    't="odd"><v>1</v>',
    "><f>1+1</f>",
)


def write_xlsx(path: Path) -> None:
    rows = [xlsx_row(1, xlsx_text("a"), xlsx_text(NAMED))]
    rows += [xlsx_row(number, "><v>7</v>", cell) for number, cell in enumerate(XLSX_INVALID, 2)]
    path.write_bytes(make_book("".join(rows)).getvalue())


ODS_INVALID = (
    'office:value-type="float" office:value="1E400"/>',
    'office:value-type="float" office:value="NaN"/>',
    'office:value-type="float" office:value="Infinity"/>',
    'office:value-type="float" office:value="1,5"/>',
    'office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>',
    'table:formula="of:=1+1"/>',
)


def write_ods(path: Path) -> None:
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(f'<table:table-cell {cell}' for cell in cells)}</table:table-row>"

    def text(value: str) -> str:
        return f'office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    seven = 'office:value-type="float" office:value="7"/>'
    rows = [row(text("a"), text(NAMED)), *(row(seven, cell) for cell in ODS_INVALID)]
    path.write_bytes(make_ods("".join(rows)).getvalue())


def write_xlsb(path: Path) -> None:
    invalid = (
        xlsb.real(1, float("nan")),
        xlsb.real(1, float("-inf")),
        xlsb.cell(3, 1, b"\x2a"),
        xlsb.cell(7, 1, struct.pack("<I", 9)),
    )
    rows = [xlsb.row(1), xlsb.text(0, "a"), xlsb.text(1, NAMED)]
    for number, cell in enumerate(invalid, 2):
        rows += [xlsb.row(number), xlsb.rk(0, 7), cell]
    path.write_bytes(xlsb.workbook([xlsb.sheet(*rows)]).getvalue())


def write_xls(path: Path) -> None:
    invalid = (
        xls.number(1, 1, float("nan")),
        xls.number(2, 1, float("inf")),
        xls.record(0x205, struct.pack("<HHHBB", 3, 1, 0, 0x2A, 1)),
        xls.record(0xFD, struct.pack("<HHHI", 4, 1, 0, 9)),
    )
    cells = xls.label(0, 0, "a") + xls.label(0, 1, NAMED)
    for number, cell in enumerate(invalid, 1):
        cells += xls.number(number, 0, 7) + cell
    path.write_bytes(xls.compound(xls.book(cells)))


FORMATS = {
    ".xlsx": (write_xlsx, XLSX_INVALID),
    ".ods": (write_ods, ODS_INVALID),
    ".xlsb": (write_xlsb, range(4)),
    ".xls": (write_xls, range(4)),
}


@pytest.fixture(params=FORMATS)
def written(request: pytest.FixtureRequest, warehouse: Warehouse) -> int:
    """Return the number of invalid cells of the only file in the folder."""
    write, invalid = FORMATS[request.param]
    path = warehouse.root / "t" / f"a{request.param}"
    path.parent.mkdir(parents=True)
    write(path)
    return len(invalid)


def test_column_left_out_is_not_judged(warehouse: Warehouse, written: int) -> None:
    warehouse.configure(f"t:\n  errors: fail\n  columns:\n    {NAMED}:\n      skip: true\n")
    warehouse.load()
    assert warehouse.rows("t") == [(7,)] * written


def test_failure_names_all_invalid_cells(warehouse: Warehouse, written: int) -> None:
    warehouse.configure("t:\n  errors: fail\n")
    failure = warehouse.fail().failure
    assert failure is not None
    assert str(failure.where).endswith("B2")
    assert [f"B{row}: " in failure.message for row in range(3, written + 2)] == [True] * (written - 1)


def test_failure_of_a_hidden_row_left_out_is_none(warehouse: Warehouse) -> None:
    warehouse.configure("t:\n  hidden: skip\n  stop_at: total\n")
    hidden = '<row r="2" hidden="1"><c r="A2"><v>1E400</v></c></row>'
    end = xlsx_row(4, xlsx_text("total")) + xlsx_row(5, "><v>1E400</v>")
    path = warehouse.root / "t" / "a.xlsx"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_book(xlsx_row(1, xlsx_text("a")) + hidden + xlsx_row(3, "><v>7</v>") + end).getvalue())
    warehouse.load()
    assert warehouse.rows("t") == [(7,)]


def test_failure_names_at_most_ten_cells(warehouse: Warehouse) -> None:
    rows = [xlsx_row(1, xlsx_text("a")), *(xlsx_row(number, "><v>1E400</v>") for number in range(2, 20_000))]
    path = warehouse.root / "t" / "a.xlsx"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_book("".join(rows)).getvalue())
    failure = warehouse.fail().failure
    assert failure is not None
    assert "A11: " in failure.message
    assert failure.message.endswith("; and more")
    assert len(failure.message) < 1500


def test_failure_names_cells_that_do_not_fit_their_type(warehouse: Warehouse) -> None:
    warehouse.configure("t:\n  columns:\n    a:\n      type: integer\n    b:\n      type: date\n")
    warehouse.write("t/a.xlsx", [["a", "b"], ["x", None], [1, "2025-13-01"], ["y", None], ["x", "?"]])
    failure = warehouse.fail().failure
    assert failure is not None
    assert str(failure.where).endswith("A2")
    assert [failure.message.count(place) for place in ("B3: ", "A4: ", "A5: ", "B5: ")] == [1] * 4


def test_failure_names_headers_and_cells_of_all_sheets(warehouse: Warehouse) -> None:
    warehouse.configure('t:\n  sheet: "*"\n  errors: fail\n  header_row: 1\n')
    path = warehouse.root / "t" / "a.ods"
    path.parent.mkdir(parents=True)

    def table(*rows: str) -> str:
        return "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)

    head = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    error = '<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
    path.write_bytes(
        make_ods(
            sheets={
                "One": table(head + error, error),
                "Two": table("<table:table-cell/>", head),
                "Three": table(head, error),
            }
        ).getvalue()
    )
    failure = warehouse.fail().failure
    assert failure is not None
    assert str(failure.where).endswith("One › B1")
    assert "One › A2: the cell shows the error #N/A" in failure.message
    assert "Two: row 1, which should have the headers, is empty" in failure.message
    assert "Three › A2: the cell shows the error #N/A" in failure.message


def test_failure_names_cells_before_the_end_of_reading(warehouse: Warehouse) -> None:
    rows = xlsx_row(1, xlsx_text("a")) + xlsx_row(2, "><v>1E400</v>") + xlsx_row(3, "><v>7</v>") * 2
    path = warehouse.root / "t" / "a.xlsx"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_book(rows).getvalue())
    failure = warehouse.fail().failure
    assert failure is not None
    assert str(failure.where).endswith("A2")
    assert "row 3 is there twice" in failure.message


def test_failure_names_cells_before_damage_of_an_xlsb(warehouse: Warehouse) -> None:
    warehouse.configure("t:\n  errors: fail\n")
    path = warehouse.root / "t" / "a.xlsb"
    path.parent.mkdir(parents=True)
    rows = (xlsb.row(1), xlsb.text(0, "a"), xlsb.row(2), xlsb.cell(3, 0, b"\x2a"))
    path.write_bytes(xlsb.workbook([xlsb.sheet(*rows, xlsb.row(3), xlsb.rk(0, 1), xlsb.rk(0, 2))]).getvalue())
    failure = warehouse.fail().failure
    assert failure is not None
    assert str(failure.where).endswith("A2")
    assert "A3: the cell is there twice" in failure.message


def test_failure_names_cells_before_damage_of_an_ods(warehouse: Warehouse) -> None:
    path = warehouse.root / "t" / "a.ods"
    path.parent.mkdir(parents=True)
    text = '<table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell></table:table-row>'
    fault = '<table:table-row><table:table-cell office:value-type="float" office:value="1E400"/></table:table-row>'
    far = '<table:table-cell table:number-columns-repeated="20000"/>'
    beyond = f'<table:table-row>{far}<table:table-cell office:value-type="float" office:value="1"/></table:table-row>'
    path.write_bytes(make_ods(text + fault + beyond).getvalue())
    failure = warehouse.fail().failure
    assert failure is not None
    assert str(failure.where).endswith("A2")
    assert "row 3 has a value beyond" in failure.message
