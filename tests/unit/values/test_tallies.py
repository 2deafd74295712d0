"""Columns that were counted while they were read."""

from __future__ import annotations

import pytest

from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import UNCACHED, ColumnTally, ErrorValue, Kind, Place, Value
from pgdatahub.values.fields import FieldBuffer
from pgdatahub.values.tallies import KINDS, MixedColumn


def column(*cells: tuple[int, bytes]) -> MixedColumn:
    """Return a column of cells given by their codes and fields."""
    lines, counts = b"", dict.fromkeys(KINDS.values(), 0)
    firsts: dict[Kind, Place] = {}
    largest: tuple[int, Place] | None = None
    for index, (code, field) in enumerate(cells):
        place = Place(index=index, at=len(lines))
        if code in KINDS:
            counts[KINDS[code]] += 1
            firsts.setdefault(KINDS[code], place)
        if code == 1 and (largest is None or abs(int(field)) > largest[0]):
            largest = abs(int(field)), place
        lines += field + b"\n"
    tally = ColumnTally(
        counts={kind: count for kind, count in sorted(counts.items(), key=lambda item: item[0].value) if count},
        firsts=firsts,
        largest=largest[1] if largest else None,
    )
    codes = bytes(code for code, _ in cells)
    return MixedColumn(
        FieldBuffer(None, lines[:-1], len(cells)), tally, codes, has_issues=any(code > 8 for code, _ in cells)
    )


def test_cells_of_a_mixed_column_have_their_values() -> None:
    cells: list[tuple[int, bytes, Value]] = [
        (1, b"12345678901234567890", 12345678901234567890),
        (2, b"9007199254740994", 9007199254740994.0),
        (2, b"0.5", 0.5),
        (3, b"true", True),
        (8, b"a\\tb", "a\tb"),
        (9, b"#N/A", ErrorValue("#N/A")),
        (10, b"f", UNCACHED),
        (0, b"", None),
    ]
    mixed = column(*((code, field) for code, field, _ in cells))
    assert list(mixed) == [value for _, _, value in cells]
    assert [type(value) for value in mixed] == [type(value) for _, _, value in cells]
    assert mixed[1:3] == [9007199254740994.0, 0.5]


@pytest.mark.parametrize(
    "cells",
    [
        [(1, b"5"), (8, b"x"), (1, b"-70"), (1, b"70"), (2, b"1.5"), (0, b"")],
        [(8, b"a" * 50), (4, b"2024-02-29"), (5, b"2024-02-29 12:00:00"), (6, b"12:00:00"), (7, b"36:00:00")],
        [(2, b"9007199254740994"), (1, b"9007199254740994")],
    ],
)
def test_tally_shows_what_the_values_show(cells: list[tuple[int, bytes]]) -> None:
    mixed = column(*cells)
    assert observe(mixed, str) == observe(list(mixed), str)


def test_column_without_issues_has_empty_cells_in_their_place() -> None:
    cells = [(9, b"#N/A"), (1, b"5"), (10, b"f"), (9, b"#REF!"), (1, b"-7"), (8, b"x")]
    mixed = column(*cells)
    assert list(mixed.issues()) == [(0, ErrorValue("#N/A")), (2, UNCACHED), (3, ErrorValue("#REF!"))]
    bare = mixed.without_issues()
    assert list(bare) == [None, 5, None, None, -7, "x"]
    assert not bare.has_issues
    assert observe(bare, str) == observe(list(bare), str)
    assert bare.tally.counts[Kind.INTEGER] == 2
