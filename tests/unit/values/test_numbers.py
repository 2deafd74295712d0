from __future__ import annotations

from decimal import Decimal

import pytest

from pgdatahub.values.numbers import (
    MAX_DIGITS,
    MAX_FRACTION_DIGITS,
    canonical_number,
    parse_decimal,
    parse_number,
    parse_value,
)

LARGEST = 1.7976931348623157e308


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e16, "10000000000000000"),
        (1e22, "1" + 22 * "0"),
        (2.0**60, "1152921504606847000"),
        (LARGEST, "17976931348623157" + 292 * "0"),
        # PostgreSQL writes no number half-way between two doubles; Python writes 1e+23 and 3.998479454655574e+16.
        (1e23, 16 * "9" + 7 * "0"),
        (39984794546555744.0, "39984794546555744"),
        # The nearest of two shortest numbers, above and below; and numbers more than a third of the distance away.
        (2.1738051647662847e20, "217380516476628470000"),
        (2.2073419981434936e18, "2207341998143493600"),
        (1.83413502685081e26, "183413502685081000000000000"),
        (5.855555746841106e18, "5855555746841106000"),
        (1e-7, "0.0000001"),
        (1234.5, "1234.5"),
        (Decimal("12.500"), "12.5"),
        (Decimal("1E+3"), "1000"),
    ],
)
def test_a_number_has_one_text_and_its_negative_a_sign(value: float | Decimal, text: str) -> None:
    assert canonical_number(value).decode() == text
    assert canonical_number(-value).decode() == f"-{text}"


def test_a_long_integer_is_written_without_an_exponent() -> None:
    for length in (3900, 5000):
        assert canonical_number(10**length).decode() == "1" + length * "0"
        assert canonical_number(-(10**length)).decode() == "-1" + length * "0"


@pytest.mark.parametrize("zero", [0, 0.0, -0.0, Decimal("-0"), Decimal("0.00")])
def test_zero_has_no_sign(zero: float | Decimal) -> None:
    assert canonical_number(zero) == b"0"


def test_whole_doubles_are_integers_up_to_2_53() -> None:
    texts = ("43.0", "4.3E1", "9007199254740992.0", "9007199254740994.0", "-9007199254740994.0", "9007199254740993")
    values = [parse_number(text.encode()) for text in texts]
    assert values == [43, 43, 2**53, 2**53 + 2, -(2**53) - 2, 2**53 + 1]
    assert [type(value) for value in values] == [int, int, int, float, float, int]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e400", "1e400 is beyond a double"),
        ("-.5e400", "-.5e400 is beyond a double"),
        ("1." + 60 * "2" + "e400", "1." + 38 * "2" + " is beyond a double"),
        pytest.param("7" * (MAX_DIGITS + 1), "a number of 100,001 digits", id="long"),
    ],
)
def test_a_number_beyond_every_column_is_named(text: str, message: str) -> None:
    for parse in (parse_number, parse_value):
        with pytest.raises(OverflowError) as refused:
            parse(text.encode())
        assert str(refused.value) == message


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "x"])
def test_a_word_is_not_a_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number|could not convert"):
        parse_number(text.encode())


def test_integers_of_any_accepted_length_are_exact() -> None:
    for length in (4000, 4001, MAX_DIGITS):
        text = "7" * length
        assert canonical_number(parse_value(text.encode())).decode() == text
        assert type(parse_value(text.encode())) is (int if length <= 4000 else Decimal)
        assert parse_number(b"-" + text[1:].encode()) < 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1E100000", "a number of 100,001 digits"),
        ("1E-16384", "a number with more than 16,383 digits after the point"),
    ],
)
def test_a_decimal_that_numeric_cannot_hold_is_named(text: str, message: str) -> None:
    with pytest.raises(OverflowError) as refused:
        parse_decimal(text)
    assert str(refused.value) == message


def test_decimals_at_the_limits_are_exact() -> None:
    assert parse_decimal("-0.0") == 0
    assert parse_decimal("1E99999") == Decimal("1E99999")
    assert parse_decimal("1E-16383") == Decimal("1E-16383")
    assert [type(parse_decimal(text)) for text in ("12.0", "1E3999", "1E4000", "1.5")] == [int, int, Decimal, Decimal]


def test_texts_that_are_not_numbers_are_cut_in_messages() -> None:
    with pytest.raises(ValueError, match=r"^b'inf' is not a number$"):
        parse_number(b"inf")
    with pytest.raises(ValueError, match=r"^b' inf' is not a number$"):
        parse_number(b" inf")
    spaces = 39 * b" "
    with pytest.raises(ValueError, match=r"i' is not a number$"):
        parse_number(spaces + b"inf")


def test_exact_numbers_are_bounded_on_both_sides_of_the_point() -> None:
    with pytest.raises(OverflowError, match=r"^a number of 100,002 digits$"):
        parse_decimal("3E100001")
    longest = MAX_DIGITS * "1" + "." + MAX_FRACTION_DIGITS * "1"
    assert format(parse_decimal(longest), "f") == longest
    assert format(parse_decimal(longest + "000"), "f") == longest + "000"
    for more in ("1", "9", "11", "99999"):
        with pytest.raises(OverflowError, match="more than 16,383 digits after the point"):
            parse_decimal(longest + more)
        with pytest.raises(OverflowError, match="more than 16,383 digits after the point"):
            parse_decimal("0." + MAX_FRACTION_DIGITS * "1" + more)


def test_long_whole_numbers_stay_decimals() -> None:
    assert [type(parse_decimal(length * "1")) for length in (4000, 4001, 5000)] == [int, Decimal, Decimal]
