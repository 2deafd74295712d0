from __future__ import annotations

import csv
import io
import os
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import BinaryIO

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.errors import (
    CorruptError,
    FileChangedError,
    ReadError,
)
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Sheet, Workbook
from pgdatahub.plugins.read_calamine import pgdatahub_read
from pgdatahub.readers.calamine.workbook import CalamineWorkbook
from pgdatahub.readers.detect import Format
from pgdatahub.values.cells import TextColumn, Value

CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS") or Path(__file__).parents[4] / "shared" / "corpus")
MUTATIONS = int(os.environ.get("PGDATAHUB_FUZZ", "30"))
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# ── making workbooks ──────────────────────────────────────────────────────────────────────────────────────────────────

_NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)


def cell(kind: str, value: str, *, attribute: str = "value", repeated: int = 1) -> str:
    return (
        f'<table:table-cell office:value-type="{kind}" office:{attribute}="{value}"'
        f' table:number-columns-repeated="{repeated}"/>'
    )


def text(content: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{content}</text:p></table:table-cell>'


def gap(columns: int) -> str:
    return f'<table:table-cell table:number-columns-repeated="{columns}"/>'


def row(*cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def ods(sheets: Mapping[str, Sequence[str]], *, hidden: Sequence[str] = ()) -> bytes:
    tables = "".join(
        f'<table:table table:name="{name}" table:style-name="{"h" if name in hidden else "v"}">{"".join(rows)}'
        "</table:table>"
        for name, rows in sheets.items()
    )
    styles = "".join(
        f'<style:style style:name="{name}" style:family="table"><style:table-properties table:display="{shown}"/>'
        "</style:style>"
        for name, shown in (("h", "false"), ("v", "true"))
    )
    content = (
        f"<office:document-content {_NAMESPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    return file.getvalue()


PEOPLE = ods({"People": [row(text("name"), text("age")), row(text("Ann"), cell("float", "41"))], "Empty": []})
LARGE = ods({"S": [row(cell("float", "1.5", repeated=1000), repeated=90_000)]})
"""A small file of 90 million cells, just below what the library accepts: some two gigabytes."""


def panicking_xls() -> bytes:
    """Return an OLE file whose second sector is cut short, at which the library panics."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    for offset, value in ((44, 1), (48, 1), (56, 4096), (60, 0xFFFFFFFE), (68, 0xFFFFFFFE)):
        struct.pack_into("<I", header, offset, value)
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    return bytes(header) + struct.pack("<2I", 0xFFFFFFFD, 0xFFFFFFFE) + b"\xff" * 504 + bytes(100)


def source_of(path: Path, options: FolderOptions | None = None) -> SourceFile:
    return SourceFile(
        location=str(path),
        identity=path.name,
        table=TableName(schema="public", name="t"),
        options=options or FolderOptions(reader="calamine"),
        size=path.stat().st_size if path.exists() else 0,
    )


def put(folder: Path, name: str, content: bytes, options: FolderOptions | None = None) -> SourceFile:
    path = folder / name
    path.write_bytes(content)
    return source_of(path, options)


def opened(source: SourceFile) -> Workbook:
    workbook = pgdatahub_read(source)
    assert workbook is not None
    return workbook


def cells_of(sheet: Sheet, max_rows: int = 1000) -> dict[tuple[int, int], Value]:
    cells: dict[tuple[int, int], Value] = {}
    for batch in sheet.batches(max_rows):
        assert len(batch.rows) <= max_rows
        for position, column in batch.columns.items():
            assert not isinstance(column, TextColumn)
            assert len(column) == len(batch.rows)
            cells |= {(number, position): value for number, value in zip(batch.rows, column, strict=True)}
    return {place: value for place, value in cells.items() if value is not None}


def rows_of(source: SourceFile) -> dict[str, dict[tuple[int, int], Value]]:
    with closing(opened(source)) as workbook:
        return {info.name: cells_of(workbook.open(index)) for index, info in enumerate(workbook.sheets)}


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_values_keep_their_cells_and_are_plain_python(tmp_path: Path) -> None:
    rows = [
        row(gap(9), repeated=2),
        row(gap(2), text("a"), gap(2), cell("float", "1.5")),
        row(gap(1), repeated=3),
        row(gap(2), cell("boolean", "true", attribute="boolean-value"), text(""), cell("float", "7")),
        row(gap(2), cell("date", "2024-01-31", attribute="date-value"), text("x")),
        row(gap(2), cell("date", "2024-01-31T08:30:00.25", attribute="date-value")),
        row(gap(2), cell("time", "PT08H15M30S", attribute="time-value")),
        # What the library makes of a day and more; its text is kept.
        row(gap(2), cell("time", "PT30H15M00S", attribute="time-value")),
    ]
    cells = rows_of(put(tmp_path, "a.ods", ods({"S": rows})))["S"]
    assert cells == {
        (3, 2): "a",
        (3, 5): 1.5,
        (7, 2): True,
        (7, 4): 7.0,
        (8, 2): date(2024, 1, 31),
        (8, 3): "x",
        (9, 2): datetime(2024, 1, 31, 8, 30, 0, 250_000),  # noqa: DTZ001 - workbooks know no time zones
        (10, 2): clock(8, 15, 30),
        (11, 2): "PT30H15M00S",
    }
    assert [type(cells[place]) for place in ((7, 2), (8, 2))] == [bool, date]


@pytest.mark.parametrize("max_rows", [1, 2, 7, 1000])
def test_the_size_of_batches_does_not_matter(tmp_path: Path, max_rows: int) -> None:
    rows = [row(cell("float", str(number)), text(f"t{number}") if number % 3 else gap(1)) for number in range(20)]
    with closing(opened(put(tmp_path, "a.ods", ods({"S": rows})))) as workbook:
        cells = cells_of(workbook.open(0), max_rows)
    assert [cells[number + 1, 0] for number in range(20)] == [float(number) for number in range(20)]
    assert [cells.get((number + 1, 1)) for number in range(4)] == [None, "t1", "t2", None]


def test_a_wide_sheet_comes_in_smaller_batches(tmp_path: Path) -> None:
    source = put(tmp_path, "a.ods", ods({"S": [row(cell("float", "1", repeated=1000), repeated=1500)]}))
    with closing(opened(source)) as workbook:
        sizes = [len(batch.rows) for batch in workbook.open(0).batches(10_000)]
    assert sizes == [1000, 500]


def test_sheets_come_in_their_order_with_what_is_hidden(tmp_path: Path) -> None:
    source = put(tmp_path, "a.ods", ods({"A": [], "B": [row(text("x"))], "C": []}, hidden=["B"]))
    with closing(opened(source)) as workbook:
        assert [(sheet.name, sheet.visible) for sheet in workbook.sheets] == [("A", True), ("B", False), ("C", True)]
        assert cells_of(workbook.open(1)) == {(1, 0): "x"}
        assert cells_of(workbook.open(0)) == {}


def test_a_sheet_may_be_left_in_the_middle_for_another(tmp_path: Path) -> None:
    rows = [row(cell("float", str(number))) for number in range(100)]
    with closing(opened(put(tmp_path, "a.ods", ods({"A": rows, "B": [row(text("x"))]})))) as workbook:
        batches = workbook.open(0).batches(5)
        next(batches)
        assert isinstance(batches, Iterator)
        batches.close()  # type: ignore[attr-defined]  # it is a generator
        assert cells_of(workbook.open(1)) == {(1, 0): "x"}
        assert len(cells_of(workbook.open(0))) == 100


def test_each_sheet_says_what_the_format_does_not_tell(tmp_path: Path) -> None:
    options = FolderOptions(merged="fill", hidden="skip", reader="calamine")
    with closing(opened(put(tmp_path, "a.xlsx", PEOPLE, options))) as workbook:
        notices = "\n".join(workbook.open(0).notices)
    assert "errors and formulas without a result may look like empty cells" in notices
    assert "the file is named .xlsx, its content is .ods" in notices
    assert "merged: fill has no effect" in notices
    assert "hidden: skip has no effect" in notices


# ── what a file is ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["a.ods", "a.ODS", "a.xlsx", "a.xls", "a", "ü\n.ods"])
def test_the_content_decides_and_not_the_name(tmp_path: Path, name: str) -> None:
    assert rows_of(put(tmp_path, name, PEOPLE))["People"] == {
        (1, 0): "name",
        (1, 1): "age",
        (2, 0): "Ann",
        (2, 1): 41.0,
    }


def test_a_file_that_is_nowhere_on_this_machine_is_copied_here(tmp_path: Path) -> None:
    class Remote(SourceFile):
        def open(self) -> BinaryIO:
            return io.BytesIO(PEOPLE)

    local = put(tmp_path, "a.ods", b"")
    remote = Remote(
        location="memory://bucket/a.ods", identity="a", table=local.table, options=local.options, size=len(PEOPLE)
    )
    assert len(rows_of(remote)["People"]) == 4


def test_workbooks_are_left_to_their_reader_unless_asked_for(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    for name in ("a.xlsx", "a.xls", "a.csv"):
        assert pgdatahub_read(put(tmp_path, name, file.getvalue(), FolderOptions())) is None


def test_a_file_that_has_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileChangedError, match="not there any more"):
        CalamineWorkbook(source_of(tmp_path / "a.ods"), Format.ODS)


# ── what goes wrong in the process ────────────────────────────────────────────────────────────────────────────────────


def test_a_panic_costs_the_file_alone_and_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = put(tmp_path, "a.xls", panicking_xls())
    with pytest.raises(CorruptError, match=r"^the workbook is damaged: range start index \d+ out of range"):
        pgdatahub_read(source)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = put(tmp_path, "a.ods", LARGE)
    with pytest.raises(CorruptError, match=r"takes more than 400 MiB of memory \(save it as .xlsx"):
        CalamineWorkbook(source, Format.ODS, memory=400 << 20)
    assert capfd.readouterr() == ("", "")


def test_a_file_on_which_nothing_moves_is_given_up(tmp_path: Path) -> None:
    source = put(tmp_path, "a.ods", LARGE)
    started = time.monotonic()
    with pytest.raises(CorruptError, match="made no progress"):
        CalamineWorkbook(source, Format.ODS, timeout=0.2)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_crash_within_a_sheet_names_the_sheet_and_signal(tmp_path: Path, name: str) -> None:
    rows = [row(cell("float", str(number))) for number in range(100)]
    with closing(CalamineWorkbook(put(tmp_path, "a.ods", ods({"Big": rows})), Format.ODS)) as workbook:
        batches = workbook.open(0).batches(10)
        next(batches)
        os.kill(workbook.pid, getattr(signal, name))
        with pytest.raises(CorruptError, match=rf"^Big: the workbook is damaged: reading it crashed \({name}\)"):
            list(batches)


def test_a_closed_workbook_says_so_and_may_be_closed_again(tmp_path: Path) -> None:
    workbook = opened(put(tmp_path, "a.ods", PEOPLE))
    sheet = workbook.open(0)
    batches = sheet.batches(1)
    next(batches)
    workbook.close()
    workbook.close()
    with pytest.raises(ReadError, match="the workbook is closed"):
        list(batches)
    with pytest.raises(ReadError, match="the workbook is closed"):
        workbook.open(0)


def test_closing_leaves_neither_process_nor_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    workbook = CalamineWorkbook(put(tmp_path, "a.xls", PEOPLE), Format.ODS)
    assert list(folder.iterdir())
    workbook.close()
    assert not list(folder.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(workbook.pid, 0)
    with pytest.raises(CorruptError):
        pgdatahub_read(put(tmp_path, "b.xlsx", panicking_xls()))
    assert not list(folder.iterdir())


@on_linux
def test_the_process_dies_with_its_parent_even_while_it_is_busy(tmp_path: Path) -> None:
    source = put(tmp_path, "a.ods", LARGE)
    program = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from pgdatahub.readers.isolated.process import ReadingProcess\n"
        "process = ReadingProcess('pgdatahub.readers.calamine.program', memory=8 << 30, timeout=60)\n"
        "process.send('open', sys.argv[1])\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, source.location]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        assert "R" in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
        parent.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.02)


@on_linux
def test_the_process_gets_no_secret_and_no_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("PGPASSWORD", "secret")
    with closing(CalamineWorkbook(put(tmp_path, "a.ods", PEOPLE), Format.ODS)) as workbook:
        for what in ("environ", "cmdline"):
            assert b"secret" not in Path(f"/proc/{workbook.pid}/{what}").read_bytes()
        assert os.getsid(workbook.pid) != os.getsid(0)
        limits = Path(f"/proc/{workbook.pid}/limits").read_text(encoding="utf-8")
    limit = next(line for line in limits.splitlines() if line.startswith("Max address space"))
    assert int(limit.split()[3]) == (2 << 30) + 32 * len(PEOPLE)


def test_nothing_is_imported_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("python_calamine", "marshal", "struct", "queue"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert len(rows_of(put(tmp_path, "a.ods", PEOPLE))["People"]) == 4


# ── other people's files ──────────────────────────────────────────────────────────────────────────────────────────────


def zoo() -> list[dict[str, str]]:
    if not (CORPUS / "files.csv").exists():
        return []
    with (CORPUS / "files.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


needs_corpus = pytest.mark.skipif(not zoo(), reason="no corpus (PGDATAHUB_CORPUS)")


@needs_corpus
@pytest.mark.corpus
def test_every_kind_of_value_comes_from_xls() -> None:
    values = rows_of(source_of(CORPUS / "python-calamine/tests/data/base.xls"))["Sheet1"]
    assert {type(value) for value in values.values()} >= {str, float, bool, date, datetime, clock, timedelta}


@needs_corpus
@pytest.mark.corpus
def test_merged_areas_of_xls_are_filled_where_the_folder_says_so() -> None:
    path = CORPUS / "messytables/horror/span_rich.xls"
    plain = rows_of(source_of(path))["Sheet1"]
    filled = rows_of(source_of(path, FolderOptions(merged="fill", reader="calamine")))["Sheet1"]
    assert plain[2, 1] == "MERGE"
    assert filled == plain | dict.fromkeys([(2, 2), (3, 1), (3, 2)], "MERGE")
