"""Numbers written as texts: signs, marks, units, per cent; by example and by law."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.values.number_texts import NumberNotation

GERMAN = NumberNotation(decimal=",", thousands=".")
EURO = NumberNotation(decimal=",", thousands=".", units=("€",))


@pytest.mark.parametrize(
    ("text", "notation", "plain"),
    [
        ("(1.234,56)", GERMAN, "-1234.56"),
        ("3,10-", GERMAN, "-3.10"),
        ("\u22123", NumberNotation(), "-3"),
        ("1.234", GERMAN, "1234"),
        ("12,5 %", GERMAN, "0.125"),
        ("5 \u2030", NumberNotation(), "0.005"),
        ("12,5 %", NumberNotation(decimal=",", units=("%",)), "12.5"),
        ("€ 3,10", EURO, "3.10"),
        ("3,10\u00a0€", EURO, "3.10"),
        ("-€ 3,10", EURO, "-3.10"),
        ("€ -3,10", EURO, "-3.10"),
        ("(€ 3,10)", EURO, "-3.10"),
        ("3,10-€", EURO, "-3.10"),
        ("1’234'567.5", NumberNotation(thousands="'"), "1234567.5"),
        ("1\u202f234,5", NumberNotation(decimal=",", thousands=" "), "1234.5"),
        ("1.5E-3", NumberNotation(), "1.5E-3"),
    ],
)
def test_a_number_is_read_in_its_notation(text: str, notation: NumberNotation, plain: str) -> None:
    assert notation.plain(text) == plain


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("(-3)", GERMAN),
        ("1.234", NumberNotation(decimal=",")),
        ("1.23", GERMAN),
        ("12.34.567", GERMAN),
        ("1,23,456", NumberNotation(thousands=",")),
        ("€ 3,10", GERMAN),
        ("$ 3,10", EURO),
        ("€ 3 €", EURO),
        ("5 % %", NumberNotation()),
        ("--5", NumberNotation()),
        ("-5-", NumberNotation()),
        ("%", NumberNotation()),
        ("\u0663", NumberNotation()),
        ("", NumberNotation()),
    ],
)
def test_a_text_of_another_notation_is_refused(text: str, notation: NumberNotation) -> None:
    with pytest.raises(ValueError, match=r"^"):
        notation.plain(text)


@pytest.mark.parametrize(
    ("text", "notation", "hint"),
    [("€ 3,10", GERMAN, 'unit: "€"'), ("1.234", NumberNotation(decimal=","), 'thousands: "."')],
)
def test_the_hint_names_the_setting(text: str, notation: NumberNotation, hint: str) -> None:
    assert hint in (notation.hint(text) or "")


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6),
    marks=st.sampled_from([(".", None), (",", None), (",", "."), (".", ","), (".", "'"), (",", " ")]),
    form=st.sampled_from(["-{}", "- {}", "{}-", "({})", "\u2212{}"]),
    unit=st.sampled_from(["", "€", "kg"]),
    before=st.booleans(),
    percent=st.booleans(),
)
def test_what_is_written_is_read_in_every_notation(
    number: Decimal, marks: tuple[str, str | None], form: str, unit: str, before: bool, percent: bool
) -> None:
    decimal, thousands = marks
    text = f"{abs(number):,f}" if thousands else f"{abs(number):f}"
    text = text.replace(",", "T").replace(".", decimal).replace("T", thousands or "")
    if unit:
        text = f"{unit} {text}" if before else f"{text} {unit}"
    text = form.format(text) if number < 0 else text
    if percent and not text.endswith((")", "-")):
        text += " %"
        number = number / 100
    notation = NumberNotation(decimal=decimal, thousands=thousands, units=(unit,) if unit else ())
    assert Decimal(notation.plain(text)) == number
