from __future__ import annotations

import re
import zipfile
from itertools import islice
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from openpyxl.worksheet.worksheet import Worksheet

from pgdatahub.reports.marked.errors import UnmarkableError
from tests.marked_workbooks import MACROS, fault, mark, stored_parts, with_parts, write_rich_workbook

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")  # openpyxl's own limits
RED = "FFFFC7CE"


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_workbook(tmp_path_factory.mktemp("rich") / "rich.xlsx")


@pytest.fixture(scope="module")
def marked(rich: Path) -> Path:
    out = rich.with_name("marked.xlsx")
    mark(
        rich,
        out,
        fault("values", "open, paid", ["B4", "B5"], column="status"),
        fault("max", "20", ["C16", "F16"], column="amount"),
        fault("required", None, ["A6", "K6", "B40"]),
        fault("min", "3", ["B2"], sheet="It's other"),
    )
    return out


def sheet_of(path: Path, name: str) -> Worksheet:
    sheet = openpyxl.load_workbook(path)[name]
    assert isinstance(sheet, Worksheet)
    return sheet


def coloured(sheet: Worksheet) -> set[str]:
    return {
        cell.coordinate
        for row in sheet.iter_rows()
        for cell in row
        if cell.fill.fill_type == "solid" and cell.fill.fgColor.rgb == RED
    }


def test_named_cells_and_no_others_are_coloured(marked: Path) -> None:
    assert coloured(sheet_of(marked, "Data")) == {"B4", "B5", "C16", "F16", "A6", "K6", "B40"}
    assert coloured(sheet_of(marked, "It's other")) == {"B2"}


def test_a_marked_cell_keeps_its_value_and_format(rich: Path, marked: Path) -> None:
    before, after = sheet_of(rich, "Data"), sheet_of(marked, "Data")
    for address in ("B5", "C16", "F16"):
        assert after[address].value == before[address].value
        assert after[address].number_format == before[address].number_format
        assert after[address].border.left.style == before[address].border.left.style
    assert openpyxl.load_workbook(marked, data_only=True)["Data"]["F16"].value == 45


def test_parts_without_marks_are_copied_byte_for_byte(rich: Path, marked: Path) -> None:
    before, after = stored_parts(rich), stored_parts(marked)
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == {
        "[Content_Types].xml",
        "xl/_rels/workbook.xml.rels",
        "xl/comments1.xml",
        "xl/drawings/vmlDrawing1.vml",
        "xl/styles.xml",
        "xl/workbook.xml",
        "xl/worksheets/sheet1.xml",
        "xl/worksheets/sheet2.xml",
    }


def test_a_sheet_changes_in_its_marked_cells_only(rich: Path, marked: Path) -> None:
    with zipfile.ZipFile(rich) as before, zipfile.ZipFile(marked) as after:
        old, new = (one.read("xl/worksheets/sheet1.xml").decode() for one in (before, after))
    new = re.sub(r'<row r="40"><c r="B40" s="\d+"/></row>|<c r="K6" s="\d+"/>', "", new)
    style = re.compile(r'(<c r="(?:B4|B5|C16|F16|A6)"[^>]*?) s="\d+"')
    new, old = style.sub(r"\1", new), style.sub(r"\1", old)
    assert new == old.replace(' tabSelected="1"', "").replace('<row r="6" spans="1:6"', '<row r="6"')


def test_comments_name_what_is_expected_beside_old_ones(marked: Path) -> None:
    comments = {
        cell.coordinate: cell.comment.text
        for row in sheet_of(marked, "Data").iter_rows()
        for cell in row
        if cell.comment is not None
    }
    assert comments["B4"] == "a comment of the sender"
    assert comments["B5"] == "one of these is expected: open, paid"
    assert comments["A6"] == "a value is expected; the cell is empty"
    assert set(comments) == {"B4", "B5", "C16", "F16", "A6", "K6", "B40"}
    other = sheet_of(marked, "It's other")["B2"].comment
    assert other is not None
    assert other.text == "at least 3 is expected"


def test_the_list_is_last_and_opened_first(marked: Path) -> None:
    workbook = openpyxl.load_workbook(marked)
    assert workbook.sheetnames == ["Data", "It's other", "pgdatahub faults"]
    assert workbook.active is workbook["pgdatahub faults"]
    assert [sheet.sheet_view.tabSelected for sheet in workbook.worksheets] == [None, None, True]


def test_the_list_links_to_each_cell(marked: Path) -> None:
    sheet = sheet_of(marked, "pgdatahub faults")
    links = {cell.value: cell.hyperlink.location for (cell,) in sheet["B5:B12"] if cell.hyperlink is not None}
    assert links["C16"] == "'Data'!C16"
    assert links["B2"] == "'It''s other'!B2"
    assert len(links) == 8


