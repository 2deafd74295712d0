"""Rows as COPY text: all of them, in their order, and never of columns that do not fit together."""

from __future__ import annotations

import pytest

from pgdatahub.load.staging import encode
from pgdatahub.model.flow import NormalizedBatch, NormalizedColumn
from pgdatahub.values.evidence import NOTHING


def batch(rows: int, *columns: list[bytes]) -> NormalizedBatch:
    return NormalizedBatch(
        columns=tuple(
            NormalizedColumn(name=f"c{index}", header=None, texts=texts, observed=NOTHING)
            for index, texts in enumerate(columns)
        ),
        rows=rows,
    )


@pytest.mark.parametrize("rows", [0, 1, 499, 500, 501, 1000, 1234])
def test_every_row_is_a_line(rows: int) -> None:
    left, right = [b"%d" % row for row in range(rows)], [b"" if row % 3 else b"x" for row in range(rows)]
    expected = b"".join(b"%s\t%s\n" % row for row in zip(left, right, strict=True))
    assert encode(batch(rows, left, right)).data == expected


def test_without_columns_there_is_nothing_to_copy() -> None:
    assert encode(batch(3)).data == b""


@pytest.mark.parametrize("longer", [501, 1001])
def test_columns_of_different_lengths_are_refused(longer: int) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        encode(batch(500, [b"a"] * 500, [b"b"] * longer))
