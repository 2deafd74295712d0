"""The reader, from bytes to rows of a table."""

from __future__ import annotations

import codecs
import gzip
import os
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pgdatahub_read_csv import plugin
from pgdatahub_read_csv.content import Content
from pgdatahub_read_csv.encoding import detect_encoding
from pgdatahub_read_csv.values import as_value

from pgdatahub import canonical_text
from pgdatahub.errors import ReadError
from pgdatahub.testing import check_reader, make_workbook, read_rows, source_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "sales"
    path.mkdir()
    return path


def rows_of(folder: Path, content: str | bytes, written_as: str = "utf-8", **options: object) -> list[list[object]]:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(written_as))
    return [list(row) for row in read_rows(plugin, path, **options)]


def write_many(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("id,amount,note\n")
        file.writelines(f'{row},{row / 4},"some, text"\n' for row in range(rows))


def test_it_keeps_the_rules_of_readers(folder: Path) -> None:
    # Reading 280,000 rows while memory is traced takes 20 s; test_hostile.py has a faster test of the memory.
    check_reader(plugin, write_many, suffix=".csv", folder=folder, streams="PGDATAHUB_HEAVY" in os.environ)


def test_packed_files_keep_the_rules_of_readers(folder: Path) -> None:
    def write_packed(path: Path, rows: int) -> None:
        write_many(path, rows)
        path.write_bytes(gzip.compress(path.read_bytes()))

    check_reader(plugin, write_packed, suffix=".csv.gz", folder=folder, streams=False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_delimiter_is_found(folder: Path, delimiter: str) -> None:
    rows = [["id", "name", "amount"], ["1", "Ann", "1.5"], ["2", "Bob, or so" if delimiter != "," else "Bob", "2.5"]]
    content = "\r\n".join(delimiter.join(row) for row in rows)
    assert rows_of(folder, content)[1:] == [[1, "Ann", Decimal("1.5")], [2, rows[2][1], Decimal("2.5")]]


def test_decimal_commas_are_no_delimiters(folder: Path) -> None:
    assert rows_of(folder, "a;b\n1,5;2,5\n3,5;4,5\n") == [["a", "b"], ["1,5", "2,5"], ["3,5", "4,5"]]


def test_a_single_column_stays_one(folder: Path) -> None:
    assert rows_of(folder, "name\nAnn\nBob\nCarl\n") == [["name"], ["Ann"], ["Bob"], ["Carl"]]


def test_quotes_newlines_and_delimiters_in_quotes_are_kept(folder: Path) -> None:
    content = 'id,text\n1,"line one\nline, two"\n2,"a ""word"", and 5"" more"\n3,"crlf\r\nin it"\n'
    assert rows_of(folder, content)[1:] == [
        [1, "line one\nline, two"],
        [2, 'a "word", and 5" more'],
        [3, "crlf\r\nin it"],
    ]


def test_doubled_quotes_are_read_where_the_sample_has_none(folder: Path) -> None:
    content = "id,text\n" + '1,"a, b"\n' * 10_000 + '2,"a ""b"" c"\n'
    assert rows_of(folder, content)[-1] == [2, 'a "b" c']


def test_short_rows_end_empty_and_long_rows_have_more_columns(folder: Path) -> None:
    assert rows_of(folder, "a,b,c\n1,2\n\n1,2,3,4\n") == [
        ["a", "b", "c", None],
        [1, 2, None, None],
        [None, None, None, None],
        [1, 2, 3, 4],
    ]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_byte_order_mark_is_believed_and_no_part_of_the_header(folder: Path, mark: bytes, encoding: str) -> None:
    assert rows_of(folder, mark + "größe,名\n1,日本\n".encode(encoding)) == [["größe", "名"], [1, "日本"]]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Name;Straße\nMüller;Größe\nJäger;Übung\n", "cp1252"),
        ("Имя;Город\nИван;Москва\nПётр;Казань\n", "cp1251"),
        ("Zażółć;gęślą\njaźń;Łódź\n", "cp1250"),
        ("名前;都市\n太郎;東京\n花子;大阪\n", "cp932"),
    ],
)
def test_another_encoding_is_detected_and_the_user_is_told(folder: Path, text: str, encoding: str) -> None:
    assert rows_of(folder, text, encoding) == [line.split(";") for line in text.splitlines()]
    (notice,) = detect_encoding(Content(source_file(folder / "file.csv"))).notices
    assert text.splitlines()[0] in notice
    assert "encoding: sets another" in notice