def test_values_in_the_list_are_texts(marked: Path) -> None:
    sheet = sheet_of(marked, "pgdatahub faults")
    assert {cell.data_type for row in sheet.iter_rows(min_row=5) for cell in row if cell.value is not None} == {"s"}
    assert sheet["D5"].value == "=1+1"


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path, marked: Path) -> None:
    mark(marked, tmp_path / "again.xlsx", fault("max", "20", ["C16"]))
    workbook = openpyxl.load_workbook(tmp_path / "again.xlsx")
    assert workbook.sheetnames[-2:] == ["pgdatahub faults", "pgdatahub faults 2"]
    assert workbook.active is workbook["pgdatahub faults 2"]


def test_macros_stay(tmp_path: Path) -> None:
    path = write_rich_workbook(tmp_path / "macros.xlsm", macros=True)
    mark(path, tmp_path / "out.xlsm", fault("max", "20", ["C16"]))
    with zipfile.ZipFile(tmp_path / "out.xlsm") as archive:
        assert archive.read("xl/vbaProject.bin") == MACROS
        assert b"macroEnabled" in archive.read("[Content_Types].xml")


def plain_workbook(path: Path, rows: int, columns: int = 2) -> Path:
    workbook = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = workbook.add_worksheet("Data")
    for row in range(rows):
        sheet.write_row(row, 0, [row] * columns)
    workbook.close()
    return path


def test_colours_and_comments_have_a_limit(tmp_path: Path) -> None:
    path = plain_workbook(tmp_path / "many.xlsx", 6_000)
    bad = [f"{letter}{row}" for row in range(1, 6_001) for letter in "AB"]
    done = mark(path, tmp_path / "out.xlsx", fault("max", "1", bad))
    assert (done.cells, done.comments) == (10_000, 1_000)
    rows = openpyxl.load_workbook(tmp_path / "out.xlsx", read_only=True)["pgdatahub faults"].iter_rows(values_only=True)
    remarks = [row[0] for row in islice(rows, 3, 5)]
    assert remarks == ["Only the first 10,000 cells are coloured.", "Only the first 1,000 cells have a comment."]


def test_a_sheet_without_rows_gets_marked_rows(tmp_path: Path) -> None:
    workbook = xlsxwriter.Workbook(tmp_path / "empty.xlsx")
    workbook.add_worksheet("Data")
    workbook.close()
    mark(tmp_path / "empty.xlsx", tmp_path / "out.xlsx", fault("required", None, ["B3", "A3"]))
    assert coloured(sheet_of(tmp_path / "out.xlsx", "Data")) == {"A3", "B3"}


