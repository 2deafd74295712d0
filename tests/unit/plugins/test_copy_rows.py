"""Rows of COPY: text and binary say the same, whichever way they are encoded."""

from __future__ import annotations

from datetime import datetime

import pytest

from pgdatahub.load.staging.staged_rows import encode
from pgdatahub.model.batches import ColumnBatch, EncodedBatch, Lineage, NormalizedBatch, NormalizedColumn
from pgdatahub.model.schema import LINEAGE, ColumnSchema, OpaqueType, TableName, TableSchema
from pgdatahub.plugins import copy_rows
from pgdatahub.plugins.copy_rows import encode_rows, has_core, text_rows
from pgdatahub.values.evidence import NOTHING
from pgdatahub.values.sql_types import SqlType

MOMENT = datetime.fromisoformat("2024-05-06 07:08:09.000123")
IMPORT = Lineage(source_file="/data/a\tb.xlsx", load_timestamp=MOMENT)
needs_core = pytest.mark.skipif(not has_core(), reason="the compiled core is not installed")


def batch(rows: int, *columns: list[bytes]) -> NormalizedBatch:
    return NormalizedBatch(
        columns=tuple(
            NormalizedColumn(name=f"c{index}", header=None, texts=texts, observed=NOTHING)
            for index, texts in enumerate(columns)
        ),
        rows=rows,
    )


def staged(*columns: list[bytes], lineage: Lineage | None = IMPORT) -> ColumnBatch:
    return ColumnBatch(
        names=tuple(f"c{index}" for index in range(len(columns))),
        rows=len(columns[0]),
        columns=tuple(map(b"\n".join, columns)),
        lineage=lineage,
    )


def table(*types: SqlType | OpaqueType) -> TableSchema:
    columns = (ColumnSchema(name=f"c{index}", type=kind) for index, kind in enumerate(types))
    return TableSchema(table=TableName(schema="public", name="t"), columns=(*columns, *LINEAGE))


@pytest.mark.parametrize("rows", [1, 499, 500, 501, 1000, 1234])
@pytest.mark.parametrize("core", [True, False])
def test_every_row_is_a_line(rows: int, core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not core:
        monkeypatch.setattr(copy_rows, "has_core", lambda: False)
    left, right = [b"%d" % row for row in range(rows)], [b"" if row % 3 else b"x" for row in range(rows)]
    end = b"\t/data/a\\tb.xlsx\t2024-05-06 07:08:09.000123\n"
    encoded = text_rows(staged(left, right))
    assert encoded.data == b"".join(b"%s\t%s%s" % (*row, end) for row in zip(left, right, strict=True))
    assert encoded.names == ("c0", "c1", "source_file", "load_timestamp")
    assert encoded.rows == rows
    plain = text_rows(staged(left, right, lineage=None))
    assert plain.data == encoded.data.replace(end, b"\n")
    assert plain.names == ("c0", "c1")


@pytest.mark.parametrize("longer", [501, 1001])
def test_columns_of_different_lengths_are_refused(longer: int) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        encode(batch(500, [b"a"] * 500, [b"b"] * longer))


@needs_core
def test_a_table_of_the_seven_types_gets_binary_rows() -> None:
    types = (SqlType.INTEGER, SqlType.BIGINT_WIDE, SqlType.DOUBLE, SqlType.BOOLEAN, SqlType.DATE, SqlType.UNDECIDED)
    rows = staged([b"1"], [b"-2"], [b"0.5"], [b"true"], [b"2000-01-02"], [b""])
    (encoded,) = encode_rows([rows], table(*types))
    assert encoded.binary
    microseconds = (MOMENT - datetime.fromisoformat("2000-01-01")).total_seconds() * 10**6
    assert encoded.data == b"".join(
        (
            (8).to_bytes(2, "big"),
            b"\0\0\0\x04\0\0\0\x01",
            b"\0\0\0\x08" + (-2).to_bytes(8, "big", signed=True),
            b"\0\0\0\x08\x3f\xe0" + bytes(6),
            b"\0\0\0\x01\x01",
            b"\0\0\0\x04\0\0\0\x01",
            b"\xff\xff\xff\xff",
            b"\0\0\0\x0e/data/a\tb.xlsx",
            b"\0\0\0\x08" + int(microseconds).to_bytes(8, "big"),
        )
    )


@pytest.mark.parametrize("kind", [SqlType.NUMERIC, SqlType.TIME, SqlType.INTERVAL, SqlType.REAL, OpaqueType("uuid")])
def test_any_other_type_makes_the_whole_table_text(kind: SqlType | OpaqueType) -> None:
    (encoded,) = encode_rows([staged([b"1"])], table(SqlType.INTEGER, kind))
    assert not encoded.binary


def test_without_the_core_rows_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_rows, "has_core", lambda: False)
    (encoded,) = encode_rows([staged([b"1"])], table(SqlType.INTEGER))
    assert not encoded.binary


@needs_core
def test_rows_from_a_misfit_on_are_text() -> None:
    parts = [staged([b"1"]), staged([b"2", b"x"]), staged([b"3"])]
    encoded = list(encode_rows(parts, table(SqlType.INTEGER)))
    assert [part.binary for part in encoded] == [True, False, False]
    assert encoded[1].data.startswith(b"2\t")


@needs_core
def test_long_rows_are_text() -> None:
    parts = [staged([b"x" * 4096]), staged([b"x" * 4097])]
    assert [part.binary for part in encode_rows(parts, table(SqlType.TEXT))] == [True, False]


def test_what_a_plugin_encoded_stays_as_it_is() -> None:
    given = EncodedBatch(names=("c0",), rows=1, data=b"1\n")
    assert list(encode_rows([given], table(SqlType.INTEGER))) == [given]
