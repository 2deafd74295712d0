"""Mutated real workbooks give rows or one of our errors, in bounded time and memory, never anything else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter

from pgdatahub.readers.xlsx.reader_choice import available_readers
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from tests.property.fuzzing import LIMITS, mutated, outcome, seeds, try_mutations

TOKENS = (
    *(
        b"<",
        b">",
        b"/>",
        b"&",
        b"&amp;",
        b"&#0;",
        b"]]>",
        b"<!--",
        b"<![CDATA[",
        b"<!DOCTYPE x>",
        b'"',
        b"\0",
        b"\xff\xfe",
    ),
    *(
        b"99999999999",
        b"-1",
        b"1E999",
        b"NaN",
        b' t="s"',
        b' t="d"',
        b' s="4294967296"',
        b'r="XFD1048576"',
        b'r="ZZZZ1"',
    ),
    *(
        b"<row/>",
        b"<row>",
        b"</row>",
        b"<c/>",
        b"<v>",
        b"</v>",
        b"<si/>",
        b"_x0000_",
        b"_xD800_",
        b"xmlns:x=",
        b"hidden='1'",
    ),
)


def own_book() -> bytes:
    """A workbook of several pieces."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        for row in range(1500):
            sheet.write_row(
                row,
                0,
                [row, f"name {row % 50} & co", row / 7, row % 2 == 0, None, f"ü{row}"],
            )
            sheet.write_number(row, 6, 40000 + row, day)
            sheet.write_formula(row, 7, "=A1", None, row)
    return file.getvalue()


def read(data: bytes, chance: random.Random) -> str:
    reader = chance.choice(available_readers())
    return outcome(lambda: XlsxWorkbook(BytesIO(data), name="x", limits=LIMITS, reader=reader, merged="fill"))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_mutated_workbooks_give_rows_or_one_of_our_errors(tmp_path: Path) -> None:
    books = seeds(own_book(), ".xlsx", ".xlsm")

    def mutate(chance: random.Random) -> bytes:
        def choose(names: Sequence[str]) -> str:
            wanted = [name for name in names if name.endswith((".xml", ".rels"))]
            sheets = [name for name in wanted if "worksheets/sheet" in name or "sharedStrings" in name]
            return chance.choice(sheets if sheets and chance.random() < 0.6 else wanted or names)

        return mutated(chance.choice(books), chance, TOKENS, choose)

    outcomes = try_mutations(mutate, read, tmp_path / "failure.xlsx", default=400, seconds=5, megabytes=200)
    assert len(outcomes) > 1, outcomes
