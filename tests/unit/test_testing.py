"""The kit for plugin authors finds every broken rule, and passes readers that break none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pgdatahub import Batch, SheetInfo, SourceFile, hookimpl
from pgdatahub.errors import ReadError
from pgdatahub.plugins.read_xlsx import XlsxReader
from pgdatahub.testing import check_reader, make_workbook, read_rows, source_file
from pgdatahub.testing.reader_rules import SAMPLE_ROWS
from tests.unit.readers.xlsx.conftest import make_book

# ── a reader that keeps the rules, and ways to break them ─────────────────────────────────────────────────────────────


@dataclass(kw_only=True)
class LinesSheet:
    """A sheet of numbers, one row a line."""

    name: str
    rows: Iterator[bytes]
    hidden_columns: frozenset[int] = frozenset()
    notices: Sequence[str] = ()

    def batches(self, max_rows: int) -> Iterator[Batch]:
        numbers: list[list[int]] = []
        row = 1
        for line in self.rows:
            numbers.append(parsed(line))
            if len(numbers) == max_rows:
                yield Batch(rows=range(row, row + max_rows), columns=dict(enumerate(zip(*numbers, strict=True))))
                row += max_rows
                numbers = []
        if numbers:
            yield Batch(rows=range(row, row + len(numbers)), columns=dict(enumerate(zip(*numbers, strict=True))))


def parsed(line: bytes) -> list[int]:
    try:
        first, second = map(int, line.split(b" "))
    except ValueError as error:
        raise ReadError("not two numbers") from error
    return [first, second]


class LinesWorkbook:
    sheet: Callable[..., Any] = LinesSheet

    def __init__(self, source: SourceFile) -> None:
        self.file = source.open()
        self.sheets: tuple[SheetInfo, ...] = (SheetInfo(name="lines"),)

    def open(self, position: int) -> Any:
        return type(self).sheet(name=self.sheets[position].name, rows=iter(self.file))

    def close(self) -> None:
        self.file.close()


@dataclass(kw_only=True)
class LinesReader:
    """A plugin that reads files ``.lines``."""

    workbook: type[LinesWorkbook] = LinesWorkbook
    suffixes: tuple[str, ...] = (".lines",)

    @hookimpl
    def pgdatahub_read(self, source: SourceFile) -> LinesWorkbook | None:
        return self.workbook(source) if source.suffix in self.suffixes else None


def write_lines(path: Path, rows: int) -> None:
    path.write_text("".join(f"{row} {row * 2}\n" for row in range(rows + 1)), encoding="ascii")


def check(reader: object, folder: Path, **options: Any) -> None:
    check_reader(reader, write_lines, suffix=".lines", folder=folder, **options)


def with_sheet(kind: Callable[..., Any]) -> LinesReader:
    return LinesReader(workbook=type("Broken", (LinesWorkbook,), {"sheet": kind}))


BYTES: Any = [b"1"]


def changing(change: Callable[[Batch], Batch]) -> LinesReader:
    """A reader whose batches are changed on their way."""

    class Changing(LinesSheet):
        def batches(self, max_rows: int) -> Iterator[Batch]:
            return map(change, super().batches(max_rows))

    return with_sheet(Changing)


def test_a_reader_that_keeps_the_rules_passes(tmp_path: Path) -> None:
    check(LinesReader(), tmp_path)


def test_the_built_in_reader_keeps_the_rules(tmp_path: Path) -> None:
    def write(path: Path, rows: int) -> None:
        if rows > SAMPLE_ROWS:  # large files as text: five seconds sooner
            cells = (f'<row r="{n}"><c><v>{n}</v></c><c><v>{n / 4}</v></c></row>' for n in range(1, rows + 2))
            path.write_bytes(make_book("".join(cells)).getvalue())
        else:
            numbers: Iterator[list[Any]] = ([row, row / 4, "text"] for row in range(rows))
            make_workbook(path, {"Data": chain([["id", "amount", "note"]], numbers), "More": [["a"], [True]]})

    check_reader(XlsxReader(), write, suffix=".xlsx", folder=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda batch: Batch(rows=[row - 1 for row in batch.rows], columns=batch.columns), "ascend from 1"),
        (lambda batch: Batch(rows=range(1, len(batch.rows) + 1), columns=batch.columns), "also across batches"),
        (lambda batch: Batch(rows=batch.rows, columns={0: batch.columns[0][1:]}), "cells for"),
        (lambda batch: Batch(rows=batch.rows, columns={-1: batch.columns[0]}), "positions"),
        (lambda batch: Batch(rows=batch.rows, columns={0: BYTES * len(batch.rows)}), "A1 is a bytes"),
        (lambda batch: Batch(rows=batch.rows, columns={0: [float("nan")] * len(batch.rows)}), "A1 is nan"),
        (lambda batch: Batch(rows=batch.rows, columns={0: [len(batch.rows)] * len(batch.rows)}), "depends on"),
        (lambda batch: Batch(rows=batch.rows, columns=batch.columns, hidden_rows=frozenset({99})), "hidden rows"),
    ],
)
def test_a_batch_that_is_not_well_formed_is_found(
    tmp_path: Path, change: Callable[[Batch], Batch], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        check(changing(change), tmp_path)


def test_batches_that_are_too_large_are_found(tmp_path: Path) -> None:
    class Large(LinesSheet):
        def batches(self, max_rows: int) -> Iterator[Batch]:
            return super().batches(max_rows + 1)

    with pytest.raises(AssertionError, match="one of 8 came"):
        check(with_sheet(Large), tmp_path)


def test_rows_that_are_lost_are_found(tmp_path: Path) -> None:
    class Short(LinesSheet):
        def batches(self, max_rows: int) -> Iterator[Batch]:
            next(self.rows)
            return super().batches(max_rows)

    with pytest.raises(AssertionError, match="25 rows were read"):
        check(with_sheet(Short), tmp_path)


def test_a_sheet_under_another_name_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="opened as 'other'"):
        check(with_sheet(lambda rows, **_: LinesSheet(name="other", rows=rows)), tmp_path)


def test_a_file_that_is_not_closed_is_found(tmp_path: Path) -> None:
    class Open(LinesWorkbook):
        def close(self) -> None:
            kept.append(self.file)

    kept: list[Any] = []
    with pytest.raises(AssertionError, match="does not close the file"):
        check(LinesReader(workbook=Open), tmp_path)
    for file in kept:
        file.close()


def test_a_file_that_is_left_to_the_garbage_collector_is_found(tmp_path: Path) -> None:
    class Reader(LinesReader):
        @hookimpl
        def pgdatahub_read(self, source: SourceFile) -> LinesWorkbook | None:
            source.open().read(4)
            return super().pgdatahub_read(source)

    with pytest.raises(AssertionError, match="garbage collector"):
        check(Reader(), tmp_path, streams=False)


def test_a_declined_file_that_is_left_open_is_found(tmp_path: Path) -> None:
    opened = []

    class Reader(LinesReader):
        @hookimpl
        def pgdatahub_read(self, source: SourceFile) -> LinesWorkbook | None:
            opened.append(source.open())
            answer = super().pgdatahub_read(source)
            if answer is not None:
                opened.pop().close()
            return answer

    with pytest.raises(AssertionError, match="and leaves it open"):
        check(Reader(), tmp_path)
    for file in opened:
        file.close()


def test_a_reader_that_takes_what_is_not_its_own_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="not the reader's, and it takes it"):
        check(LinesReader(suffixes=(".lines", ".unknown-kind")), tmp_path)


def test_a_reader_that_raises_where_it_should_decline_is_found(tmp_path: Path) -> None:
    class Reader(LinesReader):
        @hookimpl
        def pgdatahub_read(self, source: SourceFile) -> LinesWorkbook | None:
            answer = super().pgdatahub_read(source)
            if answer is None:
                raise ReadError("not mine")
            return answer

    with pytest.raises(AssertionError, match="raises instead of returning None"):
        check(Reader(), tmp_path)


def test_another_exception_for_a_damaged_file_is_found(tmp_path: Path) -> None:
    class Careless(LinesSheet):
        def batches(self, max_rows: int) -> Iterator[Batch]:
            try:
                yield from super().batches(max_rows)
            except ReadError as error:
                raise ValueError("an accident") from error

    with pytest.raises(AssertionError, match="raises ValueError, and not a ReadError"):
        check(with_sheet(Careless), tmp_path)


def test_reader_that_keeps_all_rows_fails_unless_allowed(tmp_path: Path) -> None:
    @dataclass(kw_only=True)
    class Hoarding(LinesSheet):
        kept: list[Batch] = field(default_factory=list)

        def batches(self, max_rows: int) -> Iterator[Batch]:
            for batch in super().batches(max_rows):
                self.kept.append(batch)
                yield batch

    with pytest.raises(AssertionError, match="nothing is streamed"):
        check(with_sheet(Hoarding), tmp_path)
    check(with_sheet(Hoarding), tmp_path, streams=False)


def test_what_is_no_plugin_is_found(tmp_path: Path) -> None:
    class Misspelt:
        @hookimpl
        def pgdatahub_raed(self, source: SourceFile) -> None: ...

    with pytest.raises(AssertionError, match="unknown hook"):
        check(Misspelt(), tmp_path)
    with pytest.raises(AssertionError, match="no function pgdatahub_read"):
        check(object(), tmp_path)


# ── workbooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_workbook_has_the_values_that_it_was_made_of(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["text", "number", "moment"],
        ["=1+1", 1, date(2024, 2, 29)],
        ["http://example.com", 0.1, datetime.fromisoformat("2024-02-29 10:30:15")],
        [" 007 ", Decimal("2.5"), time(23, 59, 59)],
        [None, True, timedelta(hours=30)],
    ]
    path = make_workbook(tmp_path / "new" / "book.xlsx", {"Sheet 1": rows, "Hidden": [["x"]]}, hidden_sheets={"Hidden"})
    workbook = openpyxl.load_workbook(path)
    assert [(sheet.title, sheet.sheet_state) for sheet in workbook] == [("Sheet 1", "visible"), ("Hidden", "hidden")]
    cells = [[cell.value for cell in row] for row in workbook["Sheet 1"].iter_rows()]
    assert cells[1] == ["=1+1", 1, datetime.fromisoformat("2024-02-29")]
    assert workbook["Sheet 1"]["A2"].data_type == "s"
    assert cells[2:] == [rows[2], [" 007 ", 2.5, time(23, 59, 59)], [None, True, timedelta(hours=30)]]
    assert read_rows(XlsxReader(), path, sheet="Hidden") == [["x"]]


@pytest.mark.parametrize("value", [2**53 + 1, Decimal("0.10000000000000001"), b"bytes", "x" * 40_000])
def test_a_value_that_no_cell_holds_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ValueError, match="no cell holds"):
        make_workbook(tmp_path / "book.xlsx", {"Sheet1": [[value]]})


def test_a_source_file_has_the_options_of_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "Sales 2024" / "a.lines"
    path.parent.mkdir()
    path.write_bytes(b"1 2\n")
    source = source_file(path, header_row=3)
    assert (source.identity, source.table.name, source.options.header_row) == ("Sales 2024/a.lines", "sales_2024", 3)
