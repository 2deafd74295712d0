"""One field of COPY text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.values.copytext import escape, is_storable, storable, unescape


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("plain", b"plain"),
        ("tab\there", rb"tab\there"),
        ("two\r\nlines", rb"two\r\nlines"),
        ("\\.", rb"\\."),
        ("\\N", rb"\\N"),
        ("é😀", "é😀".encode()),
    ],
)
def test_what_copy_gives_a_meaning_is_escaped(text: str, field: bytes) -> None:
    assert escape(text) == field


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("\\\t\n\rNtnrx.")))
def test_a_field_round_trips_and_never_ends_a_field_or_a_row(text: str) -> None:
    field = escape(text)
    assert unescape(field) == text
    assert not {b"\t", b"\n", b"\r"} & {field[index : index + 1] for index in range(len(field))}


def test_only_characters_postgresql_cannot_store_are_removed() -> None:
    assert storable("a\0b\ud800c\udfff\x01\U0010ffff") == "abc\x01\U0010ffff"


@pytest.mark.parametrize("text", ["", "a\x01\n", "Größe 🎉", "a\0b", "ü\0", "\ud800", "ü\udfff"])
def test_text_is_storable_if_cleaning_keeps_it(text: str) -> None:
    assert is_storable(text) is (storable(text) == text)
