"""A large sheet is matched by several processes, whatever becomes of them."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import psutil
import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.readers.xlsx.matching_pool import can_match_apart
from pgdatahub.readers.xlsx.workbook import WORTH_PROCESSES_BYTES, XlsxWorkbook
from pgdatahub.values.cells import Value
from pgdatahub.values.column_values import as_values

pytestmark = pytest.mark.skipif(not can_match_apart(), reason="this system hands no open files to other processes")

ROWS = 90_000
Change = Callable[[int, str], str]


def large_sheet(change: Change = lambda _number, row: row) -> str:
    rows = "".join(
        change(
            number,
            f'<row r="{number}"><c r="A{number}"><v>{number}</v></c><c r="B{number}" t="inlineStr"><is><t>R&amp;D {number}'
            f'</t></is></c><c r="C{number}" t="s"><v>{number % 2}</v></c><c r="D{number}" s="2"><v>{40000 + number / 7}'
            f'</v></c><c r="E{number}" t="b"><v>{number % 2}</v></c></row>',
        )
        for number in range(1, ROWS + 1)
    )
    assert len(rows) > WORTH_PROCESSES_BYTES
    return rows


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "matching_process" in " ".join(child.cmdline())]


def read(file: BytesIO, processes: int, at_batch: Callable[[int], None] = lambda _: None) -> dict[int, list[Value]]:
    """Return the values of all columns, and the rows' numbers as column -1."""
    columns: dict[int, list[Value]] = {-1: []}
    with closing(XlsxWorkbook(file, name="large.xlsx", processes=processes)) as workbook:
        for index, batch in enumerate(workbook.open(0).batches(10_000)):
            at_batch(index)
            above = len(columns[-1])
            columns[-1].extend(batch.rows)
            for position, column in batch.columns.items():
                cells = columns.setdefault(position, [])
                cells.extend([None] * (above - len(cells)))
                cells.extend(as_values(column))
    return columns


def test_several_processes_read_a_large_sheet_as_one_does(book: Callable[..., BytesIO]) -> None:
    seen: set[int] = set()
    data = book(large_sheet()).getvalue()
    together = read(BytesIO(data), 3, lambda _: seen.update(children()))
    assert len(seen) == 2
    assert not children()
    alone = read(BytesIO(data), 1)
    assert together == alone
    assert len(alone[1]) == ROWS
    assert alone[1][-1] == f"R&D {ROWS}"


def test_a_process_that_is_killed_costs_nothing(book: Callable[..., BytesIO]) -> None:
    def kill(index: int) -> None:
        if index == 1:
            for pid in children():
                os.kill(pid, signal.SIGKILL)

    data = book(large_sheet()).getvalue()
    assert read(BytesIO(data), 2, kill) == read(BytesIO(data), 1)


def test_rows_of_another_shape_stay_in_their_order(book: Callable[..., BytesIO]) -> None:
    def odd(number: int, row: str) -> str:
        if number % 1000 == 7:
            return f'<row r="{number}"><c r="A{number}" t="str"><v>total</v></c><c r="H{number}" t="e"><v>#N/A</v></c></row>'
        return row

    data = book(large_sheet(odd)).getvalue()
    together = read(BytesIO(data), 2)
    assert together == read(BytesIO(data), 1)
    assert together[0].count("total") == ROWS / 1000


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('<row r="70000"><c r="C70000" t="s"><v>9</v></c></row>', "C70000: '9' refers to a shared string past"),
        ('<row r="70000"><c r="A70000"><v>x</v></c></row>', "A70000: 'x' is no number"),
        ('<row r="3"><c r="A3"><v>1</v></c></row>', "row 3 comes after row 69999"),
    ],
)
def test_a_wrong_cell_is_named_whoever_read_it(book: Callable[..., BytesIO], bad: str, message: str) -> None:
    file = book(large_sheet(lambda number, row: bad if number == 70_000 else row))
    with pytest.raises(CorruptError) as caught:
        read(file, 2)
    assert message in f"{caught.value.where}: {caught.value.message}".replace("large.xlsx › Data › ", "")


def test_no_secret_of_the_environment_reaches_them(
    book: Callable[..., BytesIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/name")
    seen: list[str] = []

    def look(_index: int) -> None:
        seen.extend(str(psutil.Process(pid).environ()) for pid in children())

    read(book(large_sheet()), 2, look)
    assert seen
    assert not any("secret" in environment for environment in seen)


def test_where_no_process_can_be_started_one_reads_it_all(book: Callable[..., BytesIO]) -> None:
    data = book(large_sheet()).getvalue()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Enough for the workbook, not for the pipes to another process.
    with Path(os.devnull).open("rb") as probe, BytesIO(data) as file:
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno() + 1, hard))
        try:
            alone = read(file, 2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(alone[-1]) == ROWS


def test_small_sheets_are_read_by_one_process(book: Callable[..., BytesIO]) -> None:
    seen: list[int] = []
    read(book('<row r="1"><c r="A1"><v>1</v></c></row>'), 2, lambda _: seen.extend(children()))
    assert not seen
