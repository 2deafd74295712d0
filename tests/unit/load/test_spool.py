"""The spool of rows: all that goes in comes out, from memory or from disk, as often as it is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.model.batches import ColumnBatch


def batches(number: int, size: int = 100) -> list[ColumnBatch]:
    return [ColumnBatch(names=("a",), rows=1, columns=(b"%d " % n + b"x" * size,)) for n in range(number)]


@pytest.mark.parametrize("memory_bytes", [1, 10**6])
def test_batches_come_out_as_they_went_in_and_again(memory_bytes: int) -> None:
    with SpoolFile(memory_bytes) as file:
        spool = Spool(file)
        for batch in batches(20):
            spool.append(batch)
        assert list(spool) == batches(20)
        assert list(spool) == batches(20)


def test_files_that_share_a_spool_file_keep_their_rows_apart() -> None:
    with SpoolFile(1) as file:
        left, right = Spool(file), Spool(file)
        for batch in batches(5):
            left.append(batch)
            right.append(ColumnBatch(names=("b",), rows=1, columns=(b"",)))
        assert list(left) == batches(5)
        assert {batch.names for batch in right} == {("b",)}


def test_what_is_on_disk_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with SpoolFile(1) as file:
        spool = Spool(file)
        for batch in batches(3, size=100_000):
            spool.append(batch)
        assert list(tmp_path.iterdir()) == []
        assert list(spool) == batches(3, size=100_000)
