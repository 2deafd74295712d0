from __future__ import annotations

import pytest

from pgdatahub.readers.number_formats import Shown, built_in_format


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
    assert {built_in_format(identifier).sections[0].shown for identifier in identifiers} == {shown}
