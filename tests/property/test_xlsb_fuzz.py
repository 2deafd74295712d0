"""Mutated binary workbooks give rows or one of our errors, in bounded time and memory, never anything else."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal

import pytest

from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.readers.xlsx.reader_choice import available_readers
from tests.property.fuzzing import LIMITS, mutated, outcome, seeds, try_mutations
from tests.unit.readers.xlsb import building as b

TOKENS = (
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x00",
    b"\x91\x01\x00",
    b"\x92\x01\x00",
    b"\x00\x19",
    b"\x05\x10",
    b"\x07\x0c",
    b"\x0d\x08",
    b"\xb0\x01\x10",
    b"\x00\x00\x00\x00\x00\x00\xf8\x7f",
    b"\x00\xd8",
)


def own_book() -> bytes:
    """A workbook of all kinds of cells."""
    rows = []
    for number in range(1, 400):
        rows += [b.row(number, hidden=number % 7 == 0), b.rk(0, number), b.real(1, number / 7, style=1)]
        rows += [b.cell(7, 2, struct.pack("<I", number % 50)), b.text(3, f"ü{number}"), b.cell(4, 4, b"\1")]
        rows += [b.cell(3, 5, b"\x2a"), b.cell(9, 6, struct.pack("<d", number) + bytes(10), style=2)]
        rows += [b.short(16, struct.pack("<d", number), style=3), b.short(12), b.short(17, b.wide("short"))]
    items = [b"\0" + b.wide(f"text {number}") for number in range(50)]
    sheet = b.sheet(*rows, after=b.merged(1, 3, 0, 2))
    return b.workbook([sheet, sheet], codes=[0, "yyyy-mm-dd", "00000", "[h]:mm"], items=items).getvalue()


def read(data: bytes, chance: random.Random) -> str:
    merged: Literal["fill", "top_left"] = "fill" if chance.random() < 0.5 else "top_left"
    reader = chance.choice(available_readers())
    return outcome(
        lambda: XlsbWorkbook(BytesIO(data), name="x", limits=LIMITS, merged=merged, reader=reader), max_rows=100
    )


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_mutated_xlsb_gives_rows_or_one_of_our_errors(tmp_path: Path) -> None:
    books = seeds(own_book(), ".xlsb")

    def mutate(chance: random.Random) -> bytes:
        def choose(names: Sequence[str]) -> str:
            return chance.choice([name for name in names if name.endswith((".bin", ".rels"))])

        return mutated(chance.choice(books), chance, TOKENS, choose)

    outcomes = try_mutations(mutate, read, tmp_path / "failure.xlsb", default=200, seconds=5, megabytes=200)
    assert len(outcomes) > 1, outcomes
