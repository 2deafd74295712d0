"""Values of each kind of cell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.values.cells import UNCACHED, ErrorValue, InvalidValue, Value
from tests.unit.readers.xlsx.conftest import MAIN, PARTS

Cells = Callable[..., dict[str, Value]]


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a sheet's times have no zone


def row(*cells: str) -> str:
    return f'<row r="1">{"".join(cells)}</row>'


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="A1"><v>43</v></c>', 43),
        ('<c r="A1"><v>43.0</v></c>', 43),
        ('<c r="A1"><v>4.3E1</v></c>', 43),
        ('<c r="A1" t="n"><v>0.1</v></c>', 0.1),
        ('<c r="A1"><v>9007199254740993</v></c>', 9007199254740993),
        ('<c r="A1"><v>123456789012345678901234567890</v></c>', 123456789012345678901234567890),
        ('<c r="A1"><v> +007.50 </v></c>', 7.5),
        ('<c r="A1"><v>1E-400</v></c>', 0),
        ('<c r="A1" s="7"><v>0.25</v></c>', 0.25),
        ('<c r="A1" s="6"><v>12</v></c>', 12),
        ('<c r="A1" s="99"><v>12</v></c>', 12),
        ('<c r="A1" t="s"><v>1</v></c>', "beta"),
        ('<c r="A1" t="str"><f>B1</f><v> kept </v></c>', " kept "),
        ('<c r="A1" t="str"><f>B1</f><v></v></c>', None),
        ('<c r="A1" t="str"><v>\u00a0 </v></c>', None),
        ('<c r="A1" t="inlineStr"><is><t>a&amp;b&#x1F600;</t></is></c>', "a&b😀"),
        ('<c r="A1"><is><t>no type</t></is></c>', "no type"),
        (
            '<c r="A1" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r><rPh sb="0" eb="1"><t>x</t></rPh></is></c>',
            "rich",
        ),
        ('<c r="A1" t="inlineStr"><is><t>_x000D__x005F_x0041_ _x41_</t></is></c>', "\r_x0041_ _x41_"),
        ('<c r="A1" t="inlineStr"><is><t>_xD83D__xDE00_</t></is></c>', "😀"),
        ('<c r="A1" t="str"><v>a\r\nb\rc&#13;</v></c>', "a\nb\nc\r"),
        ('<c r="A1" t="str"><v><![CDATA[<&>]]></v></c>', "<&>"),
        ('<c r="A1" t="b"><v>1</v></c>', True),
        ('<c r="A1" t="b"><v>0</v></c>', False),
        ('<c r="A1" t="e"><v>#N/A</v></c>', ErrorValue("#N/A")),
        ('<c r="A1"><f>1+1</f></c>', UNCACHED),
        ('<c r="A1"><f>1+1</f><v/></c>', UNCACHED),
        ('<c r="A1" t="str"><f>1+1</f></c>', UNCACHED),
        ('<c r="A1"><f>1+1</f><v>2</v></c>', 2),
        ('<c r="A1" s="1"/>', None),
        ('<c r="A1"><v></v></c>', None),
        ('<c r="A1" t="s"/>', None),
    ],
)
def test_a_cell_says_what_excel_shows(cell: str, value: Value, cells: Cells) -> None:
    found = cells(row(cell))
    assert found.get("A1") == value
    assert type(found.get("A1")) is type(value)


@pytest.mark.parametrize(
    ("style", "serial", "value"),
    [
        (1, "0", at(1899, 12, 31)),
        (1, "0.5", at(1899, 12, 31, 12)),
        (1, "1", at(1900, 1, 1)),
        (1, "59", at(1900, 2, 28)),
        (1, "59.9999999999", at(1900, 3, 1)),
        (1, "60", 60),
        (1, "60.5", 60.5),
        (1, "61", at(1900, 3, 1)),
        (1, "2958465", at(9999, 12, 31)),
        (1, "2958465.9999999999", 2958466),
        (1, "2958466", 2958466),
        (1, "-1", -1),
        (2, "44562.75", at(2022, 1, 1, 18)),
        (2, "44562.999999999", at(2022, 1, 2)),
        (2, "44562.00000001", at(2022, 1, 1, 0, 0, 0, 1000)),
        (3, "0", time(0, 0)),
        (3, "0.5", time(12, 0)),
        (3, "0.999999999", time(23, 59, 59, 999000)),
        (3, "0.5000000058", time(12, 0, 0, 1000)),
        (3, "1.5", at(1900, 1, 1, 12)),
        (3, "-0.5", -0.5),
        (4, "1.5", timedelta(hours=36)),
        (4, "-0.5", timedelta(hours=-12)),
        (4, "1E+15", 10**15),
        (5, "501", "00501"),
        (5, "-501", "-00501"),
        (5, "501.5", "00502"),
        (5, "123456", "123456"),
        (5, "0", "00000"),
    ],
)
def test_a_number_is_what_its_format_makes_of_it(style: int, serial: str, value: Value, cells: Cells) -> None:
    found = cells(row(f'<c r="A1" s="{style}"><v>{serial}</v></c>'))["A1"]
    assert found == value
    assert type(found) is type(value)


def test_a_time_stays_a_time_beside_a_date_in_its_column(cells: Cells) -> None:
    rows = '<row r="1"><c r="A1" s="3"><v>0</v></c></row><row r="2"><c r="A2" s="3"><v>1</v></c></row>'
    assert cells(rows) == {"A1": time(0, 0), "A2": at(1900, 1, 1)}


def test_the_1904_system_begins_with_1904(cells: Cells) -> None:
    workbook = (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats'
        '.org/officeDocument/2006/relationships"><workbookPr date1904="true"/><sheets><sheet name="Data" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>'
    )
    rows = row(
        *(f'<c r="{letter}1" s="1"><v>{serial}</v></c>' for letter, serial in zip("ABC", (0, 60, 2957003), strict=True))
    )
    assert cells(rows, workbook=workbook) == {"A1": at(1904, 1, 1), "B1": at(1904, 3, 1), "C1": at(9999, 12, 31)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-02-29", at(2024, 2, 29)),
        ("2024-02-29T00:00:00", at(2024, 2, 29)),
        ("2024-02-29T13:37:01.250Z", at(2024, 2, 29, 13, 37, 1, 250000)),
        ("13:37:00", time(13, 37)),
        ("T13:37", time(13, 37)),
        ("PT36H1.5S", timedelta(hours=36, seconds=1.5)),
        ("2024-02-29T13:37:00+02:00", "2024-02-29T13:37:00+02:00"),
        ("2023-02-29", "2023-02-29"),
    ],
)
def test_a_date_written_out_is_that_date(text: str, value: Value, cells: Cells) -> None:
    assert cells(row(f'<c r="A1" t="d"><v>{text}</v></c>')) == {"A1": value}


@pytest.mark.parametrize("text", ["NaN", "INF", "-INF", " Infinity ", "-1.#IND"])
def test_not_a_number_is_an_error_value(text: str, cells: Cells) -> None:
    assert cells(row(f'<c r="B1"><v>{text}</v></c>')) == {"B1": ErrorValue(text.strip())}


@pytest.mark.parametrize("text", ["1E400", "-1e999"])
def test_a_number_that_no_column_holds_is_invalid(text: str, cells: Cells) -> None:
    fault = InvalidValue(f"the number '{text}' is too large for any column")
    assert cells(row(f'<c r="B1"><v>{text}</v></c>')) == {"B1": fault}


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("<v>1,5</v>", "'1,5' is not a number"),
        ("<v>1_000</v>", "'1_000' is not a number"),
        ("<v>0x1F</v>", "'0x1F' is not a number"),
        ('t="b"<v>2</v>', "'2' is not a boolean"),
        ('t="s"<v>2</v>', "'2' refers to a shared string past the last of 2"),
        ('t="s"<v>-1</v>', "'-1' is not the index of a shared string"),
        ('t="s"<v>99999999999999999999</v>', "'99999999999999999999' is not the index of a shared string"),
        ('t="nonsense"<v>2</v>', "'nonsense' is not a type of cell"),
    ],
)
def test_a_cell_that_makes_no_sense_is_invalid(cell: str, fault: str, cells: Cells) -> None:
    kind, _, content = cell.partition("<")
    sound = '<c r="A1"><v>1</v></c>'
    assert cells(row(f'{sound}<c r="B1" {kind}><{content}</c>')) == {"A1": 1, "B1": InvalidValue(fault)}


def test_a_cell_that_is_there_twice_is_named(cells: Cells) -> None:
    with pytest.raises(CorruptError, match=r"book.xlsx › Data › B1"):
        cells(row('<c r="B1"><v>1</v></c><c r="B1"><v>2</v></c>'))


def test_characters_postgresql_cannot_store_are_counted(book: Any, sheet_cells: Any) -> None:
    from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>n_x0000_ul</t></si>'
        "<si><t>half_xD800_</t></si><si><t>_x0000_</t></si></sst>"
    )
    rows = row(*(f'<c r="{letter}1" t="s"><v>{index}</v></c>' for letter, index in zip("BCD", range(3), strict=True)))
    sheet = XlsxWorkbook(book(rows, sharedStrings=strings), name="x").open(0)
    assert sheet_cells(sheet) == {"B1": "nul", "C1": "half"}
    assert sheet.cleaned == {"B1": 3}
    assert "3 cells" in sheet.notices[0]
    assert "Data › B1" in sheet.notices[0]


@pytest.mark.parametrize("reader", available_readers())
@pytest.mark.parametrize("bad", ["\x01", "&#2;", "&#x1F;", "\udcff"])
@pytest.mark.parametrize("shared", [False, True])
def test_cells_with_control_characters_are_all_named(bad: str, shared: bool, reader: Reader, cells: Cells) -> None:
    def text(number: int) -> str:
        return f"t{number}{bad if number in (3, 5, 8) else ''}"

    inline = [f'<c r="B{n}" t="inlineStr"><is><t>{text(n)}</t></is></c>' for n in range(1, 12)]
    indexed = [f'<c r="B{n}" t="s"><v>{n}</v></c>' for n in range(1, 12)]
    rows = "".join(f'<row r="{n}">{cell}</row>' for n, cell in enumerate(indexed if shared else inline, 1))
    strings = f'<sst xmlns="{MAIN}">{"".join(f"<si><t>{text(n)}</t></si>" for n in range(20))}</sst>'
    strings = strings if shared else PARTS["xl/sharedStrings.xml"]
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode("utf-8", "surrogateescape")
    with pytest.raises(CorruptError, match=r"^book.xlsx › Data › B3: .*; also in B5, B8 \(a control character"):
        cells(sheet=sheet, sharedStrings=strings.encode("utf-8", "surrogateescape"), reader=reader)


@pytest.mark.parametrize("reader", available_readers())
def test_row_longer_than_the_core_takes_is_read(cells: Cells, reader: Reader) -> None:
    formula = f"<c><f>{'A1+' * 300}1</f><v>1</v></c>" * 16_384
    found = cells(f"<row>{formula}</row><row><c><v>2</v></c></row>", reader=reader)
    assert (len(found), found["A2"]) == (16_385, 2)
