"""Law: a number of any length is the exact number or a refusal, in linear time."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pgdatahub.config import ColumnOptions
from pgdatahub.plugins.convert import ConversionError, convert
from pgdatahub.plugins.infer import observe
from pgdatahub.readers.xlsx.number_texts import InvalidNumberError, plain_number
from pgdatahub.values.cells import Kind, TextColumn, Value
from pgdatahub.values.numbers import MAX_DIGITS
from pgdatahub.values.python_values import type_value

MILLION = 10**6
LONG_TEXTS = (
    "3E1000000",
    "-3E1000000",
    "3E-1000000",
    "1E99999999999999999999",
    "1" * MILLION,
    "1" * MILLION + "x",
    "1." + "1" * MILLION,
    "0." + "0" * MILLION + "1",
    "1E" + "9" * MILLION,
    "-" * MILLION,
)


def seconds_of(begin: float) -> float:
    return time.process_time() - begin


@pytest.mark.parametrize("text", LONG_TEXTS, ids=lambda text: text[:12])
def test_texts_of_a_million_digits_are_refused_by_cell(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(ConversionError) as refusal:
        convert(["1", text], ColumnOptions(type="numeric"))
    assert refusal.value.misfits[0][0] == 1
    assert seconds_of(begin) < 2


@pytest.mark.parametrize("text", ["3E1000000", "1" * MILLION, "1" * MILLION + "x"], ids=lambda text: text[:12])
@pytest.mark.parametrize("kind", ["integer", "double"])
def test_other_types_refuse_them_too(kind: str, text: str) -> None:
    begin = time.process_time()
    with pytest.raises(ConversionError):
        convert([text], ColumnOptions(type=kind))
    assert seconds_of(begin) < 2


@pytest.mark.parametrize(
    "text", ["0E1000000", "0E-1000000", "1." + "0" * MILLION, "0" * MILLION + "1"], ids=lambda text: text[:12]
)
def test_zeros_by_the_million_are_no_digits(text: str) -> None:
    begin = time.process_time()
    (value,) = convert([text], ColumnOptions(type="numeric"))
    assert type_value(value)[1] == (b"0" if text.startswith("0E") else b"1")
    assert seconds_of(begin) < 2


@pytest.mark.parametrize("text", LONG_TEXTS, ids=lambda text: text[:12])
def test_cells_of_a_million_digits_take_linear_time(text: str) -> None:
    begin = time.process_time()
    message = ""
    try:
        plain_number(text.encode())
    except InvalidNumberError as error:
        message = str(error)
    assert len(message) < 300
    assert seconds_of(begin) < 1


def test_many_long_integers_take_linear_time() -> None:
    numbers = [b"%d%s" % (index % 9 + 1, b"7" * (MAX_DIGITS - 2)) for index in range(50)]
    begin = time.process_time()
    fields, _ = observe(TextColumn(kind=Kind.NUMBER, texts=[plain_number(number) for number in numbers]), str)
    assert list(fields) == numbers
    assert seconds_of(begin) < 5


def test_a_plugins_integer_of_a_million_digits_is_refused() -> None:
    values: tuple[Value, ...] = (10**MILLION, Decimal("1E1000000"), Decimal("1E-1000000"))
    for value in values:
        with pytest.raises(OverflowError):
            type_value(value)


@given(st.integers(min_value=-(10**60), max_value=10**60), st.integers(min_value=-30, max_value=30))
@example(10**15, 30)
@example(0, 30)
def test_numeric_texts_keep_their_value(digits: int, exponent: int) -> None:
    text = f"{digits}E{exponent}"
    (value,) = convert([text], ColumnOptions(type="numeric"))
    assert value == Decimal(text)


@given(st.text("0123456789", min_size=1, max_size=6000), st.booleans())
def test_digits_alone_stay_exact(digits: str, negative: bool) -> None:
    text = ("-" if negative else "") + digits
    assert Decimal(plain_number(text.encode()).decode()) == Decimal(text)
    (value,) = convert([text], ColumnOptions(type="numeric"))
    assert type_value(value)[1].decode() == str(Decimal(text)).replace("-0", "0" if not Decimal(text) else "-0")
