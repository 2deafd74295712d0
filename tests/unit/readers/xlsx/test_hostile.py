"""Workbooks that are damaged or made to harm: a clear error, in bounded time and memory."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest

from pgdatahub.errors import CorruptError, EncryptedError, ReadError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.values.cells import InvalidValue, Value

Cells = Callable[..., dict[str, Value]]
MIB = 1024 * 1024
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """No attack may take more than 100 MiB of Python's memory."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * MIB


def bomb(sheet_bytes: int) -> bytes:
    head = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
    return head + b" " * sheet_bytes + b"</sheetData></worksheet>"


def test_a_part_that_unfolds_a_thousandfold_is_refused(cells: Cells) -> None:
    with pytest.raises(CorruptError, match="400 times its size"):
        cells(sheet=bomb(40 * MIB), limits=Limits(ratio_from=16 * MIB))


def test_a_part_larger_than_the_limit_is_refused(cells: Cells) -> None:
    with pytest.raises(CorruptError, match="unfolds to more than 1,048,576 bytes"):
        cells(sheet=bomb(2 * MIB), limits=Limits(part_bytes=MIB))


def test_a_bomb_in_the_styles_or_the_shared_strings_is_refused(cells: Cells) -> None:
    with pytest.raises(CorruptError, match=r"xl/styles\.xml unfolds"):
        cells('<row r="1"><c r="A1"><v>1</v></c></row>', styles=bomb(40 * MIB))
    with pytest.raises(CorruptError, match=r"xl/sharedStrings\.xml unfolds"):
        cells(
            '<row r="1"><c r="A1"><v>1</v></c></row>', sharedStrings=bomb(40 * MIB), limits=Limits(ratio_from=16 * MIB)
        )


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE worksheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE worksheet SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_a_dtd_is_refused_in_every_part(doctype: str, cells: Cells) -> None:
    text = '<row r="1"><c r="A1" t="inlineStr"><is><t>&b;&x;</t></is></c></row>'
    with pytest.raises(CorruptError, match="has a DTD"):
        cells(sheet=f'{doctype}<worksheet xmlns="{MAIN}"><sheetData>{text}</sheetData></worksheet>')
    for part in ("workbook", "styles", "sharedStrings"):
        with pytest.raises(CorruptError, match="has a DTD"):
            cells(text, **{part: f"{doctype}<x/>"})


def test_deep_nesting_is_refused(cells: Cells) -> None:
    deep = "<x>" * 100_000 + "</x>" * 100_000
    with pytest.raises(CorruptError, match="nests elements"):
        cells(sheet=f'<worksheet xmlns="{MAIN}">{deep}<sheetData/></worksheet>')
    with pytest.raises(CorruptError, match="nests elements"):
        cells(f'<row r="1"><c r="A1"><extLst>{deep}</extLst></c></row>')
    with pytest.raises(CorruptError, match="nests elements"):
        cells(sharedStrings=f"<sst>{deep}</sst>")
    with pytest.raises(CorruptError, match="nests elements"):
        cells(styles=f"<styleSheet>{deep}</styleSheet>")


@pytest.mark.parametrize("address", ["ZZZZZZZ1", "XFE1", "A99999999", "A0", "1", "A-1", "", "$A$1", "A1048577", "Ä1"])
def test_a_cell_beyond_any_sheet_is_refused(address: str, cells: Cells) -> None:
    row = address.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") or "1"
    if address:
        with pytest.raises(CorruptError):
            cells(f'<row r="{row}"><c r="{address}"><v>1</v></c></row>')
        with pytest.raises(CorruptError):
            cells(f'<row r="1"><c r="{address}"><v>1</v></c></row>')


def test_more_columns_than_a_sheet_has_are_refused(cells: Cells) -> None:
    with pytest.raises(CorruptError, match="16,384 columns"):
        cells("<row>" + "<c><v>1</v></c>" * 16_385 + "</row>")


@pytest.mark.parametrize("row", ["0", "-1", "1048577", "99999999999", "x", "1.5"])
def test_a_row_beyond_any_sheet_is_refused(row: str, cells: Cells) -> None:
    with pytest.raises(CorruptError, match="number"):
        cells(f'<row r="{row}"><c><v>1</v></c></row>')


