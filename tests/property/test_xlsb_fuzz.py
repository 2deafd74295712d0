"""Mutated binary workbooks give rows or one of our errors, in bounded time and memory, never anything else.

PGDATAHUB_FUZZ is the number of mutations (200 unless told; 20,000 before a release), PGDATAHUB_FUZZ_SEED the first seed.
"""

from __future__ import annotations

import os
import random
import struct
import time
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Literal

import pytest

from pgdatahub.errors import FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.readers.xlsx.reader_choice import available_readers
from tests.systems import peak_kilobytes
from tests.unit.readers.xlsb import building as b

MUTATIONS = int(os.environ.get("PGDATAHUB_FUZZ", "200"))
SEED = int(os.environ.get("PGDATAHUB_FUZZ_SEED", "1"))
CASES = Path(__file__).parents[1] / "cases"
CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
SECONDS = 5.0
GROWTH = 200 * 1024
"""KiB that the whole run may add to the process."""
LIMITS = Limits(part_bytes=64 * 1024 * 1024)
INTERESTING = (
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


def seeds() -> list[bytes]:
    """The workbook above, the cases and, where there is a corpus, other people's workbooks."""
    paths = sorted([*CASES.glob("*.xlsb"), *CORPUS.rglob("*.xlsb")])
    return [own_book(), *(path.read_bytes() for path in paths if path.stat().st_size < 200_000)]


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Damage some bytes: flipped, cut out, doubled, replaced."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if not damaged:
            break
        at = chance.randrange(len(damaged))
        size = chance.choice((1, 1, 2, 8, 64))
        way = chance.randrange(6)
        if way == 0:
            damaged[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del damaged[at : at + size]
        elif way == 2:
            damaged[at:at] = damaged[at : at + size]
        elif way == 3:
            found = chance.choice(INTERESTING)
            damaged[at : at + len(found)] = found
        elif way == 4:
            damaged[at:at] = chance.choice(INTERESTING)
        elif chance.random() < 0.3:
            del damaged[at:]
    return bytes(damaged)


def mutate_book(data: bytes, chance: random.Random) -> bytes:
    """Damage the zip file itself, or a part of a sound one."""
    if chance.random() < 0.2:
        return mutate_bytes(data, chance)
    with zipfile.ZipFile(BytesIO(data)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    wanted = [name for name in parts if name.endswith((".bin", ".rels"))]
    target = chance.choice(wanted)
    parts[target] = mutate_bytes(parts[target], chance)
    return b.package(parts).getvalue()


def read(data: bytes, chance: random.Random) -> str:
    """Read all sheets; return the outcome."""
    merged: Literal["fill", "top_left"] = "fill" if chance.random() < 0.5 else "top_left"
    try:
        workbook = XlsbWorkbook(
            BytesIO(data), name="x", limits=LIMITS, merged=merged, reader=chance.choice(available_readers())
        )
    except FileError as error:
        return type(error).__name__
    outcome = "rows"
    for position in range(min(5, len(workbook.sheets))):
        for _ in range(2):  # a sheet whose rows are out of order is read again
            try:
                for _ in workbook.open(position).batches(100):
                    pass
            except FileError as error:
                outcome = type(error).__name__
            if not workbook.needs_second_reading():
                break
    workbook.close()
    return outcome


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_mutated_xlsb_gives_rows_or_one_of_our_errors(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - to be repeatable
    books = seeds()
    before = peak_kilobytes()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(MUTATIONS):
        data = mutate_book(chance.choice(books), chance)
        begun = time.process_time()
        try:
            outcomes[read(data, chance)] += 1
        except Exception as error:
            kept = tmp_path / "failure.xlsb"
            kept.write_bytes(data)
            raise AssertionError(f"mutation {number} of seed {SEED}, kept as {kept}") from error
        taken = time.process_time() - begun
        slowest = max(slowest, taken)
        assert taken < SECONDS, f"mutation {number} of seed {SEED} took {taken:.1f} s"
    grown = peak_kilobytes() - before
    assert grown < GROWTH, f"{grown:,} KiB"
    print(f"{MUTATIONS:,} mutations: {dict(outcomes)}, slowest {slowest:.2f} s, {grown:,} KiB more memory")  # noqa: T201
