"""Records of ``.xls`` files that readers get wrong, each with the right values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.readers.xls.code_pages import CodePageError, decode, encoding_of
from pgdatahub.readers.xls.workbook import XlsWorkbook
from pgdatahub.values.cells import UNCACHED, ErrorValue
from tests.unit.readers.xls.conftest import (
    BOF_SHEET,
    book,
    cells_of,
    compound,
    formula,
    label,
    number,
    record,
    source_of,
    unicode,
)

EMPTY_RESULT = b"\x03\0\0\0\0\0\xff\xff"
TEXT_RESULT = b"\0\0\0\0\0\0\xff\xff"
ZERO_RESULT = bytes(8)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "a.xls"
        path.write_bytes(content)
        return path

    return write


Put = Callable[[bytes], Path]


def test_cells_come_from_records_in_a_container_and_without(put: Put) -> None:
    stream = book(number(0, 0, 1.5) + label(1, 2, "Ω"))
    for content in (stream, compound(stream), compound(stream, name="WORKBOOK"), compound(stream, name="WorkBook")):
        assert cells_of(put(content)) == {(1, 0): 1.5, (2, 2): "Ω"}


def test_the_stream_of_the_workbook_is_found_beside_another(put: Put) -> None:
    good, other = book(number(0, 0, 1)), b"not records"
    assert cells_of(put(compound(other, ("Book", good)))) == {(1, 0): 1}


def test_a_sheet_alone_is_read_as_scripts_write_it(put: Put) -> None:
    head = record(0x809, struct.pack("<HHHH", 0, 0x10, 0, 0))
    cell = record(0x204, struct.pack("<HHHH", 0, 0, 0, 3) + b"Ada")
    assert cells_of(put(head + cell + number(1, 0, 7) + record(0x0A))) == {(1, 0): "Ada", (2, 0): 7}
    assert cells_of(put(record(0x809, BOF_SHEET) + number(1, 0, 7) + record(0x0A))) == {(2, 0): 7}


def test_a_text_cut_by_a_record_is_joined(put: Put) -> None:
    first = record(0x204, struct.pack("<HHHH", 0, 0, 0, 6) + b"\0abc")
    rest = record(0x3C, b"\1" + "\U0001f600é".encode("utf-16-le"))
    assert cells_of(put(book(first + rest))) == {(1, 0): "abc\U0001f600é"}


def test_a_pair_of_surrogates_cut_in_two_is_one_character(put: Put) -> None:
    half = "\U0001f600".encode("utf-16-le")
    first = record(0xFC, struct.pack("<II", 1, 1) + struct.pack("<H", 3) + b"\1" + "x".encode("utf-16-le") + half[:2])
    strings = first + record(0x3C, b"\1" + half[2:])
    assert cells_of(put(book(record(0xFD, struct.pack("<HHHI", 0, 0, 0, 0)), globals_=strings))) == {
        (1, 0): "x\U0001f600"
    }


def test_the_result_of_a_formula_goes_on_in_further_records(put: Put) -> None:
    text = "é" * 9000
    piece = text.encode("latin-1")
    string = record(0x207, struct.pack("<H", 9000) + b"\0" + piece[:8000]) + record(0x3C, b"\0" + piece[8000:])
    assert cells_of(put(book(formula(0, 0, TEXT_RESULT) + string))) == {(1, 0): text}


def test_a_formula_without_a_text_has_no_result(put: Put) -> None:
    assert cells_of(put(book(formula(0, 0, TEXT_RESULT) + number(0, 1, 2)))) == {(1, 0): UNCACHED, (1, 1): 2}


def test_formulas_that_no_program_computed_have_no_result(put: Put) -> None:
    cells = formula(0, 0, EMPTY_RESULT) + formula(1, 0, EMPTY_RESULT)
    assert cells_of(put(book(cells))) == {(1, 0): UNCACHED, (2, 0): UNCACHED}


@pytest.mark.parametrize("trace", [1, 0])
def test_empty_results_of_a_computed_sheet_are_empty(put: Put, trace: int) -> None:
    # Either Excel's mark in the record, or another formula with a result.
    cells = formula(0, 0, EMPTY_RESULT, trace=trace)
    if not trace:
        cells += formula(1, 0, struct.pack("<d", 4.5))
    assert UNCACHED not in cells_of(put(book(cells))).values()


def test_empty_results_of_a_program_with_a_summary_are_empty(put: Put) -> None:
    stream = book(formula(0, 0, EMPTY_RESULT) + number(0, 1, 1))
    assert cells_of(put(compound(stream, ("\x05SummaryInformation", b"x")))) == {(1, 1): 1}


def test_zeros_that_wait_for_a_calculation_are_reported(put: Put) -> None:
    path = put(book(formula(0, 0, ZERO_RESULT, flags=3) + formula(1, 0, ZERO_RESULT)))
    with closing(XlsWorkbook(source_of(path))) as workbook:
        assert "1 formula asks to be calculated" in workbook.open(0).notices[0]


def test_errors_and_booleans_keep_their_kind(put: Put) -> None:
    cells = record(0x205, struct.pack("<HHHBB", 0, 0, 0, 0x2A, 1)) + record(0x205, struct.pack("<HHHBB", 0, 1, 0, 1, 0))
    assert cells_of(put(book(cells))) == {(1, 0): ErrorValue("#N/A"), (1, 1): True}


def test_a_number_that_is_none_is_an_error(put: Put) -> None:
    cells = number(0, 0, float("nan")) + number(1, 0, float("inf")) + number(2, 0, 1e300)
    assert cells_of(put(book(cells))) == {(1, 0): ErrorValue("NaN"), (2, 0): ErrorValue("Infinity"), (3, 0): 1e300}


def test_the_files_own_format_has_priority_over_a_built_in_one(put: Put) -> None:
    # 14 is a built-in date, 50 a date of East Asia, 2 a number.
    codes = {14: "0.00", 50: "00000", 2: "dd/mm/yyyy"}
    globals_ = b"".join(record(0x41E, struct.pack("<H", key) + unicode(code)) for key, code in codes.items())
    globals_ += b"".join(record(0xE0, struct.pack("<HH", 0, key) + bytes(16)) for key in (*codes, 15))
    cells = b"".join(number(0, column, 501, xf=column) for column in range(4))
    day = datetime(1901, 5, 15)  # noqa: DTZ001 - workbooks know no time zones
    assert cells_of(put(book(cells, globals_=globals_))) == {(1, 0): 501, (1, 1): "00501", (1, 2): day, (1, 3): day}


def test_hidden_rows_and_columns_are_told(put: Put) -> None:
    row = record(0x208, struct.pack("<HHHHHHI", 1, 0, 1, 255, 0, 0, 0x20))
    column = record(0x7D, struct.pack("<HHHHHH", 2, 3, 0, 0, 1, 0))
    with closing(XlsWorkbook(source_of(put(book(column + row + number(1, 0, 1) + number(2, 0, 2)))))) as workbook:
        sheet = workbook.open(0)
        assert sheet.hidden_columns == {2, 3}
        assert [batch.hidden_rows for batch in sheet.batches(10)] == [{2}]


def test_rows_that_the_file_does_not_describe_may_be_hidden(put: Put) -> None:
    default = record(0x225, struct.pack("<HH", 2, 0))
    row = record(0x208, struct.pack("<HHHHHHI", 0, 0, 1, 255, 0, 0, 0))
    with closing(XlsWorkbook(source_of(put(book(default + row + number(0, 0, 1) + number(1, 0, 2)))))) as workbook:
        assert [batch.hidden_rows for batch in workbook.open(0).batches(10)] == [{2}]


def test_merged_areas_are_covered_or_filled(put: Put) -> None:
    cells = b"".join(number(row, column, row * 10 + column) for row in range(3) for column in range(2))
    path = put(book(cells + record(0xE5, struct.pack("<HHHHH", 1, 0, 1, 0, 0))))
    assert (2, 0) not in cells_of(path)
    assert cells_of(path, merged="fill")[2, 0] == 0


def test_rows_may_come_in_any_order_and_the_last_cell_counts(put: Put) -> None:
    cells = number(5, 0, 5) + number(1, 0, 1) + number(5, 0, 6)
    assert cells_of(put(book(cells))) == {(2, 0): 1, (6, 0): 6}


def test_sheets_of_one_name_are_opened_by_position(put: Put) -> None:
    path = put(book(number(0, 0, 1), sheets=("A", "A")))
    with closing(XlsWorkbook(source_of(path))) as workbook:
        assert [workbook.open(position).name for position in range(2)] == ["A (sheet 1)", "A (sheet 2)"]


def test_records_without_values_may_be_damaged(put: Put) -> None:
    # Links, drawings, objects and comments, on which xlrd fails.
    junk = b"".join(record(code, b"\xff" * 7) for code in (0x1B8, 0xEC, 0x5D, 0x1B6, 0x1C, 0x23E, 0x1B0, 0x200))
    assert cells_of(put(book(junk + number(0, 0, 1)))) == {(1, 0): 1}


def test_a_chart_in_a_sheet_is_skipped(put: Put) -> None:
    chart = record(0x809, struct.pack("<HHHHII", 0x0600, 0x20, 0, 0, 0, 0)) + number(0, 0, 9) + record(0x0A)
    assert cells_of(put(book(chart + number(0, 0, 1)))) == {(1, 0): 1}


def test_a_sheet_that_ends_early_is_damaged(put: Put) -> None:
    path = put(book(number(0, 0, 1))[:-4])
    with pytest.raises(CorruptError, match=r"a\.xls › Sheet1: the workbook is damaged: its records end before"):
        cells_of(path)


def test_text_that_postgresql_cannot_store_reaches_the_counter(put: Put) -> None:
    cells = label(0, 0, "a\0b") + label(1, 0, "\ud800") + label(2, 0, "c")
    assert cells_of(put(book(cells))) == {(1, 0): "a\0b", (2, 0): "\ud800", (3, 0): "c"}


@pytest.mark.parametrize(
    ("number", "name"),
    [(932, "cp932"), (1200, "cp1252"), (10029, "mac-latin2"), (0x8001, "cp1252"), (874, "cp874"), (51949, "euc_kr")],
)
def test_code_pages_have_encodings(number: int, name: str) -> None:
    assert encoding_of(number) == name


def test_an_unknown_code_page_is_named_and_bytes_are_kept() -> None:
    with pytest.raises(CodePageError, match="code page 4711"):
        encoding_of(4711)
    assert decode(b"a\x81b", "cp1252") == "a\x81b"


def test_code_page_936_has_the_euro_sign() -> None:
    assert decode(b"\x80 \xc4\xe3", encoding_of(936)) == "€ 你"


def test_a_workbook_of_excel_4_has_its_own_formats(put: Put) -> None:
    def short(text: str) -> bytes:
        return bytes([len(text)]) + text.encode()

    cells = record(0x0409, struct.pack("<HHH", 0, 0x10, 0)) + record(0x42, struct.pack("<H", 1251))
    cells += b"".join(record(0x41E, b"\0\0" + short(code)) for code in ("General", "00000", "dd/mm/yyyy"))
    cells += b"".join(record(0x443, bytes([0, key]) + bytes(10)) for key in range(3))
    cells += number(0, 0, 501, xf=1) + number(0, 1, 45000, xf=2)
    cells += record(0x204, struct.pack("<HHHH", 1, 0, 0, 3) + "Имя".encode("cp1251")) + record(0x0A)
    day = datetime(2023, 3, 15)  # noqa: DTZ001 - workbooks know no time zones
    assert cells_of(put(cells)) == {(1, 0): "00501", (1, 1): day, (2, 0): "Имя"}


def test_a_workbook_of_excel_3_has_dates_without_codes(put: Put) -> None:
    cells = record(0x0209, struct.pack("<HHH", 0, 0x10, 0)) + record(0x243, bytes([0, 12]) + bytes(10))
    day = datetime(2023, 3, 15)  # noqa: DTZ001 - workbooks know no time zones
    assert cells_of(put(cells + number(0, 0, 45000) + record(0x0A))) == {(1, 0): day}


@pytest.mark.parametrize(("number", "text"), [(932, "数量"), (949, "서울"), (1251, "Имя")])
def test_the_text_of_a_formula_is_in_the_code_page(put: Put, number: int, text: str) -> None:
    encoded = text.encode(f"cp{number}")
    bof = struct.pack("<HHHH", 0x0500, 0x0005, 0x0DBB, 0x07CC)
    head = record(0x809, bof) + record(0x42, struct.pack("<H", number))
    name = b"\x06Sheet1"
    start = len(head) + 4 + 6 + len(name) + 4
    head += record(0x85, struct.pack("<IBB", start, 0, 0) + name) + record(0x0A)
    cells = formula(0, 0, TEXT_RESULT) + record(0x207, struct.pack("<H", len(encoded)) + encoded)
    sheet = record(0x809, struct.pack("<HHHH", 0x0500, 0x0010, 0x0DBB, 0x07CC)) + cells + record(0x0A)
    assert cells_of(put(compound(head + sheet, name="Book"))) == {(1, 0): text}


def test_a_sheet_is_searched_up_to_its_first_value(put: Put) -> None:
    damaged_behind = book(label(0, 0, " ") + number(1, 0, 1))[:-4]
    for content, expected in ((damaged_behind, True), (book(label(0, 0, " ")), False), (book(b""), False)):
        with closing(XlsWorkbook(source_of(put(content)))) as workbook:
            assert workbook.has_values(0) is expected


AH1 = b"\x44\0\0\x21\xc0"
TEXT_AB = b"\x17\2\0ab"


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (TEXT_AB, UNCACHED),
        (TEXT_AB + AH1 + b"\x08", UNCACHED),  # "ab"&AH1
        (TEXT_AB + AH1 + b"\x08\x15", UNCACHED),
        (AH1 + b"\x41\x71\0", UNCACHED),  # UPPER(AH1)
        (AH1 + AH1 + b"\x42\2\x50\1", UNCACHED),  # CONCATENATE
        (AH1 + TEXT_AB + b"\x41\x30\0", UNCACHED),  # TEXT
        (AH1, 0),
        (AH1 + AH1 + b"\x05", 0),  # a product
        (AH1 + b"\x41\x20\0", 0),  # LEN(AH1)
        (b"\x44\0\x21\x0d\0", 0),  # $N$8449, whose bytes look like a function
        (b"\1\0\x21\x0d\0", 0),
        (b"\x1e\0\x08", 0),
        (AH1 + b"\x19\x10\0\0", 0),  # SUM
        (b"", 0),
    ],
)  # fmt: skip
def test_zero_of_a_formula_that_gives_a_text_is_no_result(put: Put, tokens: bytes, expected: object) -> None:
    # As LibreOffice writes formulas of texts that it did not calculate.
    data = struct.pack("<HHH", 0, 0, 0) + bytes(8) + struct.pack("<HIH", 0, 0, len(tokens)) + tokens
    assert cells_of(put(book(record(0x06, data)))) == {(1, 0): expected}
