"""Named ranges and merged areas of headers in ``.xls``, ``.xlsb`` and ``.ods`` workbooks."""

from __future__ import annotations

import struct
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.xls.workbook import XlsWorkbook
from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from tests.unit.readers.ods.conftest import NAMESPACES, make_ods
from tests.unit.readers.xls.conftest import book, compound, label, record, source_of, unicode
from tests.unit.readers.xlsb import building as b

AREA, CELL, OFFSET, UNION = 0x3B, 0x3A, b"\x22\x03\x4e\x00", b"\x10"
PROBLEMS = {
    "Cell": "one cell",
    "Broken": "#REF!",
    "Deleted": "#REF!",
    "Dyn": "formula (OFFSET",
    "Union": "several areas",
    "ThreeD": "several areas",
    "Other": "another workbook",
    "Const": "constant",
}


def _usable(ranges: list[RangeInfo]) -> dict[str, RangeInfo]:
    """Return the usable ranges by name, after the reasons of the others were compared."""
    problems = {one.name: one.problem for one in ranges if one.problem is not None}
    assert {name for name in problems if PROBLEMS[name] not in (problems[name] or "")} == set()
    assert problems.keys() >= PROBLEMS.keys() - {"Other", "Deleted"}
    return {one.name: one for one in ranges if one.problem is None}


# ── .xls ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _xls_name(name: str, tokens: bytes, *, sheet: int = 0, flags: int = 0) -> bytes:
    head = struct.pack("<HBBHHHI", flags, 0, len(name), len(tokens), 0, sheet, 0)
    return record(0x18, head + unicode(name, "<B")[1:] + tokens)


def _xls_area(reference: int, top: int, bottom: int, left: int, right: int) -> bytes:
    return struct.pack("<BHHHHH", AREA, reference, top, bottom, left, right)


def _write(path: Path, stream: bytes) -> XlsWorkbook:
    path.write_bytes(compound(stream))
    return XlsWorkbook(source_of(path))


def test_xls_names_are_areas_or_tell_why_not(tmp_path: Path) -> None:
    books = record(0x1AE, struct.pack("<H", 2) + b"\x01\x04") + record(0x1AE, struct.pack("<H", 1) + unicode("b.xls"))
    pairs = ((0, 0, 0), (0, 1, 1), (1, 0, 0), (0, 0, 1), (0, -1, -1))
    references = record(0x17, struct.pack("<H", len(pairs)) + b"".join(struct.pack("<Hhh", *pair) for pair in pairs))
    one, two = _xls_area(0, 1, 3, 0, 2), _xls_area(1, 0, 65535, 0xC001, 0xC002)
    names = (
        _xls_name("Sales", one),
        _xls_name("Columns", two),
        _xls_name("Rows", _xls_area(0, 4, 9, 0, 255)),
        _xls_name("Local", one, sheet=2, flags=1),
        _xls_name("\x06", one, sheet=1, flags=0x20),
        _xls_name("\x07", one, flags=0x20),
        _xls_name("Macro", one, flags=0x0E),
        _xls_name("Cell", struct.pack("<BHHH", CELL, 0, 1, 1)),
        _xls_name("Broken", b"\x3d" + one[1:]),
        _xls_name("Deleted", _xls_area(4, 1, 3, 0, 2)),
        _xls_name("Dyn", one + b"\x1e\0\0" * 2 + OFFSET),
        _xls_name("Union", one + one + UNION),
        _xls_name("ThreeD", _xls_area(3, 1, 3, 0, 2)),
        _xls_name("Other", _xls_area(2, 1, 3, 0, 2)),
        _xls_name("Const", b"\x1e\x05\x00"),
        record(0x18, b"\0\0\0"),
    )
    stream = book(label(0, 0, "a"), globals_=books + references + b"".join(names), sheets=("Data", "Zwei"))
    with closing(_write(tmp_path / "a.xls", stream)) as workbook:
        found = _usable(list(workbook.ranges))
    assert {name: (one.sheet, one.rows, one.columns, one.scope) for name, one in found.items()} == {
        "Sales": (0, (2, 4), (0, 2), None),
        "Columns": (1, (1, None), (1, 2), None),
        "Rows": (0, (5, 10), (0, None), None),
        "Local": (0, (2, 4), (0, 2), 1),
        "Print_Area": (0, (2, 4), (0, 2), 0),
    }
    assert found["Local"].hidden


