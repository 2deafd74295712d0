"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from pgdatahub.values.counting import count


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows are"), (1, "1 row is"), (2, "2 rows are"), (12345, "12,345 rows are")]
)
def test_a_number_has_its_noun_and_its_verb(number: int, text: str) -> None:
    assert count(number, "row", "is", "are") == text
    assert count(number, "row") == text.rpartition(" ")[0]
