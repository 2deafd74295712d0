"""Facts about columns by the core equal those by Python."""

from __future__ import annotations

import os
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgdatahub.load.contracts.column_facts import _by_python, _differ_by_python
from pgdatahub.readers.xlsx.native.facts import all_differ, distinct_fields, integer_fields
from pgdatahub.readers.xlsx.reader_choice import core_problem
from pgdatahub.values.fields import buffer_of

pytestmark = pytest.mark.skipif(core_problem() is not None, reason=f"no compiled core: {core_problem()}")

EXAMPLES = max(100, int(os.environ.get("PGDATAHUB_JUDGE_MUTATIONS", "0")) // 10)

_TEXTS = st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"x"))
_FEW = st.sampled_from((b"", b"a", b"b", b"open", b"paid", b"a longer text", b"a longer texT", b"a longer text."))
_NUMBERS = st.integers(min_value=0, max_value=2**64 + 1).map(b"%d".__mod__)
_NEAR_NUMBERS = st.sampled_from(
    (b"", b"0", b"00", b"01", b"-1", b"1.0", b"1e3", b"9" * 19, b"9" * 20, b"9" * 40, b"1a")
)


@settings(max_examples=EXAMPLES)
@given(st.lists(_TEXTS | _FEW, min_size=1, max_size=60), st.integers(min_value=0, max_value=20))
def test_distinct_fields_are_those_of_a_set(fields: list[bytes], most: int) -> None:
    expected = list(dict.fromkeys(fields))
    most = max(most, 1)
    assert distinct_fields(b"\n".join(fields), most) == (expected if len(expected) <= most else None)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(_NUMBERS, min_size=1)
    | st.lists(_NUMBERS, min_size=1).map(lambda fields: sorted(fields, key=int))
    | st.lists(_NUMBERS | _NEAR_NUMBERS, min_size=1)
)
def test_integers_are_those_of_the_python_lane(fields: list[bytes]) -> None:
    found = integer_fields(b"\n".join(fields), len(fields))
    expected = _by_python(buffer_of(fields))
    assert (found and (list(found[0]), *found[1:])) == expected


@settings(max_examples=EXAMPLES)
@given(st.lists(st.lists(st.integers(min_value=0, max_value=50)), max_size=6), st.sampled_from("IQ"))
def test_equal_integers_are_found_by_core_and_python(numbers: list[list[int]], code: str) -> None:
    batches = [array(code, batch) for batch in numbers]
    every = [number for batch in numbers for number in batch]
    expected = len(set(every)) == len(every)
    largest = max(every, default=0)
    assert all_differ(batches, largest) == _differ_by_python(batches, largest) == expected
