"""Mutated spreadsheets give rows or one of our errors, in bounded time and memory, never anything else.

PGDATAHUB_FUZZ is the number of mutations (200 unless set, 20,000 for the long form), PGDATAHUB_FUZZ_SEED the first seed.
"""

from __future__ import annotations

import os
import random
import time
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

import pytest

from pgdatahub.errors import FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from tests.systems import peak_kilobytes

MUTATIONS: Final = int(os.environ.get("PGDATAHUB_FUZZ", "200"))
SEED: Final = int(os.environ.get("PGDATAHUB_FUZZ_SEED", "1"))
CORPUS: Final = Path(os.environ.get("PGDATAHUB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
CASES: Final = Path(__file__).parents[1] / "cases"
SECONDS: Final = 10.0
GROWTH: Final = 300 * 1024  # KiB that the whole run may add to the process
LIMITS: Final = Limits(part_bytes=64 * 1024 * 1024)

INTERESTING: Final = (
    *(b"<", b">", b"/>", b"&", b"&amp;", b"&#0;", b"]]>", b"<!--", b"<![CDATA[", b"<!DOCTYPE x>", b'"', b"\0", b"\xff\xfe"),
    *(b"99999999999", b"-1", b"1E999", b"NaN", b"PT99999999H", b"-PT1H", b"2023-02-30T25:61", b"1904-01-01"),
    *(b' table:number-columns-repeated="16384"', b' table:number-rows-repeated="1048576"', b' table:number-rows-spanned="9"'),
    *(b"<table:table>", b"</table:table>", b"<table:table-row>", b"</table:table-row>", b"<table:table-cell/>", b"<text:p>"),
    *(b"<table:covered-table-cell>", b"<text:s text:c='9999999'/>", b' office:value-type="time"', b' table:formula="x"'),
    *(b' table:visibility="collapse"', b' xmlns:x="y"', b'<?xml version="1.1" encoding="utf-7"?>', b"<office:spreadsheet>"),
)  # fmt: skip


def own_book() -> bytes:
    """Return a spreadsheet of all kinds of cells."""
    urn = "urn:oasis:names:tc:opendocument:xmlns:"
    names = {"office": "office", "table": "table", "text": "text", "style": "style", "number": "datastyle"}
    declared = " ".join(f'xmlns:{prefix}="{urn}{name}:1.0"' for prefix, name in names.items())
    row = (
        '<table:table-row><table:table-cell office:value-type="float" office:value="{0}" table:style-name="z"/>'
        '<table:table-cell office:value-type="string"><text:p>name {0} &amp; <text:s text:c="2"/>x</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2023-03-15T10:30:00" table:style-name="t"/>'
        '<table:table-cell office:value-type="time" office:time-value="PT{0}H30M" table:style-name="t"/>'
        '<table:table-cell table:number-columns-repeated="2" table:formula="of:=1/0" office:value-type="boolean" '
        'office:boolean-value="true"/></table:table-row>'
    )
    rows = "".join(row.format(number) for number in range(300))
    styles = (
        '<number:number-style style:name="N"><number:number number:min-integer-digits="5"/><style:map '
        'style:condition="value()&lt;0" style:apply-style-name="N"/></number:number-style><number:time-style style:name="T">'
        "<number:hours/><number:text>:</number:text></number:time-style>"
        '<style:style style:name="z" style:family="table-cell" style:data-style-name="N"/>'
        '<style:style style:name="t" style:family="table-cell" style:data-style-name="T"/>'
    )
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {declared}><office:automatic-styles>{styles}</office:automatic-styles><office:body>"
            f'<office:spreadsheet><table:table table:name="A">{rows}</table:table><table:table table:name="B">{rows}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return file.getvalue()


def seeds() -> list[bytes]:
    """Return the spreadsheets to begin with."""
    found = sorted(
        path for folder in (CORPUS, CASES) for path in folder.rglob("*.ods") if path.stat().st_size < 200_000
    )
    return [own_book(), *(path.read_bytes() for path in found)]


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are flipped, cut out, doubled, or replaced by what parsers trip over."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if not damaged:
            break
        at = chance.randrange(len(damaged))
        size = chance.choice((1, 1, 2, 8, 64))
        way = chance.randrange(5)
        if way == 0:
            damaged[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del damaged[at : at + size]
        elif way == 2:
            damaged[at:at] = damaged[at : at + size]
        elif way == 3:
            damaged[at : at + size] = chance.choice(INTERESTING)
        else:
            damaged[at:at] = chance.choice(INTERESTING)
    return bytes(damaged)


def mutate_book(data: bytes, chance: random.Random) -> bytes:
    """Return a spreadsheet with damage in the ZIP archive, or in a part of a sound one."""
    if chance.random() < 0.3:
        return mutate_bytes(data, chance)
    damaged = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(data)) as old,
        zipfile.ZipFile(damaged, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        parts = [name for name in old.namelist() if name.endswith(".xml")]
        target = "content.xml" if chance.random() < 0.7 else chance.choice(parts)
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, mutate_bytes(content, chance) if name == target else content)
    return damaged.getvalue()


def read(data: bytes, *, fill: bool, reader: Reader) -> str:
    """Read all sheets; return the outcome."""
    try:
        merged: Literal["fill", "top_left"] = "fill" if fill else "top_left"
        workbook = OdsWorkbook(BytesIO(data), name="x", limits=LIMITS, merged=merged, reader=reader)
    except FileError as error:
        return _outcome(error)
    outcome = "rows"
    for position in range(min(len(workbook.sheets), 10)):
        try:
            for _ in workbook.open(position).batches(1000):
                pass
        except FileError as error:
            outcome = _outcome(error)
    workbook.close()
    return outcome


def _outcome(error: FileError) -> str:
    if "\n" in str(error):
        raise AssertionError(f"a message of several lines: {error}")
    return type(error).__name__


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_mutated_spreadsheet_gives_rows_or_an_error(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - to be repeatable
    books = seeds()
    before = peak_kilobytes()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(MUTATIONS):
        data = mutate_book(chance.choice(books), chance)
        begun = time.process_time()
        try:
            fill, reader = chance.random() < 0.3, chance.choice(available_readers())
            outcomes[read(data, fill=fill, reader=reader)] += 1
        except Exception as error:
            kept = tmp_path / "failure.ods"
            kept.write_bytes(data)
            raise AssertionError(f"mutation {number} of seed {SEED}, kept as {kept}") from error
        taken = time.process_time() - begun
        slowest = max(slowest, taken)
        assert taken < SECONDS, f"mutation {number} of seed {SEED} took {taken:.1f} s"
    grown = peak_kilobytes() - before
    assert grown < GROWTH, f"{grown:,} KiB"
    print(f"{MUTATIONS:,} mutations: {dict(outcomes)}, slowest {slowest:.2f} s, {grown:,} KiB more memory")  # noqa: T201
