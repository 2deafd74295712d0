"""The compiled core gives the cells of binary worksheets that the reader in Python gives, or both refuse."""

from __future__ import annotations

import random
import struct
from contextlib import closing
from functools import lru_cache
from typing import Final

import pytest

from pgdatahub.errors import FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.number_formats import DATE, ELAPSED, NUMBER, TIME, zeros_format
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.xlsb.cells import Converter
from pgdatahub.readers.xlsb.native_source import NativeSource, read_native_strings
from pgdatahub.readers.xlsb.sheet_source import PythonSource
from pgdatahub.readers.xlsb.strings import read_shared_strings
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.reader_choice import core_problem
from pgdatahub.readers.xlsx.string_table import SharedStrings
from tests.property.judging import MUTATIONS, PIECES, SEED, SHEETS, cells_of, damaged, dice, parts_of_workbooks
from tests.property.worksheets import Part
from tests.unit.readers.xlsb import building as b

pytestmark = pytest.mark.skipif(core_problem() is not None, reason=f"no compiled core: {core_problem()}")

LARGEST: Final = 20_000
"""Bytes of a part of a workbook that is mutated."""
LIMITS: Final = Limits(cell_bytes=200, row_bytes=2000, token_bytes=2000, columns=300)
STYLES: Final = (
    *(NUMBER, DATE, TIME, ELAPSED, zeros_format("00000")),
    *(parse_format(r"[<1]hh:mm;[>40000]dd/mm/yyyy;00\-00"), parse_format('[=0]"";dd/mm/yyyy')),
)
TEXTS: Final = (
    *("plain", "", " ", "  two  ", "line\nend\r\n", "\t", "_x0041_", "_x0000_", "\\", "\\N", "a\0b", "\0", " \0 ", "\ud83d"),
    *("\ude00\ud83d", "x\ud800", "\u00e9", "\u00a0", "\u3000", "\u2003x", "\ufeff", "\U0001f600", "\u0085", "\x1c", "long " * 30),
    *("a text of some length, ending with a backslash\\", "é" * 120),
)  # fmt: skip
DOUBLES: Final = (
    *(0.0, -0.0, 1.0, -1.0, 0.1, 0.30000000000000004, 1e15, 9007199254740992.0, 9007199254740994.0, -1e22, 1e300, 5e-324),
    *(60.0, 60.5, 59.999999999, 0.99999999, 0.5, 1.5, 2958465.0, 2958465.9999999999, 2958466.0, 45351.5, 45351.000005787),
    *(-1.25, 1e8, 99999999.5, float("nan"), float("inf"), -float("inf"), 123456.789, 1e16, 39984794546555744.0, 1e17 / 3),
)  # fmt: skip
STRINGS: Final = b.strings(b"\0" + b.wide(text) for text in TEXTS)
TOKENS: Final = (
    *(b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\x91\x01\0", b"\x92\x01\0", b"\0\x19", b"\x05\x10", b"\x07\x0c"),
    *(b"\x0d\x08", b"\xb0\x01\x10", b"\0\0\0\0\0\0\xf8\x7f", b"\0\xd8", b"\x12\x08\0\0\0\0\0\0\0\0", b"\x13\x06\0\0\0\0\0\0"),
    *(b"\x80", b"\x01", b"\x9f\x01\0", b"\x82\x01\0", b"\xff\xff\xff\xff\xff\xff", b.row(5), b.rk(3, 7), b.short(13, b"\2\0\0\0")),
)  # fmt: skip


def test_generated_records_give_the_cells_of_python() -> None:
    for index in range(SHEETS):
        chance = dice(f"{SEED} {index}")
        judge(generated_sheet(chance), chance, f"sheet {SEED} {index}")


def test_mutated_records_give_the_cells_of_python() -> None:
    originals = [*sheets_of_workbooks(), *(generated_sheet(dice(f"original {index}")) for index in range(50))]
    for index in range(MUTATIONS):
        chance = dice(f"mutation {SEED} {index}")
        judge(damaged(chance.choice(originals), chance, TOKENS, in_place=0.8), chance, f"mutation {SEED} {index}")


def test_mutated_record_strings_are_those_of_python() -> None:
    originals = [*parts_of_workbooks([".xlsb"], "sharedStrings", LARGEST), STRINGS]
    for index in range(MUTATIONS // 4):
        chance = dice(f"strings {SEED} {index}")
        part = chance.choice(originals)
        if chance.random() < 0.8:
            part = damaged(part, chance, TOKENS, in_place=0.8)
        found = native_strings(part, chance.choice(PIECES))
        assert found in ("declined", python_strings(part)), f"strings {SEED} {index}"
        assert found != "declined" or python_strings(part) == "refused", f"strings {SEED} {index}"


def test_any_end_of_a_piece_gives_the_same_records() -> None:
    for index in range(3):
        part = generated_sheet(dice(f"ends {index}"), damage=False)
        expected = read(part, native=False)
        assert expected != "refused"
        for size in (*range(1, 60), *range(60, len(part), 97)):
            assert read(part, native=True, piece_bytes=size) == expected, size


def test_any_size_of_a_batch_gives_the_same_records() -> None:
    for index in range(5):
        part = generated_sheet(dice(f"batches {index}"), damage=False)
        expected = read(part, native=False)
        for rows in range(1, 30):
            assert read(part, native=True, max_rows=rows) == expected, rows


def test_sound_records_take_the_core() -> None:
    rows = [b.row(number) + b.rk(0, number) + b.cell(7, 1, bytes(4)) + b.text(2, "x") for number in range(1, 2001)]
    rows[999] += b.record(500, bytes(2500))  # larger than the limit of a record
    source = native_source(b.sheet(*rows), 10_000, 500)
    batches = list(source.batches(500))
    assert sum(len(batch.rows) for batch in batches) == 2000
    assert source.native_rows == 1999


def judge(part: bytes, chance: random.Random, name: str) -> None:
    """Compare the core with the reader in Python."""
    piece_bytes, max_rows = chance.choice(PIECES), chance.choice((1, 2, 7, 1000))
    expected = read(part, native=False, max_rows=max_rows)
    assert read(part, native=True, piece_bytes=piece_bytes, max_rows=max_rows) == expected, f"{name}: {part!r}"


@lru_cache(maxsize=2)
def shared_strings(*, native: bool) -> NativeStrings | SharedStrings:
    strings = read_native_strings(Part(STRINGS), LIMITS) if native else read_shared_strings(Part(STRINGS), LIMITS)
    assert strings is not None
    return strings


def native_source(part: bytes, piece_bytes: int, max_rows: int) -> NativeSource:
    strings = shared_strings(native=True)
    assert isinstance(strings, NativeStrings)
    converter = Converter(strings, STYLES, Serials())
    settings = {"piece_bytes": piece_bytes, "batch_rows": max_rows}
    return NativeSource(Part(part), LIMITS, strings, STYLES, converter, date1904=False, **settings)


def read(part: bytes, *, native: bool, piece_bytes: int = 100_000, max_rows: int = 1000) -> object:
    """Return all that reading a sheet gives, or that it fails."""
    source: NativeSource | PythonSource
    try:
        if native:
            source = native_source(part, piece_bytes, max_rows)
        else:
            source = PythonSource(Part(part), LIMITS, Converter(shared_strings(native=False), STYLES, Serials()))
        cells, numbers, hidden = cells_of(source.batches(max_rows), max_rows)
    except FileError:
        return "refused"
    return cells, numbers, hidden, source.hidden_columns, source.cleaned[0], source.formulas


def native_strings(part: bytes, piece_bytes: int) -> object:
    class Pieces(Part):
        def read(self, size: int | None = None) -> bytes:
            return super().read(min(size or piece_bytes, piece_bytes))

    strings = read_native_strings(Pieces(part), LIMITS)
    if strings is None:
        return "declined"
    with closing(strings):
        return [(strings.lookup(index), index in strings.cleaned) for index in range(len(strings))]


def python_strings(part: bytes) -> object:
    try:
        strings = read_shared_strings(Part(part), LIMITS)
    except FileError:
        return "refused"
    with closing(strings):
        return [(strings.lookup(index), index in strings.cleaned) for index in range(len(strings))]


@lru_cache(maxsize=1)
def sheets_of_workbooks() -> list[bytes]:
    """Return small sheets of the workbooks that are there."""
    return list(parts_of_workbooks([".xlsb"], "worksheets/", LARGEST))


def generated_sheet(chance: random.Random, *, damage: bool = True) -> bytes:
    """Return a sheet of a few rows in the forms that writers use, and now and then in others."""
    faulty = damage and chance.random() < 0.1
    plan = [
        (position, chance.randrange(8), chance.randrange(len(STYLES) + 1))
        for position in sorted(chance.sample(range(40), chance.randrange(1, 7)))
    ]
    records, number = [], 0
    for _ in range(chance.randrange(1, 25)):
        number += chance.choice((1, 1, 1, 1, 2, 30))
        records.append(b.row(number, hidden=chance.random() < 0.1))
        for position, kind, style in plan:
            if chance.random() < 0.1:
                continue
            made = chance.randrange(12) if chance.random() < 0.1 else kind
            records.append(_cell(chance, made, position, style, faulty))
            if chance.random() < 0.02:
                records.append(b.record(chance.choice((37, 38, 63, 400)), bytes(chance.choice((0, 8, 200, 2500)))))
    before = b"" if chance.random() < 0.8 else b.record(60, struct.pack("<4IH", 1, 3, 0, 0, 1))
    return b.sheet(*records, before=before, after=b.merged(0, 1, 0, 1) if chance.random() < 0.1 else b"")


def _cell(chance: random.Random, kind: int, column: int, style: int, faulty: bool) -> bytes:
    short = 11 if chance.random() < 0.05 else 0
    formula = chance.random() < 0.1
    if kind <= 1:
        number = chance.choice((chance.randrange(-1000, 100_000), chance.randrange(-(1 << 29), 1 << 29)))
        packed = struct.pack("<i", number << 2 | chance.choice((2, 2, 3)))
        if chance.random() < 0.2:
            upper = struct.unpack("<i", struct.pack("<d", chance.choice(DOUBLES))[4:])[0]
            packed = struct.pack("<i", upper & ~3 | chance.choice((0, 1)))
        return _record(2, short, column, style, packed)
    if kind <= 3:
        numbers = (
            chance.choice(DOUBLES),
            chance.uniform(-1e6, 1e6),
            round(chance.uniform(0, 1e5), 2),
            chance.uniform(0, 5e4),
        )
        packed = struct.pack("<d", chance.choice(numbers))
        return b.cell(9, column, packed + bytes(10), style) if formula else _record(5, short, column, style, packed)
    if kind == 4:
        return _record(7, short, column, style, struct.pack("<I", chance.randrange(len(TEXTS) + faulty)))
    if kind == 5:
        text = b.wide(chance.choice(TEXTS))
        if chance.random() < 0.2:
            return b.cell(62, column, b"\1" + text + bytes(6), style)
        return b.cell(8, column, text + bytes(10), style) if formula else _record(6, short, column, style, text)
    if kind == 6:
        value = bytes((chance.randrange(3),))
        return b.cell(10, column, value + bytes(10), style) if formula else _record(4, short, column, style, value)
    if kind == 7:
        value = bytes((chance.choice((0, 7, 15, 23, 29, 36, 42, 43, 99)),))
        return b.cell(11, column, value + bytes(10), style) if formula else _record(3, short, column, style, value)
    if kind == 8 and faulty:
        return chance.choice(
            (b.rk(0, 1), b.rk(400, 1), b.cell(5, column, b"\0"), b.row(1), b.cell(6, column, b"\xff" * 4))
        )
    return _record(1, short, column, style, b"")


def _record(kind: int, short: int, column: int, style: int, value: bytes) -> bytes:
    return b.short(kind + short, value, style) if short else b.cell(kind, column, value, style)
