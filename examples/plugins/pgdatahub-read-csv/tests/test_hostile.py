"""Damaged, huge and misleading files: each is read as it stands, or refused with the row, in bounded memory."""

from __future__ import annotations

import csv
import gzip
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from pgdatahub_read_csv import content, plugin, sheet

from pgdatahub.errors import CorruptError, FileError, ReadError
from pgdatahub.testing import read_rows, source_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "sales"
    path.mkdir()
    return path


def read(folder: Path, data: str | bytes, name: str = "file.csv", **options: object) -> list[list[object]]:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return [list(row) for row in read_rows(plugin, path, **options)]


def notices(folder: Path, data: str | bytes, name: str = "file.csv", **options: object) -> tuple[str, ...]:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    workbook = plugin.pgdatahub_read(source_file(path, **options))
    assert workbook is not None
    with closing(workbook):
        opened = workbook.open(0)
        for _ in opened.batches(10):
            pass
        return opened.notices


def error(folder: Path, data: str | bytes, name: str = "file.csv", **options: object) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, data, name, **options)
    return str(caught.value.located(f"sales/{name}"))


def test_nul_after_the_sample_names_the_row(folder: Path) -> None:
    rows = "id,text\n" + "1,a\n" * 20_000
    assert "sales/file.csv › row 20002: the row has a NUL character" in error(folder, rows + "2,a\0b\n")


def test_nul_after_quoted_newlines_names_row_and_line(folder: Path) -> None:
    rows = "id,text\n" + '1,"a\nb"\n' * 20_000
    assert "sales/file.csv › row 20002 (line 40002): the row has a NUL" in error(folder, rows + "2,a\0b\n")


def test_nul_at_the_start_suggests_utf16(folder: Path) -> None:
    told = error(folder, "id,name\n1,x\n".encode("utf-16-le"))
    assert "line 1: the file is not text" in told
    assert "encoding: utf-16-le" in told


def test_utf16_without_a_mark_is_read_by_option(folder: Path) -> None:
    assert read(folder, "id;ä\n1;ö\n".encode("utf-16-le"), encoding="utf-16-le") == [["id", "ä"], [1, "ö"]]


def test_file_of_zeros_is_refused(folder: Path) -> None:
    assert "NUL character" in error(folder, bytes(100_000))


def test_empty_file_is_refused(folder: Path) -> None:
    assert "no bytes" in error(folder, b"")
    assert "no bytes" in error(folder, gzip.compress(b""), "file.csv.gz")


def test_field_of_a_megabyte_is_kept(folder: Path) -> None:
    text = "x" * (1 << 20)
    assert read(folder, f"id,text\n1,{text}\n2,a\n") == [["id", "text"], [1, text], [2, "a"]]


def test_row_beyond_the_limit_names_the_row(folder: Path) -> None:
    told = error(folder, "id,text\n1,a\n2," + "x" * (sheet.MAX_ROW + 10) + "\n", delimiter=",")
    assert "sales/file.csv › row 3: the row has more than 16,777,216 characters" in told


def test_quote_never_closed_in_a_large_file_stops(folder: Path) -> None:
    path = folder / "file.csv"
    with path.open("w", encoding="ascii") as file:
        file.write('id,text\n1,"a"\n2,"open\n')
        file.writelines("3,a line of a large file, which is a part of the text\n" for _ in range(500_000))
    with pytest.raises(ReadError, match=r"row 3: the row has more than .* quote is opened and never closed"):
        read_rows(plugin, path, delimiter=",")


def test_too_many_cells_name_the_row(folder: Path) -> None:
    assert "row 2: the row has 20,001 cells" in error(folder, "a,b\n" + "," * 20_000 + "\n", delimiter=",")


def test_many_wide_rows_come_in_small_batches(folder: Path) -> None:
    path = folder / "file.csv"
    path.write_text("\n".join("," * 16_000 for _ in range(2_000)), encoding="ascii")
    workbook = plugin.pgdatahub_read(source_file(path, delimiter=","))
    assert workbook is not None
    with closing(workbook):
        sizes = [len(batch.rows) for batch in workbook.open(0).batches(10_000)]
    assert sum(sizes) == 2_000
    assert max(sizes) < 600


def test_mixed_encodings_are_refused_with_the_line(folder: Path) -> None:
    rows = "Straße;Größe\n".encode() * 50 + "Köln;klein\n".encode("cp1252") + "Übung;groß\n".encode() * 50
    told = error(folder, rows)
    assert "sales/file.csv › line 51: the file mixes encodings: 100 of 101 lines are UTF-8" in told
    assert "the bytes F6" in told


def test_damage_behind_a_mark_names_the_line(folder: Path) -> None:
    told = error(folder, b"\xef\xbb\xbfid,name\n" + b"1,a\n" * 30_000 + b"2,K\xf6ln\n")
    assert "sales/file.csv › line 30002: the file cannot be decoded: the bytes F6" in told


