"""Mutated real workbooks give rows or one of our errors, in bounded time and memory, never anything else.

PGDATAHUB_FUZZ is how many mutations are tried (a few hundred unless told), PGDATAHUB_FUZZ_SEED where they begin.
"""

from __future__ import annotations

import os
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter

from pgdatahub.errors import FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from tests.systems import peak_kilobytes

MUTATIONS = int(os.environ.get("PGDATAHUB_FUZZ", "400"))
SEED = int(os.environ.get("PGDATAHUB_FUZZ_SEED", "1"))
CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
SECONDS = 5.0  # for one mutation; a tenth of a second is usual
GROWTH = 200 * 1024  # KiB that the whole run may add to the process
LIMITS = Limits(part_bytes=64 * 1024 * 1024)

INTERESTING = (
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


def seeds() -> list[bytes]:
    """Workbooks to begin with: one of our own and, where there is a corpus, other people's."""
    found = sorted(path for path in CORPUS.rglob("*.xls[xm]") if path.stat().st_size < 200_000)
    return [own_book(), *(path.read_bytes() for path in found)]


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Damage some bytes: flipped, cut out, doubled, replaced by what parsers trip over."""
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
            damaged[at : at + size] = chance.choice(INTERESTING)
        elif way == 4:
            damaged[at:at] = chance.choice(INTERESTING)
        else:
            del damaged[at:]
            if chance.random() < 0.7:
                damaged += data[at + size :]
    return bytes(damaged)


def mutate_book(data: bytes, chance: random.Random) -> bytes:
    """Damage the zip file itself, or a part inside of a sound one."""
    if chance.random() < 0.3 or not zipfile.is_zipfile(BytesIO(data)):
        return mutate_bytes(data, chance)
    damaged = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(data)) as old,
        zipfile.ZipFile(damaged, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        names = old.namelist()
        wanted = [name for name in names if name.endswith((".xml", ".rels"))]
        sheets = [name for name in wanted if "worksheets/sheet" in name or "sharedStrings" in name]
        target = chance.choice(sheets if sheets and chance.random() < 0.6 else wanted or names)
        for name in names:
            content = old.read(name)
            if name == target:
                if chance.random() < 0.05:
                    continue
                content = mutate_bytes(content, chance)
            new.writestr(name, content)
    return damaged.getvalue()


def read(data: bytes, reader: Reader) -> str:
    """Read all sheets; return what came of it."""
    try:
        workbook = XlsxWorkbook(BytesIO(data), name="x", limits=LIMITS, reader=reader, merged="fill")
    except FileError as error:
        return type(error).__name__
    outcome = "rows"
    for position in range(len(workbook.sheets)):
        try:
            for _ in workbook.open(position).batches(1000):
                pass
        except FileError as error:
            outcome = type(error).__name__
    workbook.close()
    return outcome


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_mutated_workbooks_give_rows_or_one_of_our_errors(
    record_property: Callable[[str, object], None], tmp_path: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - to be repeatable
    books = seeds()
    before = peak_kilobytes()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(MUTATIONS):
        data = mutate_book(chance.choice(books), chance)
        begun = time.process_time()
        try:
            outcomes[read(data, chance.choice(available_readers()))] += 1
        except Exception as error:
            kept = tmp_path / "failure.xlsx"
            kept.write_bytes(data)
            raise AssertionError(f"mutation {number} of seed {SEED}, kept as {kept}") from error
        taken = time.process_time() - begun
        slowest = max(slowest, taken)
        assert taken < SECONDS, f"mutation {number} of seed {SEED} took {taken:.1f} s"
    grown = peak_kilobytes() - before
    assert grown < GROWTH, f"{grown:,} KiB"
    record_property("outcomes", dict(outcomes))
    print(f"{MUTATIONS:,} mutations: {dict(outcomes)}, slowest {slowest:.2f} s, {grown:,} KiB more memory")  # noqa: T201
