"""What one workbook teaches about the next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import xlsxwriter

from pgdatahub.config import Config
from pgdatahub.model import Batch
from pgdatahub.plugins.read_xlsx import XlsxReader
from pgdatahub.testing import source_file
from pgdatahub.values.cells import Kind, Texts, Value
from pgdatahub.xlsx.lessons import Experience, Lessons
from pgdatahub.xlsx.limits import Limits
from pgdatahub.xlsx.number_formats import DATE, NUMBER
from pgdatahub.xlsx.sheet import XlsxSheet
from pgdatahub.xlsx.workbook import XlsxWorkbook

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
    assert not lessons.due(999)
    assert lessons.due(1)
    lessons.learn(rows(1, 30))
    assert lessons.shape is not None
    assert lessons.shape.pattern.match(rows(31, 31))
    assert not lessons.due(999)


def test_after_a_lesson_in_vain_the_next_one_waits_longer() -> None:
    lessons = Lessons(STYLES, Limits(), 1000)
    lessons.learn(rows(1, 30))
    lessons.learn(rows(31, 60))
    assert not lessons.due(1999)
    assert lessons.due(1)


def test_sheets_of_another_prefix_are_learnt_from_anew() -> None:
    lessons = Lessons(STYLES, Limits(), 1000)
    lessons.learn(rows(1, 30))
    lessons.begin(b"")
    assert lessons.shape is not None
    lessons.begin(b"x:")
    assert lessons.shape is None


def test_lessons_that_came_to_their_limit_are_forgotten_before_the_next_sheet() -> None:
    lessons = Lessons(STYLES, Limits(), 0)
    for _ in range(64):
        assert lessons.due(10_000_000)
        lessons.learn(rows(1, 30))
    assert not lessons.due(10_000_000)
    lessons.begin(b"")
    assert lessons.shape is None
    assert lessons.due(1)


def test_what_is_known_is_for_one_workbook_at_a_time_and_for_the_same_styles() -> None:
    experience = Experience()
    first = experience.take(STYLES, Limits(), 0)
    assert experience.take(STYLES, Limits(), 0) is not first
    experience.give_back(first)
    assert experience.take((DATE, NUMBER), Limits(), 0) is not first
    assert experience.take(STYLES, Limits(), 0) is first


def test_only_the_styles_used_last_are_remembered() -> None:
    experience = Experience()
    styles = [(NUMBER,) * count for count in range(1, 18)]
    given = [experience.take(found, Limits(), 0) for found in styles]
    for lessons in given:
        experience.give_back(lessons)
    assert experience.take(styles[0], Limits(), 0) is not given[0]
    assert experience.take(styles[1], Limits(), 0) is given[1]


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
            sheet = workbook.open("Data")
            assert sheet_cells(sheet) == sheet_cells(alone.open("Data"))
            lanes.append(dict(sheet.lanes))
    assert lanes[0] == {"fast": 0, "safe": 202}
    assert lanes[-1] == {"fast": 200, "safe": 2}


def test_numbers_between_a_header_and_a_total_stay_in_their_compact_form() -> None:
    experience = Experience()

    def read(month: int) -> list[Batch]:
        file = BytesIO()
        small_workbook(file, month=month)
        with closing(XlsxWorkbook(file, name="x", experience=experience, learn_from=0)) as workbook:
            return list(workbook.open("Data").batches(1000))

    read(1)
    batches = read(2)
    assert [len(batch.rows) for batch in batches] == [1, 200, 1]
    kinds = [column.kind for column in batches[1].columns.values() if isinstance(column, Texts)]
    assert kinds == [Kind.NUMBER, Kind.TIMESTAMP, Kind.NUMBER]