def sheet_xml(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


def test_rows_in_comments_and_sections_are_no_rows(tmp_path: Path) -> None:
    path = plain_workbook(tmp_path / "plain.xlsx", 3)
    tricky = sheet_xml(path).replace(
        b'<row r="2"',
        b"<!-- <row r=\"9\"> </sheetData> --><?x </row> ?><row r='2'",
        1,
    )
    tricky = tricky.replace(b'<c r="A2"><v>1</v></c>', b'<c  r = "A2" t="str"><v><![CDATA[</row><c r="B2"/>]]></v></c>')
    with_parts(path, tmp_path / "tricky.xlsx", {"xl/worksheets/sheet1.xml": tricky})
    mark(tmp_path / "tricky.xlsx", tmp_path / "out.xlsx", fault("max", "1", ["B2", "C2", "A3"]))
    sheet = sheet_of(tmp_path / "out.xlsx", "Data")
    assert coloured(sheet) == {"B2", "C2", "A3"}
    assert sheet["A2"].value == '</row><c r="B2"/>'


def test_cells_without_addresses_are_counted(tmp_path: Path) -> None:
    path = plain_workbook(tmp_path / "plain.xlsx", 3, columns=3)
    bare = re.sub(rb' r="[A-Z]*\d+"', b"", sheet_xml(path))
    with_parts(path, tmp_path / "bare.xlsx", {"xl/worksheets/sheet1.xml": bare})
    mark(tmp_path / "bare.xlsx", tmp_path / "out.xlsx", fault("max", "1", ["B2", "C3"]))
    assert coloured(sheet_of(tmp_path / "out.xlsx", "Data")) == {"B2", "C3"}


@pytest.mark.parametrize(
    "change",
    [
        (rb"<worksheet xmlns=", rb"<x:worksheet xmlns:x="),
        (rb'encoding="UTF-8"', rb'encoding="ISO-8859-1"'),
        (rb'<row r="2"', rb'<row r="7"'),
        (rb'<c r="B2"', rb'<c r="A2"'),
    ],
)
def test_an_unusual_sheet_is_not_marked(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    path = plain_workbook(tmp_path / "plain.xlsx", 3)
    with_parts(path, tmp_path / "odd.xlsx", {"xl/worksheets/sheet1.xml": sheet_xml(path).replace(*change)})
    with pytest.raises(UnmarkableError):
        mark(tmp_path / "odd.xlsx", tmp_path / "out.xlsx", fault("max", "1", ["B2", "B3"]))


def test_a_cell_with_a_thread_keeps_it_alone(tmp_path: Path, rich: Path) -> None:
    with zipfile.ZipFile(rich) as archive:
        name = "xl/worksheets/_rels/sheet1.xml.rels"
        rels = archive.read(name)
    thread = (
        b'<Relationship Id="t1" Type="http://schemas.microsoft.com/office/2017/10/relationships/threadedComment" '
        b'Target="../threadedComments/threadedComment1.xml"/></Relationships>'
    )
    comments = (
        b'<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
        b'<threadedComment ref="C16" id="{1}"><text>Is this right?</text></threadedComment></ThreadedComments>'
    )
    changes = {
        name: rels.replace(b"</Relationships>", thread),
        "xl/threadedComments/threadedComment1.xml": comments,
    }
    with_parts(rich, tmp_path / "thread.xlsx", changes)
    done = mark(tmp_path / "thread.xlsx", tmp_path / "out.xlsx", fault("max", "20", ["C16", "C17"]))
    assert (done.cells, done.comments) == (2, 1)
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        assert archive.read("xl/threadedComments/threadedComment1.xml") == comments


def test_shapes_of_comments_have_identifiers_of_their_own(marked: Path) -> None:
    with zipfile.ZipFile(marked) as archive:
        for name in archive.namelist():
            if name.endswith(".vml"):
                found = re.findall(r'id="(_x0000_s\d+)"', archive.read(name).decode())
                assert len(found) == len(set(found)) > 0


def test_a_workbook_without_styles_gets_some(tmp_path: Path) -> None:
    path = plain_workbook(tmp_path / "plain.xlsx", 3)
    with zipfile.ZipFile(path) as archive:
        rels = archive.read("xl/_rels/workbook.xml.rels")
        types = archive.read("[Content_Types].xml")
    changes = {
        "xl/styles.xml": None,
        "xl/_rels/workbook.xml.rels": re.sub(rb'<Relationship [^>]*styles"[^>]*/>', b"", rels),
        "[Content_Types].xml": re.sub(rb'<Override PartName="/xl/styles.xml"[^>]*/>', b"", types),
    }
    with_parts(path, tmp_path / "bare.xlsx", changes)
    mark(tmp_path / "bare.xlsx", tmp_path / "out.xlsx", fault("max", "1", ["B2"]))
    assert coloured(sheet_of(tmp_path / "out.xlsx", "Data")) == {"B2"}


def test_a_marked_cell_shows_the_style_of_its_column(tmp_path: Path) -> None:
    workbook = xlsxwriter.Workbook(tmp_path / "columns.xlsx")
    sheet = workbook.add_worksheet("Data")
    sheet.set_column(2, 4, 10, workbook.add_format({"num_format": "0.000"}))
    sheet.set_row(3, None, workbook.add_format({"num_format": "0%"}))
    sheet.write(0, 0, "a")
    workbook.close()
    mark(tmp_path / "columns.xlsx", tmp_path / "out.xlsx", fault("required", None, ["D3", "D4", "F3"]))
    marked_sheet = sheet_of(tmp_path / "out.xlsx", "Data")
    assert [marked_sheet[cell].number_format for cell in ("D3", "D4", "F3")] == ["0.000", "0%", "General"]


def test_a_signature_is_left_out_and_named(tmp_path: Path) -> None:
    path = plain_workbook(tmp_path / "plain.xlsx", 3)
    with zipfile.ZipFile(path) as archive:
        rels, types = archive.read("_rels/.rels"), archive.read("[Content_Types].xml")
    base = b"http://schemas.openxmlformats.org/package/2006/relationships/digital-signature"
    origin = b'<Relationship Id="s1" Type="%b/origin" Target="_xmlsignatures/origin.sigs"/></Relationships>' % base
    signature = b'<Relationship Id="a" Type="%b/signature" Target="sig1.xml"/>' % base
    of_origin = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%b</Relationships>'
    )
    signed = {
        "_rels/.rels": rels.replace(b"</Relationships>", origin),
        "[Content_Types].xml": types.replace(
            b"</Types>", b'<Override PartName="/_xmlsignatures/sig1.xml" ContentType="x"/></Types>'
        ),
        "_xmlsignatures/origin.sigs": b"",
        "_xmlsignatures/_rels/origin.sigs.rels": of_origin % signature,
        "_xmlsignatures/sig1.xml": b"<Signature/>",
    }
    with_parts(path, tmp_path / "signed.xlsx", signed)
    done = mark(tmp_path / "signed.xlsx", tmp_path / "out.xlsx", fault("max", "1", ["B2"]))
    assert done.remarks == ("the digital signature is left out, since it would be broken",)
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        assert not [name for name in archive.namelist() if "xmlsignatures" in name]
        assert b"signature" not in archive.read("_rels/.rels") + archive.read("[Content_Types].xml")
