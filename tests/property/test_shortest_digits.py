"""Numbers of many digits end as the shortest text of the same double, whichever way they are computed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Kind, TextColumn
from pgdatahub.values.numbers import canonical_number, parse_number

doubles = st.floats(allow_nan=False, allow_infinity=False)
written = st.one_of(
    doubles.map(lambda value: f"{value:.17g}"),
    doubles.map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**6), max_value=10**6).map(
        lambda value: format(value, "f")
    ),
)


@given(st.lists(written, min_size=1, max_size=40))
def test_a_column_of_fractions_has_the_text_of_each_number_alone(numbers: list[str]) -> None:
    texts = [number.encode() for number in numbers]
    fields, _ = observe(TextColumn(kind=Kind.NUMBER, texts=texts), lambda index: f"A{index}")
    assert list(fields) == [canonical_number(parse_number(text)) for text in texts]


@given(st.lists(written, min_size=1, max_size=40))
def test_a_column_of_texts_and_a_column_of_values_show_the_same(numbers: list[str]) -> None:
    texts = [number.encode() for number in numbers]
    fast = observe(TextColumn(kind=Kind.NUMBER, texts=texts), lambda index: f"A{index}")
    slow = observe([parse_number(text) for text in texts], lambda index: f"A{index}")
    assert fast == slow