@pytest.mark.parametrize("reader", available_readers())
def test_rows_out_of_order_are_sorted(reader: Reader, cells: Cells) -> None:
    rows = [f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(1, 400)]
    rows[200], rows[300] = rows[300], rows[200]
    found = cells("".join(rows), reader=reader)
    assert list(found.items()) == [(f"A{number}", number) for number in range(1, 400)]


@pytest.mark.parametrize("reader", available_readers())
def test_row_that_is_there_twice_is_refused(reader: Reader, cells: Cells) -> None:
    rows = [f'<row r="{number}"><c r="A{number}"><v>1</v></c></row>' for number in (1, 3, 2, 3)]
    with pytest.raises(CorruptError, match="row 3 is there twice"):
        cells("".join(rows), reader=reader)


def test_too_many_cell_styles_are_refused(cells: Cells) -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{"<xf/>" * 250_001}</cellXfs></styleSheet>'
    with pytest.raises(CorruptError, match="more than 100,000 number formats or 250,000 cell styles"):
        cells('<row r="1"><c r="A1"><v>1</v></c></row>', styles=styles)


def test_number_formats_beyond_reason_are_refused(cells: Cells) -> None:
    formats = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="0"/>' for n in range(100_001))
    with pytest.raises(CorruptError, match="more than 100,000 number formats"):
        cells(
            '<row r="1"><c r="A1"><v>1</v></c></row>',
            styles=f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts></styleSheet>',
        )


@pytest.mark.parametrize("reader", available_readers())
def test_values_under_merged_areas_are_left_out(reader: Reader, cells: Cells) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>{n}</v></c></row>' for n in range(1, 5))
    merged = '<mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="A4:B4"/></mergeCells>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{merged}</worksheet>'
    found = cells(sheet=sheet, reader=reader)
    assert found == {"A1": 1, "B1": 1, "A2": 2, "B2": 2, "B3": 3, "A4": 4}


def test_merged_areas_that_overlap_are_refused(cells: Cells) -> None:
    merged = "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 20_000 + "</mergeCells>"
    sheet = (
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>{merged}</worksheet>'
    )
    with pytest.raises(CorruptError, match="merged areas overlap"):
        cells(sheet=sheet)


@pytest.mark.parametrize("reader", available_readers())
def test_a_cell_of_ten_megabytes_is_refused(reader: Reader, cells: Cells) -> None:
    small = "".join(f'<row r="{n}"><c r="A{n}" t="str"><v>a</v></c></row>' for n in range(1, 300))
    text = "a" * (10 * MIB)
    with pytest.raises(CorruptError, match=r"A300.*1,048,576"):
        cells(f'{small}<row r="300"><c r="A300" t="str"><v>{text}</v></c></row>', reader=reader, compression=0)
    with pytest.raises(CorruptError, match="a shared string has more than"):
        cells(sharedStrings=f"<sst><si><t>a</t></si><si><t>{text}</t></si></sst>", compression=0)
    with pytest.raises(CorruptError, match="tag or comment"):
        cells(f'<row r="1" x="{text}"/>', reader=reader, compression=0)


def test_a_row_of_many_large_cells_is_refused(cells: Cells) -> None:
    text = "a" * 60_000
    row = "".join(f'<c t="str"><v>{text}</v></c>' for _ in range(40))
    with pytest.raises(CorruptError, match="the row has more than"):
        cells(f"<row>{row}</row>", limits=Limits(row_bytes=MIB))


def test_a_merged_area_of_all_cells_does_not_fill_the_memory(cells: Cells) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 1001))
    sheet = (
        f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
        "</worksheet>"
    )
    with pytest.raises(CorruptError, match="merged areas cover more than"):
        cells(sheet=sheet, merged="fill")
    with pytest.raises(CorruptError, match="which is nowhere"):
        cells(sheet=sheet.replace("A1:XFD1048576", "A1:ZZZ9"), merged="fill")


# ── the zip file ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_truncation_is_an_error(book: Any, sheet_cells: Any) -> None:
    whole = book('<row r="1"><c r="A1" t="s"><v>1</v></c></row>').getvalue()
    for length in range(0, len(whole), 7):
        with pytest.raises(ReadError):
            sheet_cells(XlsxWorkbook(BytesIO(whole[:length]), name="x").open(0))


