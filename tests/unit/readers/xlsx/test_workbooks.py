"""Workbooks as odd as writers make them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.model.workbooks import SheetInfo
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.values.cells import Kind, TextColumn, Value, column_letters

Cells = Callable[..., dict[str, Value]]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
ROWS = '<row r="1"><c r="A1" t="s"><v>1</v></c><c r="C1"><v>2</v></c></row>'
SHEET = f'<worksheet xmlns="{MAIN}"><sheetData>{ROWS}</sheetData></worksheet>'
PREFIXED = (
    f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>1</x:v></x:c>'
    '<x:c r="C1"><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>'
)
EXPECTED = {"A1": "beta", "C1": 2}


@pytest.mark.parametrize(
    "sheet",
    [
        SHEET,
        SHEET.encode("utf-16"),
        b"\xef\xbb\xbf" + SHEET.encode(),
        '<?xml version="1.0" encoding="ISO-8859-1"?>' + SHEET,
        SHEET.replace(MAIN, STRICT),
        '<?xml version="1.0"?>\n<!-- made by hand -->\n' + SHEET,
        SHEET.replace("<sheetData>", '<dimension ref="Z100:Z100"/><sheetData>'),
        SHEET.replace("<sheetData>", "<sheetData >").replace("</sheetData>", "</sheetData\n>"),
        PREFIXED,
        SHEET.replace('<row r="1">', "<row>").replace(' r="A1"', "").replace(' r="C1"', ' r="C1"'),
        SHEET.replace('<row r="1">', "<row>"),
        SHEET.replace('"A1"', '"a1"'),
        SHEET.replace('"', "'"),
    ],
)
@pytest.mark.parametrize("reader", available_readers())
def test_sheets_are_read_however_their_xml_is_written(sheet: str | bytes, reader: Reader, cells: Cells) -> None:
    assert cells(sheet=sheet, reader=reader) == EXPECTED


def test_rows_and_cells_without_numbers_follow_one_another(cells: Cells) -> None:
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row><row/><row><c/><c><v>3</v></c></row>"
    assert cells(rows) == {"A1": 1, "B1": 2, "B3": 3}
    mixed = '<row r="5"><c r="C5"><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>'
    assert cells(mixed) == {"C5": 1, "D5": 2, "A6": 3}
    assert cells('<row><c r="B7"><v>1</v></c></row>') == {"B7": 1}


def repack(file: BytesIO, change: Callable[[str, bytes], tuple[str, bytes] | None], **settings: Any) -> BytesIO:
    """Return a zip file with its entries changed."""
    packed = BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w", **settings) as new:
        for name in old.namelist():
            changed = change(name, old.read(name))
            if changed:
                new.writestr(*changed)
    return packed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'Target="worksheets/sheet1.xml"', b'Target="/xl/worksheets/sheet1.xml"'),
        (b'Target="worksheets/sheet1.xml"', b'Target="xl/worksheets/sheet1.xml"'),
        (b'Target="worksheets/sheet1.xml"', b'Target="./worksheets/../worksheets/sheet1.xml"'),
        (b'Target="worksheets/sheet1.xml"', b'Target="worksheets\\sheet1.xml"'),
        (b'Target="worksheets/sheet1.xml"', b'Target="Worksheets/Sheet1.XML"'),
        (b'Target="worksheets/sheet1.xml"', b'Target="worksheets/sheet%31.xml"'),
        (b"http://schemas.openxmlformats.org/officeDocument/2006", b"http://purl.oclc.org/ooxml/officeDocument"),
    ],
)
def test_parts_are_found_however_they_are_referred_to(old: bytes, new: bytes, book: Any, sheet_cells: Any) -> None:
    file = repack(book(ROWS), lambda name, data: (name, data.replace(old, new)))
    assert sheet_cells(XlsxWorkbook(file, name="x").open(0)) == EXPECTED


def test_names_with_backslashes_are_found(book: Any, sheet_cells: Any) -> None:
    file = repack(book(ROWS), lambda name, data: (name.replace("/", "\\"), data))
    assert sheet_cells(XlsxWorkbook(file, name="x").open(0)) == EXPECTED


def test_workbook_without_relationships_is_found_by_type(book: Any, sheet_cells: Any) -> None:
    file = repack(book(ROWS), lambda name, data: None if name == "_rels/.rels" else (name, data))
    assert sheet_cells(XlsxWorkbook(file, name="x").open(0)) == EXPECTED


def test_styles_and_shared_strings_may_be_missing(cells: Cells) -> None:
    rows = '<row r="1"><c r="A1" s="3"><v>2</v></c></row>'
    assert cells(rows, styles=None, sharedStrings=None) == {"A1": 2}


def test_data_descriptors_stored_parts_and_zip64_are_read(book: Any, sheet_cells: Any) -> None:
    class Unseekable(BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    file = book(ROWS)
    streamed = Unseekable()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(streamed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            with new.open(name, "w", force_zip64=True) as part:
                part.write(old.read(name))
    for variant in (BytesIO(streamed.getvalue()), book(ROWS, compression=zipfile.ZIP_STORED)):
        assert sheet_cells(XlsxWorkbook(variant, name="x").open(0)) == EXPECTED


def test_bytes_before_and_after_the_zip_file_do_no_harm(book: Any, sheet_cells: Any) -> None:
    data = book(ROWS).getvalue()
    with_comment = BytesIO(data)
    with zipfile.ZipFile(with_comment, "a") as archive:
        archive.comment = b"x" * 1000
    for variant in (BytesIO(b"#!junk\n" + data), with_comment):
        assert sheet_cells(XlsxWorkbook(variant, name="x").open(0)) == EXPECTED


def test_a_path_is_as_good_as_a_file(book: Any, sheet_cells: Any, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(book(ROWS).getvalue())
    with closing(XlsxWorkbook(path, name="x")) as workbook:
        assert sheet_cells(workbook.open(0)) == EXPECTED
        workbook.close()


def test_sheets_know_their_visibility_and_charts_are_not_sheets(book: Any) -> None:
    workbook_part = (
        f'<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="Data" r:id="rId1"/><sheet name="&lt;Old&gt;" state="hidden" r:id="rId1"/>'
        '<sheet name="Deep" state="veryHidden" r:id="rId1"/><sheet name="Chart" r:id="rId9"/></sheets></workbook>'
    )

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        chart = b'<Relationship Id="rId9" Type="x/chartsheet" Target="chartsheets/sheet1.xml"/></Relationships>'
        return name, data.replace(b"</Relationships>", chart) if name.endswith("workbook.xml.rels") else data

    workbook = XlsxWorkbook(repack(book(ROWS, workbook=workbook_part), change), name="book.xlsx")
    assert workbook.sheets == [
        SheetInfo(name="Data"),
        SheetInfo(name="<Old>", visible=False),
        SheetInfo(name="Deep", visible=False),
    ]


def with_sheets(book: Any, sheets: str, *relationships: str) -> XlsxWorkbook:
    """Return a workbook with these ``<sheet>`` elements and with these ``<Relationship>`` elements beside the usual ones."""
    workbook_part = (
        f'<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f"<sheets>{sheets}</sheets></workbook>"
    )

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        end = "".join((*relationships, "</Relationships>")).encode()
        return name, data.replace(b"</Relationships>", end) if name.endswith("workbook.xml.rels") else data

    return XlsxWorkbook(repack(book(ROWS, workbook=workbook_part), change), name="book.xlsx")


@pytest.mark.parametrize(
    ("identifier", "relationship", "message"),
    [
        ("rId77", "", "has no part for it"),
        ("", "", "has no part for it"),
        ("rId2", "", "styles.xml is not a worksheet .styles"),
        (
            "rId9",
            '<Relationship Id="rId9" Type="x/worksheet" Target="worksheets/sheet7.xml"/>',
            "sheet7.xml is missing",
        ),
        ("rId9", '<Relationship Id="rId9" Type="x/worksheet" Target="styles.xml"/>', "begins with <styleSheet>"),
        (
            "rId9",
            '<Relationship Id="rId9" Type="x/worksheet" Target="worksheets/sheet1.xml" TargetMode="External"/>',
            "has no part for it",
        ),
    ],
)
def test_a_listed_sheet_without_a_worksheet_is_refused(
    book: Any, sheet_cells: Any, identifier: str, relationship: str, message: str
) -> None:
    sheets = f'<sheet name="First" r:id="{identifier}"/><sheet name="Second" r:id="rId1"/>'
    with closing(with_sheets(book, sheets, relationship)) as workbook:
        assert workbook.sheets == [SheetInfo(name="First"), SheetInfo(name="Second")]
        with pytest.raises(CorruptError, match=f"book.xlsx › First: .*{message}"):
            sheet_cells(workbook.open(0))
        assert sheet_cells(workbook.open(1)) == EXPECTED


def test_sheets_of_one_name_are_opened_by_position(book: Any, sheet_cells: Any) -> None:
    sheets = '<sheet name="Data" state="hidden" r:id="rId9"/><sheet name="Data" r:id="rId1"/>'
    other = '<Relationship Id="rId9" Type="x/worksheet" Target="nothing.xml"/>'
    with closing(with_sheets(book, sheets, other)) as workbook:
        sheet = workbook.open(1)
        assert sheet.name == "Data (sheet 2)"
        assert sheet_cells(sheet) == EXPECTED
        with pytest.raises(CorruptError, match=r"Data \(sheet 1\): the part"):
            workbook.open(0)


def test_hidden_columns_are_known_before_the_first_batch(book: Any) -> None:
    columns = '<cols><col min="2" max="3" hidden="1"/><col min="5" max="5" hidden="0"/><col min="9" max="99999" hidden="true"/></cols>'
    sheet = XlsxWorkbook(book(sheet=SHEET.replace("<sheetData>", f"{columns}<sheetData>")), name="x").open(0)
    assert sheet.hidden_columns == {1, 2, *range(8, 16384)}


def test_a_merged_area_is_filled_where_asked_for(cells: Cells) -> None:
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"/><c r="C1"><v>1</v></c></row>'
        '<row r="2"><c r="A2"/><c r="C2"><v>2</v></c></row><row r="3"><c r="A3"/><c r="B3"/></row>'
        '<row r="4"><c r="C4" s="1"><v>4</v></c></row>'
    )
    sheet = SHEET.replace(ROWS, rows).replace(
        "</sheetData>", '</sheetData><mergeCells><mergeCell ref="A1:B4"/><mergeCell ref="C4:D4"/></mergeCells>'
    )
    alone = cells(sheet=sheet)
    assert sorted(alone) == ["A1", "C1", "C2", "C4"]
    filled = cells(sheet=sheet, merged="fill")
    # Row 3 has nothing of its own: it stays blank.
    assert sorted(filled) == ["A1", "A2", "A4", "B1", "B2", "B4", "C1", "C2", "C4", "D4"]
    assert {filled[address] for address in ("A1", "A2", "A4", "B1", "B2", "B4")} == {"alpha"}
    assert filled["D4"] == filled["C4"] == alone["C4"]


def test_shared_strings_past_the_limit_are_read_from_disk(book: Any, sheet_cells: Any) -> None:
    texts = [f"string {number}" if number % 7 else "" for number in range(3000)]
    strings = f'<sst xmlns="{MAIN}">' + "".join(f"<si><t>{text}</t></si>" for text in texts) + "</sst>"
    rows = "".join(f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{2999 - n}</v></c></row>' for n in range(3000))
    for limit in (0, 1000, 10**6):
        limits = Limits(strings_in_memory=limit)
        with closing(XlsxWorkbook(book(rows, sharedStrings=strings), name="x", limits=limits)) as workbook:
            found = sheet_cells(workbook.open(0))
        assert found == {f"A{n + 1}": texts[2999 - n] for n in range(3000) if texts[2999 - n]}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("<si><t>plain</t></si>", "plain"),
        ('<si><t xml:space="preserve"> kept </t></si>', " kept "),
        ("<si><t> not kept\u00a0</t></si>", "not kept\u00a0"),
        (
            "<si><r><rPr><b/></rPr><t>rich</t></r><r><t xml:space='preserve'> te</t></r><r><t> xt</t></r></si>",
            "rich text",
        ),
        ("<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh><phoneticPr fontId='1'/></si>", "東京"),
        ("<si><t>a&amp;lt;b&#10;</t></si>", "a&lt;b"),
        ("<si><t>a\r\nb\\N\t</t></si>", "a\nb\\N"),
        ("<si><t><![CDATA[<c>]]></t></si>", "<c>"),
        ("<si/>", None),
        ("<si><t/></si>", None),
        ("<si><t>\u3000</t></si>", None),
    ],
)
def test_a_shared_string_is_the_text_that_excel_shows(item: str, text: str | None, cells: Cells) -> None:
    # Long enough for the splitting of shared strings, the item in the middle of it.
    strings = f'<sst xmlns="{MAIN}">{"<si><t>x</t></si>" * 500}{item}{"<si><t>y</t></si>" * 500}</sst>'
    rows = '<row r="1"><c r="A1" t="s"><v>500</v></c><c r="B1" t="s"><v>499</v></c><c r="C1" t="s"><v>501</v></c></row>'
    found = cells(rows, sharedStrings=strings)
    assert found.get("A1") == text
    assert (found["B1"], found["C1"]) == ("x", "y")


def test_a_column_of_one_kind_travels_as_found(book: Any) -> None:
    numbers = ("0.1", "9007199254740993", "1E-7", "43.0", "0.10000000000000001")
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{text}</v></c></row>' for n, text in enumerate(numbers, 1))
    (batch,) = XlsxWorkbook(book(rows), name="x").open(0).batches(10)
    assert batch.columns == {0: TextColumn(kind=Kind.NUMBER, texts=tuple(text.encode() for text in numbers))}


def test_a_header_takes_no_column_out_of_its_compact_form(book: Any) -> None:
    header = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, 5000))
    batches = list(XlsxWorkbook(book(header + rows), name="x").open(0).batches(10_000))
    compact = sum(len(batch.rows) for batch in batches if isinstance(batch.columns[0], TextColumn))
    assert compact > 4800


def test_blank_styled_rows_by_the_ten_thousand_cost_little(book: Any) -> None:
    blank = "".join(f'<row r="{n}"><c r="A{n}" s="1"/><c r="B{n}" s="2"/></row>' for n in range(2, 50_000))
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row>{blank}<row r="50000"><c r="B50000"><v>2</v></c></row>'
    batches = list(XlsxWorkbook(book(rows), name="x").open(0).batches(1000))
    assert [row for batch in batches for row in batch.rows] == [1, 50_000]


def test_nor_does_it_where_rows_are_so_wide_that_a_piece_has_few(book: Any) -> None:
    letters = [column_letters(position) for position in range(100)]
    header = "".join(f'<c r="{letter}1" t="str"><v>Head {letter}</v></c>' for letter in letters)
    rows = "".join(
        f'<row r="{n}">' + "".join(f'<c r="{letter}{n}"><v>{n}.5</v></c>' for letter in letters) + "</row>"
        for n in range(2, 900)
    )
    workbook = XlsxWorkbook(book(f'<row r="1">{header}</row>{rows}'), name="wide.xlsx")
    cells = {True: 0, False: 0}
    for batch in workbook.open(0).batches(10_000):
        for column in batch.columns.values():
            cells[isinstance(column, TextColumn)] += len(batch.rows)
    workbook.close()
    assert sum(cells.values()) == 899 * 100
    assert cells[True] > 9 * cells[False]