def test_cut_utf16_names_the_line(folder: Path) -> None:
    told = error(folder, ("id,name\n" + "1,ä\n" * 3).encode("utf-16-be").join((b"\xfe\xff", b"\0")))
    assert "line 5: the file cannot be decoded" in told


def test_cp1252_is_read_by_option_without_a_guess(folder: Path) -> None:
    assert notices(folder, "name\nKöln\n".encode("cp1252"), encoding="cp1252") == ()


def test_utf8_among_files_of_cp1252_is_read_as_utf8(folder: Path) -> None:
    data = "name;x\nKöln;1\n"
    assert read(folder, data, encoding="cp1252") == [["name", "x"], ["Köln", 1]]
    (told,) = notices(folder, data, encoding="cp1252")
    assert told == 'the file is valid UTF-8 ("Köln;1" in line 2) and was read as such; its folder has encoding: cp1252'


def test_encoding_of_several_bytes_is_taken_as_set(folder: Path) -> None:
    # These bytes are valid UTF-8 by chance.
    assert read(folder, "a;b\n联通;1\n".encode("gb18030"), encoding="gb18030") == [["a", "b"], ["联通", 1]]


def test_mark_wins_over_the_option_with_a_notice(folder: Path) -> None:
    data = "name,x\nKöln,1\n".encode("utf-8-sig")
    assert read(folder, data, encoding="cp1252") == [["name", "x"], ["Köln", 1]]
    assert "begins with the mark of utf-8" in notices(folder, data, encoding="cp1252")[0]


def test_ragged_rows_are_counted_and_named(folder: Path) -> None:
    told = notices(folder, "a,b\n1,2\n1,2,3\n1\n\n1,2,\n1,2\n1,2\n1,2,4\n")
    assert told == (
        "2 rows have more cells than the 2 of most rows (first: row 3); is a delimiter in them not quoted?",
        "1 row has fewer cells than the 2 of most rows (first: row 4); missing cells are empty",
    )


def test_titles_above_the_header_are_not_ragged(folder: Path) -> None:
    assert notices(folder, "Report of May\n\na;b;c\n1;2;3\n4;5;6\n", delimiter=";") == ()


def test_wrong_delimiter_gives_a_notice(folder: Path) -> None:
    (told,) = notices(folder, "a;b\n1;2\n", delimiter=",")
    assert "no line has the delimiter comma, which the folder has" in told
    assert "delimiter: semicolon would split" in told
    assert "the suffix .tsv means" in notices(folder, "a;b\n1;2\n", "file.tsv")[0]


@pytest.mark.parametrize(("delimiter", "data"), [("^", "a^b\n1^2\n"), (" ", "a b\n1 2\n"), ("\t", "a\tb\n1\t2\n")])
def test_any_delimiter_can_be_set(folder: Path, delimiter: str, data: str) -> None:
    assert read(folder, data, delimiter=delimiter) == [["a", "b"], [1, 2]]


def test_tsv_is_split_at_tabs_only(folder: Path) -> None:
    assert read(folder, "a\tb\n1,5\tx,y\n", "file.tsv") == [["a", "b"], ["1,5", "x,y"]]


def test_quote_none_takes_quotes_as_text(folder: Path) -> None:
    assert read(folder, 'a\tb\n"5 inch\tx\n', "file.tsv", quote="none") == [["a", "b"], ['"5 inch', "x"]]
    assert "row 2: the quoting is invalid" in error(folder, 'a\tb\n"5 inch\tx\n', "file.tsv")


def test_line_of_excel_with_the_delimiter_is_not_a_row(folder: Path) -> None:
    assert read(folder, "sep=|\r\na|b\r\n1,0|2\r\n") == [["a", "b"], ["1,0", 2]]
    assert "row 3 (line 4)" in error(folder, 'sep=|\na|b\n1|2\n"x"y|2\n')


def test_texts_that_look_like_numbers_are_named(folder: Path) -> None:
    rows = "".join(f"{number},{number % 90}.50,00{number}\n" for number in range(300))
    (told,) = notices(folder, f"id,price,code\n{rows}", delimiter=",")
    assert told == (
        '1 column has numbers that stay texts, as they are written: "0.50" in B2; type: numeric makes them numbers'
    )


def test_versions_and_words_are_not_called_numbers(folder: Path) -> None:
    rows = "".join(f"{number}.0.1,word\n" for number in range(50)) + "1.10,x\n"
    assert notices(folder, f"version,word\n{rows}", delimiter=",") == ()


def test_gzip_is_read_like_the_file_in_it(folder: Path) -> None:
    data = "id;straße\n1;Köln\n"
    assert read(folder, gzip.compress(data.encode()), "file.csv.gz") == read(folder, data)
    # Two members one after the other are one file.
    assert read(folder, gzip.compress(b"a;b\n") + gzip.compress(b"1;2\n"), "file.csv.gz") == [["a", "b"], [1, 2]]


