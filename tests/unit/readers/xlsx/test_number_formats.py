from __future__ import annotations

import pytest

from pgdatahub.readers.xlsx.number_formats import Shown, built_in_format, parse_format


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", Shown.NUMBER),
        ('General"h"', Shown.NUMBER),
        ("0", Shown.NUMBER),
        ("0.00", Shown.NUMBER),
        ("#,##0", Shown.NUMBER),
        ("0.00E+00", Shown.NUMBER),
        ("##0.0E-0", Shown.NUMBER),
        ("0%", Shown.NUMBER),
        ("# ?/?", Shown.NUMBER),
        ('#,##0.00 "days"', Shown.NUMBER),
        ('"Monday" 0', Shown.NUMBER),
        (r"0\d\a\y", Shown.NUMBER),
        ("[Red]#,##0;[Blue]-#,##0", Shown.NUMBER),
        ("[$€-407] #,##0.00", Shown.NUMBER),
        ("_-* #,##0.00_-;-* #,##0.00_-", Shown.NUMBER),
        ("_(* #,##0_);_(* \\(#,##0\\)", Shown.NUMBER),
        ("@", Shown.NUMBER),
        ("", Shown.NUMBER),
        (";;;", Shown.NUMBER),
        ("yyyy-mm-dd", Shown.DATE),
        ("DD.MM.YYYY", Shown.DATE),
        ("d/m", Shown.DATE),
        ("mmm", Shown.DATE),
        ("m", Shown.DATE),
        ("mmmm yyyy", Shown.DATE),
        ("yyyy\\-mm\\-dd\\ hh:mm:ss", Shown.DATE),
        ("[$-409]m/d/yy h:mm AM/PM;@", Shown.DATE),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", Shown.DATE),
        ('yyyy"年"m"月"d"日"', Shown.DATE),
        ("[$-411]ge.m.d", Shown.DATE),
        ("aaaa", Shown.DATE),
        ("[<1]yyyy;0", Shown.DATE),
        ("h:mm", Shown.TIME),
        ("hh:mm:ss.000", Shown.TIME),
        ("mm:ss", Shown.TIME),
        ("h:mm AM/PM", Shown.TIME),
        ("h A/P", Shown.TIME),
        ("[$-F400]h:mm:ss\\ AM/PM", Shown.TIME),
        ("[h]:mm", Shown.ELAPSED),
        ("[HH]:mm:ss", Shown.ELAPSED),
        ("[mm]:ss", Shown.ELAPSED),
        ("[ss].00", Shown.ELAPSED),
        ("[Red][h]:mm", Shown.ELAPSED),
        ('"[h]"0', Shown.NUMBER),
        ("00000", Shown.ZEROS),
        ("[$-409]00000", Shown.ZEROS),
        ("00000_)", Shown.ZEROS),
        ("000;-000", Shown.ZEROS),
        ("00000;@", Shown.NUMBER),
        ("[<=9999]0000;00000", Shown.NUMBER),
        ("000-00-0000", Shown.NUMBER),
        ('00"x"', Shown.NUMBER),
    ],
)
def test_a_format_code_says_what_its_numbers_are(code: str, shown: Shown) -> None:
    assert parse_format(code).shown is shown


def test_a_zeros_format_knows_its_digits() -> None:
    assert parse_format("0000").digits == 4


@pytest.mark.parametrize(
    ("identifiers", "shown"),
    [
        ((0, 1, 2, 9, 11, 37, 44, 48, 49, 59, 70, 163), Shown.NUMBER),
        ((14, 17, 22, 27, 31, 36, 50, 58, 71, 81), Shown.DATE),
        ((18, 21, 32, 45, 47, 75), Shown.TIME),
        ((46, 79), Shown.ELAPSED),
    ],
)
def test_built_in_formats_need_no_code(identifiers: tuple[int, ...], shown: Shown) -> None:
    assert {built_in_format(identifier).shown for identifier in identifiers} == {shown}
