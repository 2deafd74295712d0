"""Rows, columns and sheets: repeated, hidden, merged, grouped."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from pgdatahub.errors import CorruptError, EncryptedError, NotAWorkbookError
from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.ods.sheet import OdsSheet
from pgdatahub.values.cells import TextColumn, Value

Cells = Callable[..., dict[str, Value]]
MakeOds = Callable[..., BytesIO]
Read = Callable[..., OdsSheet]


def text(content: str, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{content}</text:p></table:table-cell>'


def number(value: object, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="float" office:value="{value}" {attributes}/>'


def gap(columns: int) -> str:
    return f'<table:table-cell table:number-columns-repeated="{columns}"/>'


def row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


# ── repeated ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cell_at_the_far_end_is_one_row(read: Read, make: MakeOds) -> None:
    body = (
        row(text("a"), text("b"))
        + row(gap(16384), attributes='table:number-rows-repeated="1048573"')
        + row(gap(16383), text("stray"))
        + row(gap(16384), attributes='table:number-rows-repeated="1048576"')
    )
    batches = list(read(make(body)).batches(1000))
    assert [list(batch.rows) for batch in batches] == [[1, 1048575]]
    assert sorted(batches[0].columns) == [0, 1, 16383]


def test_repeated_cells_and_rows_have_their_value(cells: Cells) -> None:
    body = row(number(7, 'table:number-columns-repeated="3"'), gap(2), text("x")) + row(
        gap(1), text("y"), number(1.5), attributes='table:number-rows-repeated="3"'
    )
    assert cells(body) == {
        "A1": 7,
        "B1": 7,
        "C1": 7,
        "F1": "x",
        **{f"B{number}": "y" for number in (2, 3, 4)},
        **{f"C{number}": 1.5 for number in (2, 3, 4)},
    }


def test_many_repeated_rows_come_in_batches(read: Read, make: MakeOds) -> None:
    body = row(number(1), text("a"), attributes='table:number-rows-repeated="1000000"') + row(number(2))
    count = 0
    for batch in read(make(body)).batches(10_000):
        assert len(batch.rows) <= 10_000
        assert isinstance(batch.columns[0], TextColumn)
        count += len(batch.rows)
    assert count == 1_000_001


@pytest.mark.parametrize("count", ["0", "-1", "x", "", "1.5", "9" * 30])
def test_repetition_that_is_no_number_is_one(cells: Cells, count: str) -> None:
    body = row(
        number(7, f'table:number-columns-repeated="{count}"'), attributes=f'table:number-rows-repeated="{count}"'
    )
    assert cells(body + row(text("x"))) == {"A1": 7, "A2": "x"}


@pytest.mark.parametrize("max_rows", [1, 2, 7])
def test_the_size_of_batches_does_not_matter(cells: Cells, max_rows: int) -> None:
    body = "".join(row(number(index), text(f"t{index}") if index % 3 else gap(1)) for index in range(20))
    assert cells(body, max_rows=max_rows) == cells(body)


def test_rows_across_pieces_of_the_part_stay_whole(cells: Cells) -> None:
    # A piece has 64 KiB: each ends in another cell of a row.
    days = '<table:table-cell office:value-type="date" office:date-value="2023-03-15"/>'
    body = "".join(
        row(number(index), text(f"t{index}" * (index % 7)), days if index % 3 else number(index), number(-index))
        for index in range(1, 4000)
    )
    found = cells(body)
    for index in range(1, 4000):
        assert found[f"A{index}"] == index
        assert found.get(f"B{index}") == (f"t{index}" * (index % 7) or None)
        assert isinstance(found[f"C{index}"], int) is (index % 3 == 0)
        assert found[f"D{index}"] == -index
    assert len(found) == 3999 * 4 - 3999 // 7


def test_value_beyond_the_last_column_is_refused(cells: Cells) -> None:
    with pytest.raises(CorruptError, match="row 1 has a value beyond the 16,384 columns"):
        cells(row(gap(16384), number(1)))


def test_column_of_one_kind_is_compact(read: Read, make: MakeOds) -> None:
    body = "".join(row(number(index), text("a")) for index in range(500))
    (batch,) = read(make(body)).batches(1000)
    assert all(isinstance(column, TextColumn) for column in batch.columns.values())


# ── hidden, grouped ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_hidden_rows_and_columns_are_told(read: Read, make: MakeOds) -> None:
    body = (
        '<table:table-column/><table:table-column table:visibility="collapse" table:number-columns-repeated="2"/>'
        '<table:table-column-group table:display="false"><table:table-column/></table:table-column-group>'
        '<table:table-column table:visibility="filter"/><table:table-column table:number-columns-repeated="16379"/>'
        + row(number(1))
        + row(number(2), attributes='table:visibility="collapse"')
        + row(number(3), attributes='table:visibility="filter" table:number-rows-repeated="2"')
        + f'<table:table-row-group table:display="false">{row(number(5))}</table:table-row-group>'
        + row(number(6))
    )
    sheet = read(make(body))
    assert sheet.hidden_columns == {1, 2, 3, 4}
    assert {row for batch in sheet.batches(1000) for row in batch.hidden_rows} == {2, 3, 4, 5}


def test_rows_in_groups_and_headers_are_rows(cells: Cells) -> None:
    body = (
        "<table:table-header-columns><table:table-column/></table:table-header-columns>"
        f"<table:table-header-rows>{row(text('h'))}</table:table-header-rows>"
        f"<table:table-row-group><table:table-row-group>{row(number(1))}</table:table-row-group><text:soft-page-break/>"
        f"<table:table-rows>{row(number(2))}</table:table-rows></table:table-row-group>" + row(number(3))
    )
    assert cells(body) == {"A1": "h", "A2": 1, "A3": 2, "A4": 3}


def test_sheets_are_listed_in_order_with_those_hidden(make: MakeOds) -> None:
    styles = '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'
    file = make(sheets={"A": "", 'B" table:style-name="ta2': row(number(1)), "C": row(number(2))}, automatic=styles)
    workbook = OdsWorkbook(file, name="a.ods")
    assert [(sheet.name, sheet.visible) for sheet in workbook.sheets] == [("A", True), ("B", False), ("C", True)]
    assert [workbook.has_values(position) for position in range(3)] == [False, True, True]


# ── merged ────────────────────────────────────────────────────────────────────────────────────────────────────────────

MERGED = (
    row(text("a"), text("b"), text("c"))
    + row(text("top", 'table:number-rows-spanned="2" table:number-columns-spanned="2"'), "<table:covered-table-cell/>", number(1))
    + row(
        '<table:covered-table-cell office:value-type="string"><text:p>under</text:p></table:covered-table-cell>',
        '<table:covered-table-cell office:value-type="float" office:value="5"/>',
        number(2),
    )
)  # fmt: skip


def test_values_under_merged_areas_are_counted(read: Read, make: MakeOds, cells: Cells) -> None:
    assert cells(MERGED) == {"A1": "a", "B1": "b", "C1": "c", "A2": "top", "C2": 1, "C3": 2}
    sheet = read(make(MERGED))
    list(sheet.batches(1000))
    assert sheet.notices == [
        "2 values under merged areas were not loaded, since no program shows a covered cell; the first is Data › A3"
    ]


@pytest.mark.parametrize("max_rows", [1, 2, 1000])
def test_merged_areas_are_filled(cells: Cells, max_rows: int) -> None:
    filled = dict.fromkeys(("A2", "B2", "A3", "B3"), "top")
    assert cells(MERGED, merged="fill", max_rows=max_rows) == {
        "A1": "a",
        "B1": "b",
        "C1": "c",
        **filled,
        "C2": 1,
        "C3": 2,
    }


# ── several sheets in one part ────────────────────────────────────────────────────────────────────────────────────────


def sheets(count: int, rows: int) -> dict[str, str]:
    return {f"S{sheet}": "".join(row(text(f"{sheet}.{number}")) for number in range(rows)) for sheet in range(count)}


def first_value(sheet: OdsSheet) -> object:
    batch = next(iter(sheet.batches(1)))
    column = batch.columns[0]
    return column.texts[0] if isinstance(column, TextColumn) else column[0]


def test_sheets_are_read_in_any_order(make: MakeOds) -> None:
    # Each sheet is larger than a piece of the part, and none is read to its end.
    workbook = OdsWorkbook(make(sheets=sheets(4, 3000)), name="a.ods")
    for position in (0, 2, 1, 1, 3, 0):
        assert first_value(workbook.open(position)) == f"{position}.0".encode()
    assert sum(len(batch.rows) for batch in workbook.open(2).batches(1000)) == 3000


@pytest.mark.parametrize(
    "aside",
    ["<!-- <table:table> -->", "<?x <table:table> ?>", "<![CDATA[<table:table>]]>"],
    ids=["comment", "instruction", "cdata"],
)
def test_comments_and_cdata_do_not_confuse_sheets(make: MakeOds, aside: str) -> None:
    file = make(sheets={"A": row(text(aside)) + row(text("a")), "B": row(text("b"))})
    workbook = OdsWorkbook(file, name="a.ods")
    assert [sheet.name for sheet in workbook.sheets] == ["A", "B"]
    assert first_value(workbook.open(1)) == b"b"


def test_tables_of_other_elements_are_not_sheets(make: MakeOds) -> None:
    link = f'<table:dde-links><table:dde-link><table:table table:name="link">{row(text("x"))}</table:table></table:dde-link></table:dde-links>'
    workbook = OdsWorkbook(make(row(text("a")), before=link), name="a.ods")
    assert [sheet.name for sheet in workbook.sheets] == ["Data"]
    assert first_value(workbook.open(0)) == b"a"


def document(encoding: str, declaration: str, *, prefix: str = "t:", namespace: str = "xmlns:t") -> bytes:
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    return (
        f'{declaration}<o:document-content xmlns:o="{urn}:office:1.0" {namespace}="{urn}:table:1.0">'
        f'<o:body xmlns:x="{urn}:text:1.0"><o:spreadsheet><{prefix}table a:name="Tabelle ä" xmlns:a="{urn}:table:1.0">'
        f'<{prefix}table-row><{prefix}table-cell o:value-type="string"><x:p>größe</x:p></{prefix}table-cell></{prefix}table-row>'
        f"</{prefix}table></o:spreadsheet></o:body></o:document-content>"
    ).encode(encoding)


@pytest.mark.parametrize(
    "content",
    [
        document("utf-8", ""),
        document("utf-8-sig", '<?xml version="1.0" encoding="UTF-8"?>'),
        document("utf-8-sig", ""),
        document("latin-1", '<?xml version="1.0" encoding="ISO-8859-1"?>'),
        document("cp1252", "<?xml version='1.0' encoding='windows-1252' standalone='yes'?>\n"),
        document("utf-16", '<?xml version="1.0" encoding="UTF-16"?>'),
        document("utf-8", "", prefix="", namespace="xmlns"),
    ],
    ids=["plain", "mark", "mark alone", "latin", "windows", "utf-16", "default namespace"],
)
def test_prefixes_and_encodings_do_not_matter(make: MakeOds, content: bytes) -> None:
    workbook = OdsWorkbook(make(content=content), name="a.ods")
    assert [sheet.name for sheet in workbook.sheets] == ["Tabelle ä"]
    assert first_value(workbook.open(0)) == "größe".encode()


def test_two_sheets_of_one_name_are_told_apart(make: MakeOds) -> None:
    file = make(sheets={"A": row(text("1")), "A ": row(text("2"))})
    with zipfile.ZipFile(file) as archive:
        content = archive.read("content.xml").replace(b'"A "', b'"A"')
    workbook = OdsWorkbook(make(content=content), name="a.ods")
    assert [first_value(workbook.open(position)) for position in (0, 1)] == [b"1", b"2"]
    assert [workbook.open(position).name for position in (0, 1)] == ["A (sheet 1)", "A (sheet 2)"]


# ── packages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_archive_without_mimetype_and_manifest_is_read(make: MakeOds) -> None:
    workbook = OdsWorkbook(make(row(text("a")), mimetype=None, manifest=None), name="a.ods")
    assert first_value(workbook.open(0)) == b"a"


def test_encrypted_spreadsheet_asks_for_a_password(make: MakeOds) -> None:
    manifest = (
        '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><m:file-entry m:full-path="content.xml">'
        "<m:encryption-data/></m:file-entry></m:manifest>"
    )
    with pytest.raises(EncryptedError, match=r"a\.ods: the workbook is protected by a password"):
        OdsWorkbook(make(content=b"\x93\x07", manifest=manifest), name="a.ods")


def test_document_of_another_kind_is_refused(make: MakeOds) -> None:
    content = '<o:document-content xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><o:body><o:text/></o:body></o:document-content>'
    with pytest.raises(NotAWorkbookError, match="an OpenDocument file other than a spreadsheet"):
        OdsWorkbook(make(content=content), name="a.ods")
