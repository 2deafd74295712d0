"""Binary workbooks: kinds of cells, formats, hidden and merged cells, and parts in unusual places."""

from __future__ import annotations

import struct
from datetime import datetime, time, timedelta
from io import BytesIO
from typing import Any

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.readers.detect import Format, detect
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.readers.xlsx.reader_choice import available_readers
from pgdatahub.values.cells import ErrorValue, InvalidValue
from pgdatahub.values.column_values import as_values
from tests.unit.readers.xlsb import building as b

BOOLEAN, ERROR = 4, 3


def cells_of(file: BytesIO, *, position: int = 0, **options: Any) -> dict[tuple[int, int], Any]:
    """Return the values of a sheet by row (from 1) and column (from 0), which all readers find."""
    data = file.getvalue()
    found, *others = [_cells(BytesIO(data), position, reader=reader, **options) for reader in available_readers()]
    assert all(other == found for other in others)
    return found


def _cells(file: BytesIO, position: int, **options: Any) -> dict[tuple[int, int], Any]:
    workbook = XlsbWorkbook(file, name="a.xlsb", **options)
    try:
        return {
            (row, column): value
            for batch in workbook.open(position).batches(1000)
            for column, cells in batch.columns.items()
            for row, value in zip(batch.rows, as_values(cells), strict=True)
            if value is not None
        }
    finally:
        workbook.close()


def one(data: bytes, **options: Any) -> Any:
    """Return the value of the only cell of a workbook."""
    (value,) = cells_of(b.workbook([b.sheet(b.row(1), data)], **options)).values()
    return value


def rk_value(value: int) -> bytes:
    return struct.pack("<I", value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b.rk(0, 501), 501),
        (b.rk(0, -3), -3),
        (b.cell(2, 0, struct.pack("<i", 12345 << 2 | 3)), 123.45),
        (b.cell(2, 0, rk_value(0x3FF80000)), 1.5),
        (b.cell(2, 0, rk_value(0x3FF80001)), 0.015),
        (b.real(0, 0.1), 0.1),
        (b.real(0, 2.0), 2),
        (b.real(0, 1e300), 1e300),
        (b.real(0, -0.0), 0),
        (b.cell(BOOLEAN, 0, b"\1"), True),
        (b.cell(BOOLEAN, 0, b"\0"), False),
        (b.cell(ERROR, 0, b"\x2a"), ErrorValue("#N/A")),
        (b.real(0, float("nan")), ErrorValue("#NUM!")),
        (b.text(0, "José \\ a\tb"), "José \\ a\tb"),
        (b.text(0, "😀"), "😀"),
        (b.text(0, "a_x000D_b"), "a_x000D_b"),
        (b.cell(62, 0, b"\1" + b.wide("rich") + bytes(8)), "rich"),
        (b.cell(8, 0, b.wide("result") + bytes(10)), "result"),
        (b.cell(9, 0, struct.pack("<d", 2.5) + bytes(10)), 2.5),
        (b.cell(10, 0, b"\1" + bytes(10)), True),
        (b.cell(11, 0, b"\x07" + bytes(10)), ErrorValue("#DIV/0!")),
        (b.cell(2, 0, struct.pack("<i", 7 << 2 | 2) + b"more"), 7),
    ],
)
def test_a_cell_gives_its_value(data: bytes, expected: object) -> None:
    assert one(data) == expected


@pytest.mark.parametrize("blank", [b.cell(1, 0), b.text(0, ""), b.text(0, " \t"), b.cell(8, 0, b.wide("") + bytes(9))])
def test_a_cell_without_a_value_is_empty(blank: bytes) -> None:
    assert cells_of(b.workbook([b.sheet(b.row(1), blank)])) == {}


@pytest.mark.parametrize(
    ("code", "number", "expected"),
    [
        ("dd/mm/yyyy", 45000.5, datetime.fromisoformat("2023-03-15 12:00")),
        (14, 45000, datetime.fromisoformat("2023-03-15")),
        (14, 60, 60),
        (14, -1, -1),
        ("hh:mm", 0.75, time(18)),
        ("[h]:mm", 1.5, timedelta(hours=36)),
        ("00000", 501, "00501"),
        ("00000\\-0000", 12345678, "01234-5678"),
        ('[=0]"";dd/mm/yyyy', 0, None),
        ("0.0 kg", 1.5, 1.5),
    ],
)
def test_a_number_format_decides_the_value(code: str | int, number: float, expected: object) -> None:
    file = b.workbook([b.sheet(b.row(1), b.rk(0, 1), b.real(1, number, style=1))], codes=[0, code])
    assert cells_of(file).get((1, 1)) == expected


def test_codes_and_names_lose_what_no_text_can_hold() -> None:
    rows = [b.row(1), b.real(0, 5, style=1)]
    file = b.workbook([b.sheet(*rows)], codes=[0, "00\\-\\\ud80000"], names=["a\ud800\0b"])
    assert XlsbWorkbook(BytesIO(file.getvalue()), name="a").sheets[0].name == "ab"
    assert cells_of(file) == {(1, 0): "00-05"}


