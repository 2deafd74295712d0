"""Sheets read by two readers, for tests that compare them.

PGDATAHUB_JUDGE_SHEETS and PGDATAHUB_JUDGE_MUTATIONS are how many are tried (one per cent of the full numbers unless told),
PGDATAHUB_JUDGE_SEED where they begin; ``nox -s judge`` tries them all.
"""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from pgdatahub.model.workbooks import Batch
from pgdatahub.values.cells import Value
from pgdatahub.values.column_values import as_values
from tests.property.worksheets import check_evidence

SHEETS: Final = int(os.environ.get("PGDATAHUB_JUDGE_SHEETS", "400"))
MUTATIONS: Final = int(os.environ.get("PGDATAHUB_JUDGE_MUTATIONS", "800"))
SEED: Final = int(os.environ.get("PGDATAHUB_JUDGE_SEED", "1"))
CORPUS: Final = Path(os.environ.get("PGDATAHUB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
CASES: Final = Path(__file__).parents[1]
PIECES: Final = (1, 3, 17, 64, 500, 4000, 100_000)

Cells: TypeAlias = "dict[tuple[int, int], tuple[type, Value]]"
"""Row (from 1) and column (from 0) → type and value."""


def dice(name: str) -> random.Random:
    """Return chances that a name decides."""
    return random.Random(name)  # noqa: S311 - tests, not secrets


def cells_of(batches: Iterable[Batch], max_rows: int) -> tuple[Cells, list[int], set[int]]:
    """Return the cells of a sheet, the numbers of its rows, and those of the hidden ones; check each batch."""
    cells: Cells = {}
    numbers: list[int] = []
    hidden: set[int] = set()
    for batch in batches:
        assert 0 < len(batch.rows) <= max_rows
        numbers += batch.rows
        hidden |= batch.hidden_rows
        for position, column in batch.columns.items():
            assert len(column) == len(batch.rows)
            check_evidence(column)
            for row, value in zip(batch.rows, as_values(column), strict=True):
                if value is not None:
                    cells[row, position] = (type(value), value)
    assert numbers == sorted(set(numbers))
    return cells, numbers, hidden


def parts_of_workbooks(suffixes: Sequence[str], names: str, largest: int) -> Iterator[bytes]:
    """Yield small parts of the workbooks that are there.

    Args:
        suffixes: The workbooks' suffixes.
        names: The parts' names contain this.
        largest: Bytes of a part.
    """
    for path in sorted(path for folder in (CASES, CORPUS) for path in folder.rglob("*") if path.suffix in suffixes):
        try:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    if names in entry.filename and 0 < entry.file_size <= largest:
                        yield archive.read(entry)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
            continue


def damaged(
    data: bytes,
    chance: random.Random,
    tokens: Sequence[bytes],
    *,
    in_place: float = 0.0,
    changes: Sequence[int] = (1, 1, 1, 2, 3),
) -> bytes:
    """Return bytes of which some are flipped, cut out, doubled, replaced by tokens, or moved.

    Args:
        data: The bytes.
        chance: Decides.
        tokens: Bytes that readers trip over.
        in_place: The share of changes that leave all other bytes where they are.
        changes: Numbers of changes.
    """
    found = bytearray(data)
    for _ in range(chance.choice(changes)):
        if not found:
            break
        at = chance.randrange(len(found))
        size = chance.choice((1, 1, 2, 4, 30, 64))
        way = chance.choice((0, 5, 8)) if chance.random() < in_place else chance.randrange(8)
        if way == 0:
            found[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del found[at : at + size]
        elif way == 2:
            found[at:at] = found[at : at + size]
        elif way in (3, 4):
            token = chance.choice(tokens)
            found[at : at + chance.choice((0, 0, 1, len(token)))] = token
        elif way == 5:
            found[at] = chance.randrange(256)
        elif way == 6:
            other = chance.randrange(len(found))
            found[at:at] = found[other : other + chance.choice((5, 20, 80))]
        elif way == 8:
            token = chance.choice(tokens)
            found[at : at + len(token)] = token[: len(found) - at]
        elif chance.random() < 0.3:
            del found[at:]
    return bytes(found)
