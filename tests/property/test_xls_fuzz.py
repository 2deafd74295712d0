"""Mutated ``.xls`` give rows or one error of pgdatahub, whatever the bytes are.

PGDATAHUB_FUZZ is the number of mutations (60 unless set, 20,000 for the long form), PGDATAHUB_FUZZ_SEED the first seed. Each
file is read by a process of its own, which takes 0.2 s of processor time.
"""

from __future__ import annotations

import os
import random
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.errors import PgDataHubError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.readers.xls.workbook import XlsWorkbook

CASES: Final = Path(__file__).parents[1] / "cases"
CORPUS: Final = Path(os.environ.get("PGDATAHUB_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
MUTATIONS: Final = int(os.environ.get("PGDATAHUB_FUZZ", "60"))
AT_ONCE: Final = max(15, MUTATIONS // 50)  # in a test, so that workers share them
SEED: Final = int(os.environ.get("PGDATAHUB_FUZZ_SEED", "1"))
LARGEST: Final = 100_000


def originals() -> list[Path]:
    files = [*sorted(CASES.glob("*.xls")), *sorted(CORPUS.rglob("*.xls"))]
    return [path for path in files if 0 < path.stat().st_size < LARGEST]


def mutated(original: bytes, draw: random.Random) -> bytes:
    data = bytearray(original)
    for _ in range(draw.choice((1, 3, 20, 100))):
        data[draw.randrange(512 if draw.random() < 0.3 else len(data)) % len(data)] = draw.randrange(256)
    if draw.random() < 0.2:
        del data[draw.randrange(len(data)) + 1 :]
    return bytes(data)


def read(path: Path, merged: str) -> None:
    source = SourceFile(
        location=str(path),
        identity=path.name,
        table=TableName(schema="public", name="t"),
        options=FolderOptions(merged="fill" if merged == "fill" else "top_left"),
        size=path.stat().st_size,
    )
    with closing(XlsWorkbook(source)) as workbook:
        for position in range(min(len(workbook.sheets), 20)):
            for _batch in workbook.open(position).batches(1000):
                pass


@pytest.mark.parametrize("first", range(0, MUTATIONS, AT_ONCE))
def test_mutated_workbooks_give_rows_or_an_error(first: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = originals()
    path = tmp_path / "a.xls"
    refused = []
    for number in range(first, min(first + AT_ONCE, MUTATIONS)):
        draw = random.Random(SEED + number)  # noqa: S311 - no secret
        path.write_bytes(mutated(draw.choice(files).read_bytes(), draw))
        try:
            read(path, draw.choice(("fill", "top_left")))
        except PgDataHubError as error:
            refused.append(str(error))
    assert not [message for message in refused if "\n" in message]
    assert capfd.readouterr() == ("", "")