def test_the_1904_system_counts_from_its_own_day() -> None:
    assert one(b.real(0, 1, style=0), codes=[14], date1904=True) == datetime.fromisoformat("1904-01-02")


def test_cells_without_a_column_number_follow_one_another() -> None:
    cells = [
        b.rk(2, 1),
        b.short(13, struct.pack("<i", 2 << 2 | 2)),
        b.short(12),
        b.short(16, struct.pack("<d", 0.5)),
        b.short(15, b"\1"),
        b.short(14, b"\x2a"),
        b.short(17, b.wide("text")),
        b.short(18, struct.pack("<I", 0)),
    ]
    found = cells_of(b.workbook([b.sheet(b.row(4), *cells)], items=[b"\0" + b.wide("shared")]))
    values = [1, 2, None, 0.5, True, ErrorValue("#N/A"), "text", "shared"]
    assert found == {(4, 2 + index): value for index, value in enumerate(values) if value is not None}


def test_shared_strings_are_their_text_without_runs() -> None:
    items = [b"\0" + b.wide("plain"), b"\1" + b.wide("rich") + bytes(12), b"\0" + b.wide(" "), b"\0" + b.wide("\n")]
    rows = [b.row(1), *(b.cell(7, column, struct.pack("<I", column)) for column in range(4))]
    assert cells_of(b.workbook([b.sheet(*rows)], items=items)) == {(1, 0): "plain", (1, 1): "rich"}


def test_characters_that_no_text_can_hold_are_counted() -> None:
    rows = [b.row(3), b.text(1, "a\0b"), b.text(2, "c\ud800d"), b.text(3, "fine")]
    sheet = XlsbWorkbook(b.workbook([b.sheet(*rows)]), name="a").open(0)
    (batch,) = sheet.batches(10)
    assert [as_values(column) for column in batch.columns.values()] == [["ab"], ["cd"], ["fine"]]
    assert dict(sheet.cleaned) == {"B3": 2}


def test_hidden_rows_and_columns_are_named() -> None:
    hidden = b.record(390) + b.record(60, struct.pack("<IIIIH", 1, 2, 2560, 0, 1)) + b.record(391)
    rows = [b.row(1), b.rk(0, 1), b.row(2, hidden=True), b.rk(0, 2)]
    sheet = XlsbWorkbook(b.workbook([b.sheet(*rows, before=hidden)]), name="a").open(0)
    assert sheet.hidden_columns == {1, 2}
    assert frozenset().union(*(batch.hidden_rows for batch in sheet.batches(10))) == {2}


def test_sheets_of_one_name_are_told_apart_by_position() -> None:
    parts = [b.sheet(b.row(1), b.rk(0, number)) for number in range(4)]
    names, states = ["Data", "Data", "Chart", "Hidden"], [0, 0, 0, 2]
    kinds = ["worksheet", "worksheet", "xlMacrosheet", "worksheet"]
    file = b.workbook(parts, names=names, states=states, kinds=kinds)
    book = XlsbWorkbook(file, name="a")
    assert [(sheet.name, sheet.visible) for sheet in book.sheets] == [("Data", True), ("Data", True), ("Hidden", False)]
    assert cells_of(file, position=1) == {(1, 0): 1}


def test_a_value_under_a_merged_area_is_left_out_and_named() -> None:
    rows = [b.row(1), b.rk(0, 1), b.rk(1, 2), b.row(2), b.rk(0, 3), b.rk(2, 4)]
    data = b.sheet(*rows, after=b.merged(0, 1, 0, 1))
    sheet = XlsbWorkbook(b.workbook([data]), name="a").open(0)
    found = {
        (batch.rows[0], column): as_values(cells)[0]
        for batch in sheet.batches(1)
        for column, cells in batch.columns.items()
    }
    assert {place: value for place, value in found.items() if value is not None} == {(1, 0): 1, (2, 2): 4}
    assert sheet.notices == [
        "2 values under merged areas were not loaded, since no program shows a covered cell; the first is Sheet1 › B1"
    ]
    assert cells_of(b.workbook([data]), merged="fill") == {(1, 0): 1, (1, 1): 1, (2, 0): 1, (2, 1): 1, (2, 2): 4}


def test_records_of_later_versions_are_skipped() -> None:
    later = b.record(35, bytes(4)) + b.record(3000, bytes(300)) + b.record(36)
    within = b.record(37, bytes(6)) + b.record(1024, bytes(2)) + b.record(38)
    rows = [b.row(1), within, b.rk(0, 1), later, b.record(2000, bytes(5_000_000)), b.rk(1, 2)]
    assert cells_of(b.workbook([b.sheet(*rows)])) == {(1, 0): 1, (1, 1): 2}


def test_stored_results_that_may_be_old_are_named() -> None:
    calculation = b.record(157, bytes(24) + b"\1\0")
    rows = [b.row(2), b.cell(9, 1, struct.pack("<d", 1) + bytes(10))]
    sheet = XlsbWorkbook(b.workbook([b.sheet(*rows)], calculation=calculation), name="a").open(0)
    assert list(sheet.batches(10))
    assert len(sheet.notices) == 1
    assert "Sheet1 › B2" in sheet.notices[0]


