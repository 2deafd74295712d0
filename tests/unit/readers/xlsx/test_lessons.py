"""What one workbook teaches about the next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from pathlib import Path

import xlsxwriter

from pgdatahub.config import Config
from pgdatahub.model.flow import Batch
from pgdatahub.plugins.read_xlsx import XlsxReader
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.number_formats import DATE, NUMBER
from pgdatahub.readers.xlsx.cell_classes import Source
from pgdatahub.readers.xlsx.lessons import Experience, Lessons
from pgdatahub.readers.xlsx.sheet import XlsxSheet
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.testing import source_file
from pgdatahub.values.cells import Kind, Texts, Value, column_letters
from tests.unit.readers.xlsx.conftest import Book

STYLES = (NUMBER, DATE)
ROW = b'<row r="%d"><c r="A%d"><v>%d</v></c></row>'


def rows(first: int, last: int) -> bytes:
    return b"".join(ROW % (number, number, number) for number in range(first, last + 1))


def small_workbook(file: Path | BytesIO, *, month: int, lines: int = 200) -> None:
    """Write a header, lines and a total below: some 20 KB of sheet data."""
    workbook = xlsxwriter.Workbook(file)
    dates = workbook.add_format({"num_format": "yyyy-mm-dd"})
    sheet = workbook.add_worksheet("Data")
    sheet.write_row(0, 0, ["id", "day", "amount"])
    for line in range(1, lines + 1):
        sheet.write_number(line, 0, month * 1000 + line)
        sheet.write_number(line, 1, 45000 + line, dates)
        sheet.write_number(line, 2, line / 4)
    sheet.write_row(lines + 1, 0, ["total", "", lines])
    workbook.close()


def test_a_lesson_waits_until_enough_was_read_without_one() -> None:
    lessons = Lessons(STYLES, Limits(), 1000)
    assert not lessons.missed(999)
    assert lessons.missed(1)
    lessons.learn(rows(1, 30))
    assert lessons.shape is not None
    assert lessons.shape.pattern.match(rows(31, 31))
    assert not lessons.missed(999)


def test_after_a_lesson_in_vain_the_next_one_waits_longer() -> None:
    lessons = Lessons(STYLES, Limits(), 1000)
    lessons.learn(rows(1, 30))
    lessons.learn(rows(31, 60))
    assert not lessons.missed(1999)
    assert lessons.missed(1)


def test_sheets_of_another_prefix_are_learnt_from_anew() -> None:
    lessons = Lessons(STYLES, Limits(), 1000)
    lessons.learn(rows(1, 30))
    lessons.begin(b"", b"")
    assert lessons.shape is not None
    lessons.begin(b"x:", b"")
    assert lessons.shape is None


def test_lessons_that_came_to_their_limit_are_forgotten_before_the_next_sheet() -> None:
    lessons = Lessons(STYLES, Limits(), 0)
    for _ in range(64):
        assert lessons.missed(10_000_000)
        lessons.learn(rows(1, 30))
    assert not lessons.missed(10_000_000)
    lessons.begin(b"", b"")
    assert lessons.shape is None
    assert lessons.missed(1)


def test_what_is_known_is_for_one_sheet_at_a_time_of_the_same_topic_and_styles() -> None:
    experience = Experience()
    with (
        experience.lessons("sales", STYLES, Limits(), 0) as first,
        experience.lessons("sales", STYLES, Limits(), 0) as meanwhile,
    ):
        assert meanwhile is not first
    with experience.lessons("sales", (DATE, NUMBER), Limits(), 0) as others:
        assert others is not first
    with experience.lessons("stock", STYLES, Limits(), 0) as others:
        assert others is not first
    with experience.lessons("sales", STYLES, Limits(), 0) as again:
        assert again is first


def test_only_what_was_used_last_is_remembered() -> None:
    experience = Experience()
    known = []
    for topic in range(33):
        with experience.lessons(topic, STYLES, Limits(), 0) as lessons:
            known.append(lessons)
    with experience.lessons(1, STYLES, Limits(), 0) as lessons:
        assert lessons is known[1]
    with experience.lessons(0, STYLES, Limits(), 0) as lessons:
        assert lessons is not known[0]


def test_small_workbooks_of_a_folder_take_the_fast_lane_once_some_were_read(
    tmp_path: Path, sheet_cells: Callable[[XlsxSheet], dict[str, Value]]
) -> None:
    reader = XlsxReader()
    lanes = []
    for month in range(1, 8):
        path = tmp_path / "sales" / f"{month}.xlsx"
        path.parent.mkdir(exist_ok=True)
        small_workbook(path, month=month)
        workbook = reader.pgdatahub_read(source_file(path), Config())
        assert isinstance(workbook, XlsxWorkbook)
        with closing(workbook), closing(XlsxWorkbook(path, name="alone", learn_from=None)) as alone:
            sheet = workbook.open(0)
            assert sheet_cells(sheet) == sheet_cells(alone.open(0))
            lanes.append(dict(sheet.lanes))
    assert lanes[0] == {"fast": 0, "safe": 202}
    assert lanes[-1] == {"fast": 200, "safe": 2}


def test_numbers_between_a_header_and_a_total_stay_in_their_compact_form() -> None:
    experience = Experience()

    def read(month: int) -> list[Batch]:
        file = BytesIO()
        small_workbook(file, month=month)
        with closing(XlsxWorkbook(file, name="x", experience=experience, learn_from=0)) as workbook:
            return list(workbook.open(0).batches(1000))

    read(1)
    batches = read(2)
    assert [len(batch.rows) for batch in batches] == [1, 200, 1]
    kinds = [column.kind for column in batches[1].columns.values() if isinstance(column, Texts)]
    assert kinds == [Kind.NUMBER, Kind.TIMESTAMP, Kind.NUMBER]


def wide(columns: int, *, texts: bool = False, rows: int = 30) -> bytes:
    """Return rows of so many cells."""
    kind = ' t="str"' if texts else ""
    return b"".join(
        f'<row r="{row}">'.encode()
        + b"".join(f'<c r="{column_letters(at)}{row}"{kind}><v>{row}</v></c>'.encode() for at in range(columns))
        + b"</row>"
        for row in range(1, rows + 1)
    )


def test_what_is_too_much_for_one_shape_is_forgotten_for_what_is_there_now() -> None:
    lessons = Lessons(STYLES, Limits(), 0)
    lessons.learn(wide(1200))
    lessons.learn(wide(1200, texts=True))
    assert lessons.shape is not None
    assert {slot.cell_class.source for slot in lessons.shape.slots} == {Source.TEXT}


def test_a_header_is_not_learnt_from_a_few_rows_below_it() -> None:
    header = b'<row r="1"><c r="A1" t="str"><v>id</v></c></row>'
    lessons = Lessons(STYLES, Limits(), 0)
    lessons.learn(header + rows(2, 10))
    assert lessons.shape is not None
    assert [slot.cell_class.source for slot in lessons.shape.slots] == [Source.NUMBER]


def test_a_shape_with_attributes_of_a_namespace_is_for_sheets_that_declare_it() -> None:
    lessons = Lessons(STYLES, Limits(), 0)
    lessons.learn(rows(1, 30).replace(b"<row ", b'<row x14ac:dyDescent="0.25" '))
    lessons.begin(b"", b'<worksheet xmlns="main" xmlns:x14ac="more"><sheetData>')
    assert lessons.shape is not None
    lessons.begin(b"", b'<worksheet xmlns="main"><sheetData>')
    assert lessons.shape is None


def test_rows_that_declare_a_namespace_are_not_learnt_from() -> None:
    lessons = Lessons(STYLES, Limits(), 0)
    lessons.learn(rows(1, 30).replace(b"<row ", b'<row xmlns:x="" '))
    assert lessons.shape is None


def test_a_shape_of_wide_rows_is_given_up_for_narrow_ones(book: Book) -> None:
    experience = Experience()

    def read(rows: bytes) -> XlsxSheet:
        file = book(rows.decode())
        with closing(XlsxWorkbook(file, name="x", experience=experience, learn_from=0)) as workbook:
            sheet = workbook.open(0)
            assert sum(len(batch.rows) for batch in sheet.batches(1000)) == rows.count(b"<row")
            return sheet

    read(wide(100))
    lanes = [read(wide(4, rows=300)).lanes["fast"] for _ in range(3)]
    assert lanes == [300, 200, 300], "with the shape of wide rows, from new lessons, with what these taught"


def test_many_threads_may_use_one_experience() -> None:
    experience = Experience()

    def work(seed: int) -> None:
        for number in range(300):
            styles = STYLES * (1 + (seed + number) % 40)
            with experience.lessons(number % 7, styles, Limits(), 0) as lessons:
                assert lessons.classes.get("", "1") is not None

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, seed) for seed in range(8)]:
            done.result()