def test_a_first_umlaut_in_the_last_row_is_seen(folder: Path) -> None:
    content = b"id;town\n" + b"1;a town of no umlauts\n" * 50_000 + "2;Köln\n".encode("cp1252")
    assert rows_of(folder, content)[-1] == [2, "Köln"]


def test_encoding_option_is_used(folder: Path) -> None:
    content = "nom,prénom\nHélène,Déjà\n"
    assert rows_of(folder, content, "cp1252", encoding="cp1252") == [["nom", "prénom"], ["Hélène", "Déjà"]]
    assert detect_encoding(Content(source_file(folder / "file.csv", encoding="cp1252"))).notices == ()
    with pytest.raises(ReadError, match=r"the bytes E9 are not utf-8"):
        rows_of(folder, content, "cp1252", encoding="utf-8")


def test_quotes_that_are_never_closed_fail_the_file_with_the_line(folder: Path) -> None:
    with pytest.raises(ReadError, match="row 20002: the quoting is invalid"):
        rows_of(folder, "id,text\n" + '1,"a"\n' * 20_000 + '2,"open\n3,x\n')


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    with pytest.raises(ReadError, match="not text: it has a NUL"):
        rows_of(folder, "id,name\n1,x\n".encode("utf-16-le"))


def test_a_workbook_under_the_name_of_a_csv_file_is_left_to_others(folder: Path) -> None:
    path = make_workbook(folder / "book.csv", {"Sheet1": [["id"], [1]]})
    assert plugin.pgdatahub_read(source_file(path)) is None


def test_the_sheet_answers_to_the_name_that_the_folder_asks_for(folder: Path) -> None:
    path = folder / "file.csv"
    path.write_text("id,x\n1,2\n", encoding="utf-8")
    workbook = plugin.pgdatahub_read(source_file(path, sheet=("SalesData",)))
    assert workbook is not None
    assert [sheet.name for sheet in workbook.sheets] == ["SalesData"]
    workbook.close()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-42", -42),
        ("9007199254740993", 9007199254740993),
        ("1.5", Decimal("1.5")),
        ("0.10000000000000001", Decimal("0.10000000000000001")),
        ("true", True),
        ("2024-02-29", date(2024, 2, 29)),
        ("2024-02-29 10:30:00", datetime.fromisoformat("2024-02-29 10:30")),
        ("2024-02-29 10:30:00.125", datetime.fromisoformat("2024-02-29 10:30:00.125")),
        ("23:59:59", time(23, 59, 59)),
        ("", None),
    ],
)
def test_a_canonical_text_becomes_its_value(text: str, value: object) -> None:
    assert as_value(text) == value
    assert type(as_value(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("007", "1.50", "1.", ".5", "+5", "-0", "-0.0", "1e3", "1,5", "1_000", "٣", "0x10", "nan", "inf", "9" * 41),
        *("TRUE", "True", "yes", " 5", "5 "),
        *(
            "2024-02-30",
            "29.02.2024",
            "2024-02-29T10:30:00",
            "2024-02-29 00:00:00",
            "10:30",
            "24:00:00",
            "10:30:00.500",
        ),
    ],
)
def test_any_other_text_stays_text(text: str) -> None:
    assert as_value(text) == text


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers().map(str)
    | st.floats().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.dates().map(str)
    | st.datetimes().map(str)
    | st.times().map(str)
    | st.text("0123456789.:- eE+truefals", max_size=25)
)
def test_no_text_is_ever_altered(text: str) -> None:
    value = as_value(text)
    assert value is None or canonical_text(value) == (text if text.strip() else "")