def test_xls_merged_areas_of_headers_are_known(tmp_path: Path) -> None:
    areas = struct.pack("<HHHHHHHHH", 2, 2, 2, 1, 2, 5, 6, 0, 0)
    with closing(_write(tmp_path / "a.xls", book(label(2, 1, "2025") + record(0xE5, areas)))) as workbook:
        (area,) = workbook.open(0).header_areas(3, 4)
    assert (area.first_row, area.last_row, area.first_column, area.last_column) == (3, 3, 1, 2)


# ── .xlsb ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _xlsb_area(reference: int, top: int, bottom: int, left: int, right: int) -> bytes:
    return struct.pack("<BHIIHH", AREA, reference, top, bottom, left, right)


def test_xlsb_names_and_tables_are_ranges() -> None:
    one = _xlsb_area(0, 1, 3, 0, 2)
    books = b.references((0, 0, 0), (0, 1, 1), (1, 0, 0), (0, 0, 1), (0, -1, -1))
    names = (
        b.defined_name("Sales", one),
        b.defined_name("Columns", _xlsb_area(1, 0, 1048575, 0xC001, 0xC002)),
        b.defined_name("Local", one, sheet=1, flags=1),
        b.defined_name("_xlnm.Print_Area", one, sheet=0, flags=0x20),
        b.defined_name("_xlnm._FilterDatabase", one, sheet=0, flags=0x21),
        b.defined_name("Macro", one, flags=0x0E),
        b.defined_name("Cell", struct.pack("<BHIH", CELL, 0, 1, 1)),
        b.defined_name("Broken", b"\x3d" + one[1:]),
        b.defined_name("Deleted", _xlsb_area(4, 1, 3, 0, 2)),
        b.defined_name("Dyn", one + b"\x1e\0\0" * 2 + OFFSET),
        b.defined_name("Union", one + one + UNION),
        b.defined_name("ThreeD", _xlsb_area(3, 1, 3, 0, 2)),
        b.defined_name("Other", _xlsb_area(2, 1, 3, 0, 2)),
        b.defined_name("Const", b"\x1e\x05\x00"),
        b.defined_name("All", b"\x18\x19" + struct.pack("<HHIHH", 0, 4, 7, 0, 0)),
    )
    tables = [
        (1, b.table("Orders", (9, 13, 1, 2), ("id", "n"), number=7, totals=1)),
        (1, b.table("Bare", (20, 22, 0, 1), ("x", "y"), number=8, headers=0)),
        (0, b.table("New", (30, 31, 0, 1), ("x", "y"), number=9, flags=4)),
    ]
    sheets = [b.sheet(b.row(1), b.rk(0, 1))] * 2
    file = b.workbook(sheets, names=("Data", "Zwei"), after_sheets=books + b"".join(names), tables=tables)
    workbook = XlsbWorkbook(file, name="a.xlsb")
    found = _usable(list(workbook.ranges))
    workbook.close()
    assert {name: (one.sheet, one.rows, one.columns, one.scope) for name, one in found.items()} == {
        "Sales": (0, (2, 4), (0, 2), None),
        "Columns": (1, (1, None), (1, 2), None),
        "Local": (0, (2, 4), (0, 2), 1),
        "Print_Area": (0, (2, 4), (0, 2), 0),
        "Orders": (1, (10, 13), (1, 2), None),
        "Bare": (1, (21, 23), (0, 1), None),
        "New": (0, (31, 31), (0, 1), None),
        "All": (1, (10, 13), (1, 2), None),
    }
    assert [name for name, one in found.items() if one.is_table] == ["New", "Orders", "Bare", "All"]
    assert {name: one.names for name, one in found.items() if one.names} == {"Bare": ("x", "y")}


@pytest.mark.parametrize("reader", available_readers())
def test_xlsb_merged_areas_of_headers_are_known(reader: Reader) -> None:
    part = b.sheet(b.row(3), b.text(1, "2025"), after=b.merged(2, 2, 1, 2) + b.merged(5, 6, 0, 0))
    workbook = XlsbWorkbook(b.workbook([part]), name="a.xlsb", reader=reader)
    (area,) = workbook.open(0).header_areas(3, 4)
    workbook.close()
    assert (area.first_row, area.last_row, area.first_column, area.last_column) == (3, 3, 1, 2)