def test_many_rows_are_whole_numbers_in_the_compact_form() -> None:
    rows = [data for number in range(1, 60_001) for data in (b.row(number), b.rk(0, number), b.real(1, number / 4))]
    batches = list(XlsbWorkbook(b.workbook([b.sheet(*rows)]), name="a").open(0).batches(100_000))
    assert [number for batch in batches for number in batch.rows] == list(range(1, 60_001))
    assert [value for batch in batches for value in as_values(batch.columns[1])] == [n / 4 for n in range(1, 60_001)]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b.row(1) + b.rk(0, 1) + b.rk(0, 2), "A1: the cell is there twice"),
        (b.row(1) + b.rk(1, 1) + b.rk(0, 2), "A1: the cell comes after B1"),
        (b.row(2) + b.rk(0, 1) + b.row(1), "row 1 comes after row 2"),
        (b.row(2) + b.rk(0, 1) + b.row(2), "row 2 is there twice"),
        (b.row(1) + b.rk(16384, 1), "beyond the 16,384 columns"),
        (b.row(1048577), "row has the number"),
        (b.rk(0, 1), "before its first row"),
        (b.row(1) + b.cell(5, 0, bytes(7)), "A1: the cell is cut off"),
        (b.row(1) + b.cell(6, 0, b"\xff\xff\xff\x7f"), "A1: the cell is cut off"),
        (b.record(0, bytes(3)), "row without its properties"),
        (b.row(1) + b.record(2, bytes(3)), "cell in row 1 that is cut off"),
        (b.record(146) + b.row(5), "cell outside of its rows"),
        (b.row(1) + b.record(6, bytes(5_000_000)), "record of 5,000,000 bytes"),
    ],
)
def test_damage_is_named(data: bytes, fault: str) -> None:
    with pytest.raises(CorruptError) as caught:
        cells_of(b.workbook([b.sheet(data)]))
    assert fault in str(caught.value)


def test_a_text_that_the_workbook_lacks_is_an_invalid_cell() -> None:
    data = b.row(1) + b.cell(7, 0, struct.pack("<I", 9)) + b.rk(1, 2)
    fault = InvalidValue("'9' refers to a shared string past the last of 0")
    assert cells_of(b.workbook([b.sheet(data)])) == {(1, 0): fault, (1, 1): 2}


def test_a_part_that_ends_in_a_record_is_named_with_its_place() -> None:
    part = b.record(129) + b.record(145) + b.row(1) + b.rk(0, 1)
    for cut in (len(part), len(part) - 1, len(part) - 13, len(part) - 14):
        with pytest.raises(CorruptError, match=r"worksheets/sheet1.bin ends within .* at byte \d+"):
            cells_of(b.workbook([part[:cut]]))


def test_a_workbook_in_another_folder_is_found() -> None:
    parts = {
        "_rels/.rels": b'<Relationships xmlns="x"><Relationship Id="1" Type="a/officeDocument" Target="/book/wb.bin"/></Relationships>',
        "book/wb.bin": b.record(131) + b.record(156, struct.pack("<II", 0, 1) + b.wide("r1") + b.wide("S")),
        "book/_rels/wb.bin.rels": b'<Relationships xmlns="x"><Relationship Id="r1" Type="a/worksheet" Target="s.bin"/></Relationships>',
        "book/s.bin": b.sheet(b.row(1), b.rk(0, 5)),
    }
    assert detect(b.package(parts)).format is Format.XLSB
    assert cells_of(b.package(parts)) == {(1, 0): 5}


def test_a_workbook_is_found_by_its_content_type() -> None:
    types = b'<Types><Override PartName="/a/wb.bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
    parts = {"[Content_Types].xml": types, "a/wb.bin": b.record(131)}
    assert detect(b.package(parts)).format is Format.XLSB
    assert XlsbWorkbook(b.package(parts), name="a").sheets == []


def test_a_listed_sheet_without_its_part_fails_when_opened() -> None:
    file = b.workbook([b.sheet(), b.sheet()], kinds=["worksheet", "pivotTable"])
    with pytest.raises(CorruptError, match="not a worksheet"):
        XlsbWorkbook(file, name="a").open(1)


def test_shared_strings_that_are_cut_off_are_damage() -> None:
    with pytest.raises(CorruptError, match="shared string 1 "):
        cells_of(b.workbook([b.sheet()], items=[b"\0" + b.wide("a"), b"\0" + b.wide("abc")[:-1]]))


def test_shared_strings_go_to_disk_beyond_a_limit() -> None:
    items = [b"\0" + b.wide(f"text {number}") for number in range(12_000)]
    rows = [b.row(1), *(b.cell(7, column, struct.pack("<I", column)) for column in range(12_000))]
    found = cells_of(b.workbook([b.sheet(*rows)], items=items), limits=Limits(strings_in_memory=100))
    assert list(found.values()) == [f"text {number}" for number in range(12_000)]
