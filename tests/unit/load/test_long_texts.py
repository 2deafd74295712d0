"""Bounds for the texts of a sheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.load.staging.long_texts import check_rows, cut_long_texts
from pgdatahub.model.workbooks import Batch
from pgdatahub.values.cells import Column, Kind, TextColumn
from tests.unit.readers.xls.conftest import source_of

MEBIBYTE = 1 << 20


SOURCE = source_of(Path(__file__))


def batch_of(column: Column) -> Batch:
    return Batch(rows=list(range(2, len(column) + 2)), columns={0: column})


@pytest.mark.parametrize(
    "column",
    [TextColumn(kind=Kind.TEXT, texts=[bytes(MEBIBYTE)] * 100), ["x" * MEBIBYTE] * 100],
    ids=["fields", "values"],
)
def test_batch_of_long_texts_is_cut(column: Column) -> None:
    batches = list(cut_long_texts(iter([batch_of(column)]), "S", SOURCE))
    assert [row for batch in batches for row in batch.rows] == list(range(2, 102))
    assert max(len(batch.rows) for batch in batches) <= 32


def test_batch_of_short_texts_stays_whole() -> None:
    batch = batch_of(TextColumn(kind=Kind.TEXT, texts=[b"x" * 100] * 1000))
    assert next(cut_long_texts(iter([batch]), "S", SOURCE)) is batch


def test_row_of_too_much_text_is_named() -> None:
    with pytest.raises(CorruptError, match="S › row 3: the row has 34,603,008 bytes of text"):
        list(cut_long_texts(iter([batch_of(["x", "x" * 33 * MEBIBYTE])]), "S", SOURCE))


def test_rows_far_larger_than_their_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(bytes(4 * MEBIBYTE))
    check_rows(source_of(path), 1200 * MEBIBYTE)
    path.write_bytes(bytes(3 * MEBIBYTE))
    with pytest.raises(CorruptError, match="its cells repeat texts"):
        check_rows(source_of(path), 1200 * MEBIBYTE)


def test_sheet_far_larger_than_its_file_is_refused() -> None:
    batch = batch_of(["x" * MEBIBYTE] * 30)
    with pytest.raises(CorruptError, match="its cells repeat texts"):
        list(cut_long_texts(iter([batch] * 40), "S", SOURCE))
