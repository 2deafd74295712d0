"""The evidence of a column depends neither on the form of its cells nor on the bounds of batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite

from hypothesis import assume, given
from hypothesis import strategies as st

from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.evidence import Observed
from pgdatahub.values.numbers import canonical_number, parse_number
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType, join, widens_to

integers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.sampled_from([0, 1, -1, 2**31, -(2**31), 2**53, 2**53 + 1, -(2**53) - 1, 2**63, 10**15]),
)
doubles = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["1", "1.0", "n/a", "true", "2024-01-01"])
milliseconds = st.integers(0, 86_400_000 - 1)
values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    doubles,
    st.decimals(
        allow_nan=False,
        allow_infinity=False,
        places=3,
        min_value=-(10**20),
        max_value=10**20,
    ),
    texts,
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
)


@st.composite
def number_texts(draw: st.DrawFn) -> bytes:
    """Draw a number as some program or other writes it."""
    number = draw(integers | doubles)
    if isinstance(number, int):
        return b"%d%s" % (number, draw(st.sampled_from([b"", b".0", b".000"])))
    written = draw(st.sampled_from(["r", ".17g", ".17e", ".3e", ".4f"]))
    text = repr(number) if written == "r" else format(number, written)
    assume(isfinite(float(text)))
    return (text.upper() if draw(st.booleans()) else text).encode()


columns = st.one_of(
    st.lists(values),
    st.lists(integers | doubles | st.none()),
    st.lists(number_texts() | st.just(b"")).map(lambda found: TextColumn(kind=Kind.NUMBER, texts=found)),
    st.lists(st.datetimes() | st.dates() | st.none()).map(
        lambda found: TextColumn(kind=Kind.TIMESTAMP, texts=[type_value(value)[1] for value in found])
    ),
)


def at(start: int, column: Column) -> tuple[Sequence[bytes], Observed]:
    return observe(column, lambda index: f"A{start + index}")


def facts(observed: Observed) -> object:
    evidence = {kind: (seen.count, seen.cell, seen.sample) for kind, seen in observed.evidence.items()}
    return evidence, observed.largest, observed.largest_cell, observed.type


def part(column: Column, start: int, stop: int) -> Column:
    return (
        TextColumn(kind=column.kind, texts=column.texts[start:stop])
        if isinstance(column, TextColumn)
        else column[start:stop]
    )


@given(columns, st.data())
def test_where_a_batch_ends_does_not_matter(column: Column, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(column)))
    upper, first = at(0, part(column, 0, cut))
    lower, second = at(cut, part(column, cut, len(column)))
    texts, whole = at(0, column)
    assert [*upper, *lower] == list(texts)
    assert facts(first.join(second)) == facts(whole)
    assert join(first.type, second.type) is whole.type


@given(st.lists(number_texts() | st.just(b"")))
def test_numbers_as_texts_and_as_values_show_the_same(found: list[bytes]) -> None:
    as_texts = at(0, TextColumn(kind=Kind.NUMBER, texts=found))
    as_values = at(0, [parse_number(text) if text else None for text in found])
    assert as_texts == as_values


@given(columns)
def test_every_value_fits_the_type_that_the_column_shows(column: Column) -> None:
    texts, observed = at(0, column)
    for needed in observed.needs():
        assert widens_to(needed, observed.type)
    assert observed.values == sum(text != b"" for text in texts)
    assert not any(b"\n" in text or b"\t" in text for text in texts)


@given(columns, st.sampled_from(tuple(SqlType)))
def test_a_deciding_cell_is_named_just_when_the_type_must_change(column: Column, current: SqlType) -> None:
    _, observed = at(0, column)
    deciding = observed.deciding(current)
    assert (deciding is None) == (join(current, observed.type) is current)


@given(doubles)
def test_a_number_has_one_text_from_which_it_comes_back(number: float) -> None:
    text = canonical_number(number)
    assert float(text) == number
    assert b"e" not in text
    assert canonical_number(Decimal(text.decode())) == text
    for written in (repr(number), f"{number:.17g}", f"{number:.20e}"):
        if written.lstrip("-").isdigit():
            continue  # digits alone are an integer, each digit of it meant
        parsed = parse_number(written.encode())
        assert canonical_number(parsed) == text
        assert parsed == number


@given(integers)
def test_integers_are_exact_however_long(number: int) -> None:
    assert parse_number(b"%d" % number) == number
    assert canonical_number(number) == b"%d" % number


@given(st.one_of(st.dates(), st.datetimes(), st.times(), st.timedeltas()))
def test_moments_have_one_text(value: date | datetime | time | timedelta) -> None:
    kind, text = type_value(value)
    assert not text.endswith(b".")
    assert not (b"." in text and text.endswith(b"0"))
    if isinstance(value, datetime) and value.time() == time():
        assert (kind, text) == type_value(value.date())
