"""Dates written as texts: several formats, widths, languages."""

from __future__ import annotations

from datetime import datetime

import pytest

from pgdatahub.values.date_texts import contradiction, parse_date
from pgdatahub.values.locale_names import find_names, number_marks


@pytest.mark.parametrize(
    ("text", "forms", "day"),
    [
        ("03.02.2001", ("%d.%m.%Y", "%Y-%m-%d"), (2001, 2, 3)),
        ("2001-02-03", ("%d.%m.%Y", "%Y-%m-%d"), (2001, 2, 3)),
        ("3.2.01", ("%d.%m.%y", "%d.%m.%Y"), (2001, 2, 3)),
        ("11012001", ("%d%m%Y",), (2001, 1, 11)),
    ],
)
def test_a_date_is_read_in_one_of_the_formats(text: str, forms: tuple[str, ...], day: tuple[int, int, int]) -> None:
    assert parse_date(text, forms) == datetime(*day)  # noqa: DTZ001 - workbooks know no time zones


@pytest.mark.parametrize(("text", "form"), [("1112001", "%d%m%Y"), ("31.02.2001", "%d.%m.%Y"), ("x", "%d.%m.%Y")])
def test_a_text_that_fits_no_format_is_refused(text: str, form: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        parse_date(text, (form,))


@pytest.mark.parametrize(
    ("forms", "contradict"),
    [
        (("%d/%m/%Y", "%m/%d/%Y"), True),
        (("%Y%m%d", "%d%m%Y"), True),
        (("excel", "excel1904"), True),
        (("%d.%m.%y", "%d.%m.%Y"), False),
        (("%d.%m.%Y", "%Y-%m-%d", "excel"), False),
    ],
)
def test_formats_that_read_one_text_differently_are_found(forms: tuple[str, ...], contradict: bool) -> None:
    assert (contradiction(forms) is not None) is contradict


def test_names_of_months_are_those_of_the_language() -> None:
    pytest.importorskip("babel")
    german = find_names("de")
    assert parse_date("3. März 2025", ("%d. %B %Y",), german) == datetime(2025, 3, 3)  # noqa: DTZ001
    assert parse_date("MÄR. 2025", ("%b %Y",), german) == datetime(2025, 3, 1)  # noqa: DTZ001
    assert parse_date("Montag, 3. März 2025", ("%A, %d. %B %Y",), german) == datetime(2025, 3, 3)  # noqa: DTZ001
    with pytest.raises(ValueError, match="Mrz"):
        parse_date("3. Mrz 2025", ("%d. %B %Y",), german)
    with pytest.raises(ValueError, match="März"):
        parse_date("3. März 2025", ("%d. %B %Y",))


def test_marks_of_numbers_are_those_of_the_language() -> None:
    pytest.importorskip("babel")
    assert number_marks("de") == (",", ".")
