"""Errors: their places."""

from __future__ import annotations

import pytest

from pgdatahub.errors import ReadError


@pytest.mark.parametrize(
    ("where", "located"),
    [
        (None, "sales/x.xlsx"),
        ("x.xlsx", "sales/x.xlsx"),
        ("x.xlsx › Sheet1 › B2", "sales/x.xlsx › Sheet1 › B2"),
        ("Sheet1 › B2", "sales/x.xlsx › Sheet1 › B2"),
        ("x.xlsx copy", "sales/x.xlsx › x.xlsx copy"),
    ],
)
def test_a_place_names_its_file_once(where: str | None, located: str) -> None:
    assert ReadError("damaged", where=where).located("sales/x.xlsx").where == located
