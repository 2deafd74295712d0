"""The content hash: equal for equal content, however it travelled, and different for any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

import pytest

from pgdatahub.load.staging.content_hash import ContentHash
from pgdatahub.load.staging.tally import Tally
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn
from pgdatahub.model.schema import TableName, TableSchema
from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Value


def batch(columns: Mapping[str, Sequence[Value]]) -> NormalizedBatch:
    normalized = []
    for name, values in columns.items():
        texts, observed = observe(values, lambda index: f"S!{index}")
        normalized.append(NormalizedColumn(name=name, header=name, texts=texts, observed=observed))
    return NormalizedBatch(columns=tuple(normalized), rows=len(next(iter(columns.values()))))


def content(*batches: Mapping[str, Sequence[Value]]) -> str:
    content, tally = ContentHash(), Tally()
    for columns in batches:
        content.update(batch(columns))
        tally.add(batch(columns))
    table = TableName(schema="public", name="t")
    return content.hexdigest(TableSchema(table=table, columns=tuple(tally.columns.values())))


def test_the_size_of_batches_does_not_matter() -> None:
    whole = content({"a": [1, 2, 3], "b": ["x", None, "z"]})
    assert content({"a": [1], "b": ["x"]}, {"a": [2, 3], "b": [None, "z"]}) == whole


def test_a_column_that_comes_late_was_empty_before() -> None:
    assert content({"a": [1]}, {"a": [2], "b": ["x"]}) == content({"a": [1, 2], "b": [None, "x"]})
    assert content({"a": [1], "b": ["x"]}, {"a": [2]}) == content({"a": [1, 2], "b": ["x", None]})


def test_one_number_has_one_form() -> None:
    assert content({"a": [43, 0.1]}) == content({"a": [43.0, 0.1]})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": [1]}, {"a": ["1"]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1, None]}, {"a": [None, 1]}),
        ({"a": ["x\ny"]}, {"a": ["x", "y"]}),
        ({"a": ["x", None], "b": [None, "x"]}, {"a": ["x", "x"], "b": [None, None]}),
        ({"a": ["True"]}, {"a": [True]}),
    ],
)
def test_other_content_has_another_hash(
    left: Mapping[str, Sequence[Value]], right: Mapping[str, Sequence[Value]]
) -> None:
    assert content(left) != content(right)


def test_a_row_without_values_counts() -> None:
    assert content({"a": [1]}) != content({"a": [1, None]})


def test_hashes_that_are_stored_stay_as_they_are() -> None:
    """Databases keep these hashes, and a file is known by them. The value is of commit 881e432."""
    assert (
        content(
            {
                "n": [1, None, -2, 2**53, 12345678901234567890],
                "x": [0.1, 1 / 3, 43.0, -0.0, 1e22],
                "b": [True, False, None, True, False],
                "d": [date(2024, 2, 29), None, date(1900, 3, 1), date(9999, 12, 31), date(2000, 1, 1)],
                "t": [*map(datetime.fromisoformat, ("2024-02-29 23:59:59.500", "1999-12-31")), None, *[SECOND] * 2],
                "c": [time(8, 30), time(0), time(23, 59, 59, 999000), None, time(12)],
                "i": [timedelta(hours=30), None, timedelta(0), timedelta(minutes=-5), timedelta(days=400)],
                "s": ["a\tb\nc\\d", "", "Größe 🎉", "007", " kept "],
                "m": [1, "x", True, 2.5, None],
            }
        )
        == "a99eaa81464436593d644961427bd4cc32329d6584f40660922490f4d3428de6"
    )


SECOND = datetime.fromisoformat("2000-01-01 00:00:01")
