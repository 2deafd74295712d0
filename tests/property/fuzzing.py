"""Mutated workbooks, read in bounded time and memory, for the tests of each format.

PGDATAHUB_FUZZ is the number of mutations (a few hundred unless set, 20,000 for the long form), PGDATAHUB_FUZZ_SEED the first
seed.
"""

from __future__ import annotations

import os
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Workbook
from pgdatahub.readers.choice.sheets import needs_second_reading
from pgdatahub.readers.limits import Limits
from tests.property.judging import CASES, CORPUS, damaged
from tests.systems import peak_kilobytes

SEED: Final = int(os.environ.get("PGDATAHUB_FUZZ_SEED", "1"))
LIMITS: Final = Limits(part_bytes=64 * 1024 * 1024)
_CHANGES: Final = (1, 1, 2, 4, 16)
_LARGEST: Final = 200_000
_LARGEST_UNPACKED: Final = 5_000_000


def seeds(own: bytes, *suffixes: str) -> list[bytes]:
    """Return the workbooks to begin with: our own, the cases and, where there is a corpus, other people's."""
    paths = sorted(path for folder in (CASES, CORPUS) for path in folder.rglob("*") if path.suffix in suffixes)
    return [own, *(path.read_bytes() for path in paths if _is_small(path))]


def _is_small(path: Path) -> bool:
    if path.stat().st_size >= _LARGEST or not zipfile.is_zipfile(path):
        return path.stat().st_size < _LARGEST
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist()) < _LARGEST_UNPACKED


def mutated(
    data: bytes, chance: random.Random, tokens: Sequence[bytes], choose: Callable[[Sequence[str]], str]
) -> bytes:
    """Return a workbook with damage in its zip file, or in one part of a sound one, which may lack then.

    Args:
        data: The workbook.
        chance: Decides.
        tokens: Bytes that readers trip over.
        choose: Returns the name of the part to damage.
    """
    if chance.random() < 0.3 or not zipfile.is_zipfile(BytesIO(data)):
        return damaged(data, chance, tokens, changes=_CHANGES)
    file = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(data)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        target = choose(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            if name == target:
                if chance.random() < 0.05:
                    continue
                content = damaged(content, chance, tokens, changes=_CHANGES)
            new.writestr(name, content)
    return file.getvalue()


def outcome(open_workbook: Callable[[], Workbook], *, max_rows: int = 1000) -> str:
    """Read the first ten sheets; return "rows", or the name of the last error."""
    found = "rows"
    try:
        workbook = open_workbook()
    except FileError as error:
        return _name(error)
    for position in range(min(len(workbook.sheets), 10)):
        for _ in range(2):  # a sheet whose rows are out of order is read again
            try:
                for _batch in workbook.open(position).batches(max_rows):
                    pass
            except FileError as error:
                found = _name(error)
            if not needs_second_reading(workbook):
                break
    workbook.close()
    return found


def _name(error: FileError) -> str:
    if "\n" in str(error):
        raise AssertionError(f"a message of several lines: {error}")
    return type(error).__name__


def try_mutations(
    mutate: Callable[[random.Random], bytes],
    read: Callable[[bytes, random.Random], str],
    kept: Path,
    *,
    default: int,
    seconds: float,
    megabytes: int,
) -> Counter[str]:
    """Read mutated workbooks; return how often each outcome came.

    Args:
        mutate: Makes a mutation.
        read: Returns the outcome of reading it.
        kept: Where a workbook that fails in another way is written.
        default: The number of mutations unless PGDATAHUB_FUZZ is set.
        seconds: Limit of the processor time for one; a tenth of a second is usual.
        megabytes: Limit of what all together add to the memory of the process.
    """
    chance = random.Random(SEED)  # noqa: S311 - to be repeatable
    before = peak_kilobytes()
    outcomes: Counter[str] = Counter()
    count = int(os.environ.get("PGDATAHUB_FUZZ", default))
    slowest = 0.0
    for number in range(count):
        data = mutate(chance)
        begun = time.process_time()
        try:
            outcomes[read(data, chance)] += 1
        except Exception as error:
            kept.write_bytes(data)
            raise AssertionError(f"mutation {number} of seed {SEED}, kept as {kept}") from error
        taken = time.process_time() - begun
        slowest = max(slowest, taken)
        assert taken < seconds, f"mutation {number} of seed {SEED} took {taken:.1f} s"
    grown = (peak_kilobytes() - before) / 1024
    assert grown < megabytes, f"{grown:,.0f} MiB"
    print(f"{count:,} mutations: {dict(outcomes)}, slowest {slowest:.2f} s, {grown:,.0f} MiB more memory")  # noqa: T201
    return outcomes
