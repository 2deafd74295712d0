"""The compiled core and a real server agree: the digits of doubles, and the bytes of binary COPY."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from contextlib import closing
from math import isfinite
from typing import Final

import pytest

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.numbers.number_formats import NUMBER
from pgdatahub.readers.xlsx.native.interface import options_of
from pgdatahub.readers.xlsx.native.rows import (
    BINARY_HEADER,
    BINARY_TRAILER,
    MisfitError,
    binary_field,
    encode_binary,
    encode_text,
)
from pgdatahub.readers.xlsx.native.scanner import open_sheet_data
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.reader_choice import core_problem
from pgdatahub.values.cells import TextColumn
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.tallies import MixedColumn
from tests.integration.types.conftest import Loader
from tests.property.worksheets import LIMITS

pytestmark = pytest.mark.skipif(core_problem() is not None, reason=f"no compiled core: {core_problem()}")

DOUBLES: Final = int(os.environ.get("PGDATAHUB_JUDGE_DOUBLES", "20000"))
SEED: Final = int(os.environ.get("PGDATAHUB_JUDGE_SEED", "1"))


def doubles(count: int) -> Iterator[float]:
    """Yield doubles of all sizes; every third near 2^53 to 2^60, where digits can lie half-way between two doubles."""
    chance = random.Random(SEED)  # noqa: S311 - tests, not secrets
    while count:
        (value,) = struct.unpack("<d", chance.randbytes(8))
        if count % 3 == 0:
            value = float(chance.randrange(2**53, 2**62)) * chance.choice((1, 1, -1, 2 ** chance.randrange(200)))
        elif count % 3 == 1:
            value = chance.choice((chance.random(), chance.uniform(-1e6, 1e6), float(2 ** chance.randrange(60, 1000))))
        if isfinite(value):
            count -= 1
            yield value


def scanned(rows: str) -> Batch:
    """Return the batch that the core makes of rows."""
    with closing(NativeStrings(options_of(LIMITS))) as strings:
        strings.finish()
        with closing(open_sheet_data(strings, [NUMBER], LIMITS, prefixes=(), epoch=None, batch_rows=10**6)) as scanner:
            scanner.feed(rows.encode() + b"</sheetData>")
            batch = scanner.take()
    assert batch is not None
    return batch


def fields_of_numbers(numbers: list[str]) -> list[bytes]:
    """Return the fields that the core makes of numbers."""
    rows = "".join(f'<row r="{row}"><c r="A{row}"><v>{text}</v></c></row>' for row, text in enumerate(numbers, 1))
    column = scanned(rows).columns[0]
    if isinstance(column, TextColumn):
        return list(column.texts)
    assert isinstance(column, MixedColumn)
    return list(column.fields)


def test_core_tells_whether_all_rows_have_a_value() -> None:
    sparse = '<row r="1"><c r="B1"><v>1</v></c></row><row r="2"/><row r="3"><c r="A3"/><c r="C3"><v>2</v></c></row>'
    assert scanned(sparse).filled
    blank = '<row r="4"><c r="A4" t="inlineStr"><is><t> </t></is></c></row>'
    assert not scanned(sparse + blank).filled


def test_core_writes_the_digits_of_the_server(loader: Loader) -> None:
    query = "SELECT given::text::numeric::text FROM unnest(%s::float8[]) WITH ORDINALITY AS g (given, n) ORDER BY n"
    values = [value for value in doubles(DOUBLES) if value != 0]
    for start in range(0, len(values), 10_000):
        part = values[start : start + 10_000]
        written = [f"{value!r}" if "e" in repr(value) else f"{value!r}e0" for value in part]
        served = [row[0] for row in loader.execute(query, part)]
        assert [field.decode() for field in fields_of_numbers(written)] == served


TYPES: Final = [
    SqlType.INTEGER,
    SqlType.BIGINT,
    SqlType.DOUBLE,
    SqlType.BOOLEAN,
    SqlType.DATE,
    SqlType.TIMESTAMP,
    SqlType.TEXT,
]
COLUMNS: Final = [
    [b"1", b"-2147483648", b"", b"2147483647"],
    [b"-9223372036854775808", b"9223372036854775807", b"0", b""],
    [b"0.1", b"-1.5", b"", b"100000000000000000000000"],
    [b"true", b"false", b"", b"true"],
    [b"1899-12-31", b"9999-12-31", b"2000-02-29", b""],
    [b"1900-01-01", b"2024-02-29 13:37:05.12", b"", b"1999-12-31 23:59:59.999999"],
    [b"plain", "caf\u00e9 \\\\ a\\tb\\nc\\r".encode(), b"", b"N"],
]


def copied(loader: Loader, data: bytes, form: str) -> list[tuple[object, ...]]:
    table = loader.new_table()
    columns = ", ".join(f"c{index} {kind.sql}" for index, kind in enumerate(TYPES))
    loader.execute(f"CREATE TABLE {table} ({columns}, source text)")
    with loader.connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN ({form})".encode()) as copy:
        copy.write(data)
    return loader.execute(f"SELECT * FROM {table} ORDER BY ctid")


def test_binary_rows_are_those_of_text(loader: Loader) -> None:
    text = encode_text(COLUMNS, 4, b"\tfile")
    binary = encode_binary(COLUMNS, TYPES, 4, binary_field(b"file"), 1)
    expected = copied(loader, text, "FORMAT text, NULL ''")
    assert copied(loader, BINARY_HEADER + binary + BINARY_TRAILER, "FORMAT binary") == expected
    assert expected[0][0] == 1


def test_field_of_another_type_is_named() -> None:
    with pytest.raises(MisfitError) as failure:
        encode_binary([[b"1", b"x"], [b"a", b"b"]], [SqlType.INTEGER, SqlType.TEXT], 2)
    assert (failure.value.row, failure.value.column) == (1, 0)