# ── .ods ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cell(value: str, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{value}</text:p></table:table-cell>'


def _named(name: str, address: str) -> str:
    return f'<table:named-range table:name="{name}" table:base-cell-address="$Data.$A$1" table:cell-range-address="{address}"/>'


def _expression(name: str, expression: str) -> str:
    return f'<table:named-expression table:name="{name}" table:expression="{expression}"/>'


WIDE = _cell("2025", 'table:number-columns-spanned="2"')
ROWS = (
    f"<table:table-row>{_cell('named-expressions')}</table:table-row>"
    f"<table:table-row>{WIDE}<table:covered-table-cell/></table:table-row>"
    f"<table:table-row>{_cell('a')}{_cell('b')}</table:table-row>"
)
LOCAL = f"<table:named-expressions>{_named('Local', '$Data.$A$2:.$B$3')}</table:named-expressions>"
GLOBAL = (
    _named("Sales", "$Data.$A$2:.$C$4")
    + _named("Quoted", "$'My ''s'.$B$1:$'My ''s'.$C$5".replace("'", "&apos;"))
    + _named("Columns", "$Data.$B:.$C")
    + _named("Down", "$Data.$B$4:.$C$1048576")
    + _named("Cell", "$Data.$B$2")
    + _named("ThreeD", "$Data.$A$1:$&apos;My &apos;&apos;s&apos;.$B$2")
    + _named("Broken", "$Data.$#REF!$1:.$#REF!$2")
    + _expression("Dyn", "of:=OFFSET([$Data.$B$2];0;0)")
    + _expression("Const", "of:=0.19")
    + _expression("Union", "of:=[$Data.$A$1:.$B$2]~[$Data.$D$1:.$E$2]")
)
DATABASE = (
    '<table:database-range table:name="Orders" table:target-range-address="Data.B10:Data.D14"/>'
    '<table:database-range table:name="Bare" table:target-range-address="Data.B10:.D14" table:contains-header="false"/>'
    '<table:database-range table:name="__Anonymous_Sheet_DB__0" table:target-range-address="Data.A1:Data.B2"/>'
)


@pytest.mark.parametrize("comment", ["", "<!-- tags cannot be searched for -->"])
def test_ods_names_and_database_ranges_are_ranges(comment: str) -> None:
    content = (
        f"<office:document-content {NAMESPACES}><office:body><office:spreadsheet>{comment}"
        f'<table:table table:name="Data">{ROWS}{LOCAL}</table:table><table:table table:name="My \'s"/>'
        f"<table:named-expressions>{GLOBAL}</table:named-expressions><table:database-ranges>{DATABASE}"
        "</table:database-ranges></office:spreadsheet></office:body></office:document-content>"
    )
    workbook = OdsWorkbook(make_ods(content=content), name="a.ods")
    found = _usable(list(workbook.ranges))
    workbook.close()
    assert {name: (one.sheet, one.rows, one.columns, one.scope) for name, one in found.items()} == {
        "Orders": (0, (10, 14), (1, 3), None),
        "Bare": (0, (10, 14), (1, 3), None),
        "__Anonymous_Sheet_DB__0": (0, (1, 2), (0, 1), None),
        "Local": (0, (2, 3), (0, 1), 0),
        "Sales": (0, (2, 4), (0, 2), None),
        "Quoted": (1, (1, 5), (1, 2), None),
        "Columns": (0, (1, None), (1, 2), None),
        "Down": (0, (4, None), (1, 2), None),
    }
    assert (found["Orders"].names, found["Bare"].names) == (None, ())
    assert [name for name, one in found.items() if one.hidden] == ["__Anonymous_Sheet_DB__0"]


@pytest.mark.parametrize("reader", available_readers())
def test_ods_merged_areas_of_headers_are_known(reader: Reader) -> None:
    file: BytesIO = make_ods(sheets={"Data": ROWS, "More": ROWS})
    workbook = OdsWorkbook(file, name="a.ods", reader=reader)
    for position in range(2):
        sheet = workbook.open(position)
        rows = sheet.batches(1)
        first = next(rows)
        (area,) = sheet.header_areas(1, 3)
        assert (area.first_row, area.last_row, area.first_column, area.last_column) == (2, 2, 0, 1)
        assert [*first.rows, *(row for batch in rows for row in batch.rows)] == [1, 2, 3]
    workbook.close()