def test_part_names_with_two_points_are_names_like_any_other(book: Any, sheet_cells: Any) -> None:
    file = book('<row r="1"><c r="A1"><v>1</v></c></row>')
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../../etc/passwd", "no")
    assert sheet_cells(XlsxWorkbook(file, name="x").open(0)) == {"A1": 1}


def test_a_target_that_leaves_the_package_is_a_missing_part(book: Any) -> None:
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="x/worksheet" Target="../../../etc/passwd"/></Relationships>'
    )
    file = book()
    replaced = BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(replaced, "w") as new:
        for name in old.namelist():
            new.writestr(name, rels if name.endswith("workbook.xml.rels") else old.read(name))
    with pytest.raises(CorruptError, match="etc/passwd is missing"):
        XlsxWorkbook(replaced, name="x").open(0)


def test_two_parts_of_one_name_are_refused(book: Any) -> None:
    file = book()
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("XL/Worksheets/Sheet1.XML", "no")
    with pytest.raises(CorruptError, match="two parts named"):
        XlsxWorkbook(file, name="x").open(0)


def test_overlapping_entries_are_refused(book: Any) -> None:
    data = bytearray(book().getvalue())
    # Let the second entry of the directory begin where the first one does.
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    with pytest.raises(CorruptError, match=r"overlap|another name|damaged"):
        XlsxWorkbook(BytesIO(bytes(data)), name="x").open(0)


def test_a_directory_that_claims_gigabytes_is_refused(book: Any) -> None:
    data = bytearray(book().getvalue())
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<L", 0xFFFFFF00)
    with pytest.raises(CorruptError):
        XlsxWorkbook(BytesIO(bytes(data)), name="x")


def test_a_wrong_checksum_is_found_even_where_the_xml_is_sound(book: Any, sheet_cells: Any) -> None:
    file = book('<row r="1"><c r="A1"><v>12345</v></c></row>', compression=zipfile.ZIP_STORED)
    data = file.getvalue().replace(b"<v>12345</v>", b"<v>12346</v>")
    with pytest.raises(CorruptError, match=r"book.xlsx › Data: .*checksum is wrong"):
        sheet_cells(XlsxWorkbook(BytesIO(data), name="book.xlsx").open(0))


def test_a_size_that_is_not_true_is_found(book: Any, sheet_cells: Any) -> None:
    data = bytearray(book('<row r="1"><c r="A1"><v>12345</v></c></row>').getvalue())
    at = data.index(b"xl/worksheets/sheet1.xml", data.index(b"PK\x01\x02")) - 46
    data[at + 24 : at + 28] = struct.pack("<L", 10)
    with pytest.raises(CorruptError, match="more than the 10 bytes"):
        sheet_cells(XlsxWorkbook(BytesIO(bytes(data)), name="x").open(0))