@pytest.mark.parametrize("damage", ["cut", "flipped", "trailing"])
def test_damaged_gzip_is_refused(folder: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(os.urandom(3000).hex().encode() + b",1\n" * 1000))
    if damage == "cut":
        del packed[-20:]
    elif damage == "flipped":
        packed[-6] ^= 1
    else:
        packed += b"something else"
    with pytest.raises(CorruptError, match="gzip file is"):
        read(folder, bytes(packed), "file.csv.gz", delimiter=",", encoding="ascii")


def test_gzip_bomb_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "RATIO_FROM", 16 << 20)
    path = folder / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"id,name\n")
        for _ in range(32):
            file.write(b"1,a\n" * (1 << 18))
    with pytest.raises(CorruptError, match="more than 400 times its size"):
        plugin.pgdatahub_read(source_file(path))


def test_bomb_without_line_ends_is_refused(folder: Path) -> None:
    packed = gzip.compress(b"id,name\n" + b"a" * (sheet.MAX_ROW + (1 << 20)))
    assert "row 2: the row has more than" in error(folder, packed, "bomb.csv.gz", delimiter=",")


@pytest.mark.parametrize(
    "data",
    [
        '"' * 100_000,
        ",;|\t" * 25_000,
        "\r" * 100_000,
        "\n" * 100_000,
        '","\n' * 30_000,
        "a" * 100_000,
        "a" * 100_000 + ",b\n",
        "'\"" * 50_000,
    ],
    ids=["quotes", "delimiters", "returns", "newlines", "quoted delimiters", "letters", "long line", "both quotes"],
)
def test_misleading_beginnings_take_little_time(folder: Path, data: str) -> None:
    started = time.monotonic()
    with suppress(FileError):
        read(folder, data)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("<html><body><table><tr><td>1,2</td></tr></table></body></html>", "an HTML page"),
        ("\ufeff\n<!DOCTYPE html>\n<p>a,b</p>", "an HTML page"),
        ('<?xml version="1.0"?>\n<rows a="1,2"/>', "an XML document"),
        ("%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\n", "a PDF document"),
        ("{\\rtf1 a,b}", "an RTF document"),
        ('[{"a": 1, "b": 2},\n {"a": 3, "b": 4}]\n', "a JSON document"),
        ('{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "a JSON document"),
    ],
)
def test_other_texts_with_the_suffix_are_refused(folder: Path, data: str, found: str) -> None:
    assert f"the file is not a CSV file; it is {found}" in error(folder, data)
    packed = gzip.compress(data.encode())
    assert f"it is {found}" in error(folder, packed, "file.csv.gz")


@pytest.mark.parametrize("first", ["<TICKER>,<PER>", "{id},{name}", "[a],[b]", "%P,%Q", '"{""a"": 1}",b'])
def test_headers_in_brackets_are_read(folder: Path, first: str) -> None:
    assert read(folder, f"{first}\n1,2\n")[1] == [1, 2]


def test_rows_agree_with_pythons_own_reader(folder: Path) -> None:
    rows = [["id", "text"], ["1", 'a "b", c\r\nd'], ["2", " e\t"], ["3", "ü\n\n"], ["4", "'"]]
    path = folder / "file.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    assert [[str(cell) for cell in row] for row in read_rows(plugin, path)] == rows


def test_memory_is_flat_over_the_rows(folder: Path) -> None:
    """PGDATAHUB_HEAVY reads a million rows instead of a hundred thousand."""
    many = 1_000_000 if os.environ.get("PGDATAHUB_HEAVY") else 100_000
    peaks = [peak_mib(folder / f"{rows}.csv.gz", lines(rows)) for rows in (20_000, many)]
    assert peaks[1] - peaks[0] < 16, peaks


def lines(rows: int) -> Iterable[str]:
    yield "id,amount,day,text\n"
    for row in range(rows):
        yield f'{row},{row}.25,2024-02-{row % 28 + 1:02d},"text, {row}\nof two lines"\n'


def peak_mib(path: Path, rows: Iterable[str]) -> int:
    """Write a file, and return the most memory that a process takes to read it."""
    with gzip.open(path, "wt", compresslevel=1, encoding="ascii") as file:
        file.writelines(rows)
    script = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from pgdatahub.testing import source_file\n"
        "from pgdatahub_read_csv import plugin\n"
        "book = plugin.pgdatahub_read(source_file(Path(sys.argv[1])))\n"
        "print(sum(len(batch.rows) for batch in book.open(0).batches(5000)))\n"
        "book.close()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, env=environment
    )
    counted, peak = map(int, ran.stdout.split())
    assert counted > 20_000
    return peak // 1024 if sys.platform == "linux" else peak // 2**20


def test_this_process_has_few_open_files(folder: Path) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for _ in range(min(soft, 200)):
        with pytest.raises(FileError):
            read(folder, b"\x1f\x8b broken", "file.csv.gz")
