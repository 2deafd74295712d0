"""Comments of columns give back header and description exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.model.column_comments import comment_of, description_in, header_in

HEADERS = st.none() | st.text(alphabet="a \n\N{EM DASH}-", min_size=1, max_size=12)
DESCRIPTIONS = st.none() | st.text(alphabet="b \N{EM DASH}-", min_size=1, max_size=12)


@given(header=HEADERS, description=DESCRIPTIONS)
def test_comment_gives_back_header_and_description(header: str | None, description: str | None) -> None:
    comment = comment_of(header, description)
    assert (header_in(comment), description_in(comment)) == (header, description)


@pytest.mark.parametrize("header", ["Amount", "Unit\nprice", "a \N{EM DASH} b", " x "])
def test_comment_of_a_header_alone_is_the_header(header: str) -> None:
    assert comment_of(header, None) == header
    assert comment_of(header, "") == header


def test_comment_has_the_header_above_the_description() -> None:
    assert comment_of("Amount", "Gross, in euros") == "Amount\n\N{EM DASH} Gross, in euros"
    assert comment_of(None, "Gross, in euros") == "\N{EM DASH} Gross, in euros"