def test_an_entry_encrypted_by_the_zip_format_is_called_so(book: Any) -> None:
    data = bytearray(book().getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            data[at + offset] |= 1
    with pytest.raises(EncryptedError):
        XlsxWorkbook(BytesIO(bytes(data)), name="x")


def test_compression_method_foreign_to_workbooks_is_named(book: Any) -> None:
    with pytest.raises(CorruptError, match=r"method \(14\)"):
        XlsxWorkbook(book(compression=zipfile.ZIP_LZMA), name="x")


@pytest.mark.parametrize(
    "text",
    [
        "<worksheet>",
        "<worksheet><sheetData><row></sheetData></worksheet>",
        "",
        "\0",
        "<worksheet>&undefined;</worksheet>",
        "<worksheet/><b/>",
    ],
)
def test_xml_that_is_not_well_formed_is_refused(text: str, cells: Cells) -> None:
    with pytest.raises(CorruptError, match="not well-formed"):
        cells(sheet=text)


def test_an_unknown_encoding_is_refused(cells: Cells) -> None:
    for encoding in ("nonsense", "utf-32", "shift_jis", "base64", "idna"):
        with pytest.raises(CorruptError, match=r"encoding|well-formed"):
            cells(sheet=f'<?xml version="1.0" encoding="{encoding}"?><worksheet/>')


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ('<row r="2"><c r="A2"><v>1<v>2</v></v></c></row>', "A2"),
        ('<row r="2"><c r="A2"><v>1<b/>2</v></c></row>', "A2"),
        ('<row r="2"><c r="A2"><v>1</v><v>2</v></c></row>', "A2"),
        ('<row r="2"><c r="A2"><v>1</v><c r="B2"><v>2</v></c></c></row>', "A2"),
        ('<row r="2"><c r="A2"><row r="3"/><v>1</v></c></row>', "A2"),
        ('<row r="2"><c r="A2"><x><v>1</v></x></c></row>', "A2"),
        ('<row r="2"><c r="A2" t="inlineStr"><is><is><t>a</t></is></is></c></row>', "A2"),
        ('<row r="2"><c r="A2" t="inlineStr"><is><t>a</t></is><is><t>b</t></is></c></row>', "A2"),
        ('<row r="2"><c r="A2" t="inlineStr"><is><t>a<t>b</t></t></is></c></row>', "A2"),
        ('<row r="2"><c r="A2" t="inlineStr"><is><r><t>a<b/>c</t></r></is></c></row>', "A2"),
        ('<row r="2"><c r="A2" t="inlineStr"><is><r><r><t>a</t></r></r></is></c></row>', "A2"),
        ('<row r="2"><c r="A2" t="inlineStr"><t>a</t></c></row>', "A2"),
        ('<row r="2"><row r="3"><c r="A3"><v>1</v></c></row></row>', "row 2"),
        ('<row r="2"><v>1</v></row>', "row 2"),
        ('<row r="2"/><c r="A2"><v>1</v></c>', "row 2"),
        ('<row r="2"/><sheetData><row r="3"><c r="A3"><v>1</v></c></row></sheetData>', "row 2"),
        ('<row r="2"/></sheetData><sheetData><row r="3"/>', "sheet1.xml"),
    ],
)
def test_elements_out_of_place_are_damage(rows: str, where: str, cells: Cells) -> None:
    with pytest.raises(CorruptError, match=where):
        cells(rows)


def test_extensions_may_have_any_element(cells: Cells) -> None:
    extension = '<extLst><ext uri="x"><c><v>9</v></c></ext></extLst>'
    found = cells(f'<row r="1"><c r="A1"><v>1</v>{extension}</c><c r="B1"><v>2</v></c>{extension}</row>')
    assert found == {"A1": 1, "B1": 2}


def test_phonetic_guides_are_no_text_of_the_cell(cells: Cells) -> None:
    runs = '<r><rPr><b/></rPr><t>a</t></r><rPh sb="0" eb="1"><t>x</t></rPh><phoneticPr fontId="1"/>'
    assert cells(f'<row r="1"><c r="A1" t="inlineStr"><is>{runs}</is></c></row>') == {"A1": "a"}


@pytest.mark.parametrize("index", ["-1", "1.5", "é"])
@pytest.mark.parametrize("reader", available_readers())
def test_an_invalid_index_is_quoted_as_it_is_written(reader: Reader, index: str, cells: Cells) -> None:
    part = f'<sst xmlns="{MAIN}"><si><t>a</t></si></sst>'
    found = cells(f'<row r="1"><c r="A1" t="s"><v>{index}</v></c></row>', sharedStrings=part, reader=reader)
    assert found == {"A1": InvalidValue(f"'{index}' is not the index of a shared string")}


@pytest.mark.parametrize("string", ["<si><t>a<t>b</t></t></si>", "<si><si><t>a</t></si></si>"])
def test_nested_shared_strings_are_damage(string: str, cells: Cells) -> None:
    part = f'<sst xmlns="{MAIN}">{string}</sst>'
    with pytest.raises(CorruptError, match="shared string"):
        cells('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', sharedStrings=part)


@pytest.mark.parametrize("reader", available_readers())
def test_attributes_by_the_thousand_take_linear_time(reader: Reader, cells: Cells) -> None:
    attributes = " ".join(f'a{number}="1"' for number in range(2000))
    rows = "".join(f'<row r="{row}" {attributes}><c r="A{row}"><v>{row}</v></c></row>' for row in range(1, 101))
    begin = time.process_time()
    assert len(cells(rows, reader=reader)) == 100
    assert time.process_time() - begin < 5
