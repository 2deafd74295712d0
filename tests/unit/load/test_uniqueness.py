from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from collections.abc import Sequence

import pytest

from pgdatahub.load.contracts.judged_column import also_in
from pgdatahub.load.contracts.unique_integers import UniqueIntegers
from pgdatahub.load.contracts.uniqueness import Suspects, UniqueColumn
from pgdatahub.values.fields import FieldBuffer, buffer_of

Batches = Sequence[Sequence[bytes]]


def equal_cells(batches: Batches) -> set[int]:
    """Return the numbers of the cells that share a value, as the readings of a file find them."""
    suspects: Suspects | None = None
    found: set[int] = set()
    for _ in range(3):
        column, at, found = UniqueColumn(suspects), 1, set()
        for texts in batches:
            rows = range(at, at + len(texts))
            twice = column.add(buffer_of(texts), rows, section=0, position=0, sheet="S")
            found |= {at + index for index in twice}
            assert all(place[1] != at + index for index, places in twice.items() for place in places)
            at += len(texts)
        again = column.finish()
        if again is None:
            break
        suspects = again
    return found


def checked(batches: Batches) -> set[int]:
    cells = [text for texts in batches for text in texts]
    often = Counter(cells)
    return {number for number, text in enumerate(cells, 1) if text and often[text] > 1}


@pytest.mark.parametrize("seed", range(60))
def test_equal_values_are_found_in_any_order(seed: int) -> None:
    """Ascending integers first, with and without gaps, then anything: zeros in front, empty cells, beyond 64 bits, texts."""
    chance = random.Random(seed)  # noqa: S311 - test data
    value, batches = chance.choice((0, 5, 2**64 - 12)), []
    for _ in range(chance.randrange(1, 6)):
        texts = []
        for _ in range(chance.randrange(1, 6)):
            texts.append(b"%d" % value)
            value += chance.choice((1, 1, 1, 3)) if seed % 3 else 1
        batches.append(texts)
    if seed % 2:
        some = [b"", b"7", b"07", b"-7", b"5", b"x", b"%d" % (2**64), b"%d" % (2**64 + 1), b"18446744073709552000"]
        batches[chance.randrange(len(batches)) :] = [chance.choices(some, k=chance.randrange(1, 4)) for _ in range(3)]
    if seed % 4 == 0:
        chance.shuffle(batches)
        chance.shuffle(batches[0])
    assert equal_cells(batches) == checked(batches)


def test_ascending_integers_take_no_memory() -> None:
    integers = UniqueIntegers()
    for start in range(0, 100_000, 10_000):
        fields = FieldBuffer(None, b"\n".join(map(b"%d".__mod__, range(start, start + 10_000))), 10_000)
        assert integers.add(fields, (0, 0, "S", range(start, start + 10_000)))
    assert all(isinstance(kept, range) for _, kept in integers._kept)
    assert integers.differ()
    assert sum(1 for _, fields in integers.batches() for _ in fields) == 100_000
    assert integers.add(buffer_of([b"99999"]), (0, 0, "S", range(1)))
    assert not integers.differ()
    assert not integers.add(buffer_of([b"x"]), (0, 0, "S", range(1)))


def test_a_column_of_one_value_takes_little_memory() -> None:
    texts, rows = [b"open"] * 5000, range(2, 5002)
    first = UniqueColumn()
    first.add(texts, rows, section=0, position=0, sheet="S")
    second = UniqueColumn(first.finish())
    tracemalloc.start()
    twice = second.add(texts, rows, section=0, position=0, sheet="S")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000  # a list of the other cells for each cell takes 200 MB
    assert len(twice) == 5000
    assert also_in(twice[1], "S") == "also in A2, A4, A5 and 4,996 more"
