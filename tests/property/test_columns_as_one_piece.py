"""A column that is looked through as one piece shows what its cells show one by one."""

from __future__ import annotations

from datetime import datetime, time
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.load.staging.content_hash import ContentHash
from pgdatahub.load.staging.staged_rows import encode
from pgdatahub.load.staging.tally import Tally
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn
from pgdatahub.model.schema import TableName, TableSchema
from pgdatahub.plugins.copy_rows import text_rows
from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Kind, TextColumn
from pgdatahub.values.numbers import canonical_number, parse_number
from pgdatahub.values.python_values import type_value

AWKWARD = (
    *(
        "0",
        "-0",
        "0.0",
        "-0.0",
        "0.10",
        "-0.10",
        "10.0",
        "100",
        "0.05",
        "-0.5",
        "1e22",
        "1E5",
        "1.5E-3",
        "1e-7",
        "5e-324",
    ),
    *("9007199254740991", "9007199254740992", "9007199254740993", "9007199254740992.0", "9007199254740993.0"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("18446744073709551615", "18446744073709551616", "1e16", "1e-400", "0.1e1", "2.2250738585072014e-308"),
    *("99999999999999.0", "999999999999999.0", "9999999999999998.5", "123456789012345.5", "18014398509481985.5"),
    *(
        "0.10000000000000001",
        "0.30000000000000004",
        "39984794546555744",
        "3.998479454655574e+16",
        "4.9999999999999999999",
    ),
)
digits = st.text("0123456789", max_size=18)


@st.composite
def written_numbers(draw: st.DrawFn) -> bytes:
    """Draw a number in JSON's syntax, with digits where it has many, none, or zeros."""
    whole = draw(digits).lstrip("0") or "0"
    fraction = draw(st.sampled_from(["", ".0", ".00", ".50"]) | digits.map(lambda drawn: drawn and f".{drawn}"))
    exponent = draw(st.sampled_from(["", "", "", "e0", "E-05", "e+3", "e-12", "E17"]))
    return f"{draw(st.sampled_from(['', '-']))}{whole}{fraction}{exponent}".encode()


numbers = st.one_of(
    st.sampled_from(AWKWARD).map(str.encode),
    written_numbers(),
    st.integers(-(10**4), 10**4).map(lambda value: b"%d" % value),
    st.integers(-(10**6), 10**6).map(lambda value: repr(value / 100).encode()),
)
columns_of_numbers = st.one_of(
    st.lists(numbers | st.just(b""), max_size=60),
    st.lists(st.integers(-(10**6), 10**6).map(lambda value: repr(value / 100).encode()) | st.just(b""), max_size=60),
    st.lists(st.integers().map(lambda value: b"%d" % value) | st.just(b""), max_size=60),
)


@given(columns_of_numbers)
def test_numbers_show_what_each_shows_alone(texts: list[bytes]) -> None:
    fields, shown = observe(TextColumn(kind=Kind.NUMBER, texts=texts), str)
    values = [parse_number(text) if text else None for text in texts]
    canonical = [canonical_number(value) if value is not None else b"" for value in values]
    assert list(fields) == canonical
    for kind, wanted in ((Kind.INTEGER, int), (Kind.NUMBER, float)):
        places = [index for index, value in enumerate(values) if isinstance(value, wanted)]
        evidence = shown.evidence.get(kind)
        assert (evidence.count if evidence else 0) == len(places)
        if evidence:
            assert evidence.cell == str(places[0])
            assert evidence.sample[:39] == canonical[places[0]].decode()[:39]
    integers = [value for value in values if isinstance(value, int)]
    largest = max(integers, key=abs, default=0)
    assert shown.largest == largest
    # The first that is written so: beyond 2^53, a double can be equal to an integer and is not the same.
    assert shown.largest_cell == (
        str(next(i for i, value in enumerate(values) if isinstance(value, int) and value == largest))
        if integers
        else ""
    )


@given(columns_of_numbers)
def test_numbers_as_texts_and_as_values_show_the_same(texts: list[bytes]) -> None:
    as_texts = observe(TextColumn(kind=Kind.NUMBER, texts=texts), str)
    as_values = observe([parse_number(text) if text else None for text in texts], str)
    assert as_texts == as_values


moments = st.dates() | st.datetimes() | st.dates().map(lambda day: datetime.combine(day, time())) | st.none()


@given(st.lists(moments))
def test_moments_as_texts_and_as_values_show_the_same(values: list[datetime | None]) -> None:
    as_texts = observe(TextColumn(kind=Kind.TIMESTAMP, texts=[type_value(value)[1] for value in values]), str)
    as_values = observe(values, str)
    assert as_texts == as_values


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(numbers | st.sampled_from([b"", b"x", b"\\n"]), min_size=width, max_size=width), max_size=30
        )
    ),
    st.sampled_from([1, 7, 100]),
)
def test_rows_and_content_are_those_of_the_fields(drawn: list[list[bytes]], times: int) -> None:
    rows = drawn * times
    columns = tuple(
        NormalizedColumn(name=f"c{index}", header=None, texts=fields, observed=observed)
        for index, texts in enumerate(zip(*rows, strict=True))
        for fields, observed in [observe(TextColumn(kind=Kind.TEXT, texts=texts), str)]
    )
    batch = NormalizedBatch(columns=columns, rows=len(rows))
    if rows:
        assert text_rows(encode(batch)).data == b"".join(b"\t".join(row) + b"\n" for row in rows)

    content, tally = ContentHash(), Tally()
    content.update(batch)
    tally.add(batch)
    expected = sha256(b"%d rows\n" % len(rows))
    for column in columns:
        counts = [(kind.value, evidence.count) for kind, evidence in column.observed.evidence.items()]
        expected.update(f"{column.name}\n{counts}\n".encode())
        expected.update(sha256(b"".join(text + b"\n" for text in column.texts)).digest())
    table = TableSchema(table=TableName(schema="public", name="t"), columns=tuple(tally.columns.values()))
    assert content.hexdigest(table) == expected.hexdigest()
