"""Suggestions for misspelt keys of columns."""

from __future__ import annotations

from pgdatahub.load.contracts.column_keys import Nearest


def test_suggestions_of_a_wide_file_are_bounded() -> None:
    names = {f"column {number}": f"Column {number}" for number in range(500)}
    nearest = Nearest()
    found = [nearest(f"Colunm {number}", names) for number in range(500)]
    assert found[:3] == ["Column 0", "Column 1", "Column 2"]
    assert found.count("") == 480
