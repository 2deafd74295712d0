"""Columns as rows of COPY, by the compiled core."""

from __future__ import annotations

import pytest

from pgdatahub.readers.xlsx.native.rows import binary_field, encode_text
from pgdatahub.readers.xlsx.reader_choice import core_problem
from pgdatahub.values.fields import FieldBuffer

pytestmark = pytest.mark.skipif(core_problem() is not None, reason=f"no compiled core: {core_problem()}")


def test_columns_of_any_form_become_rows() -> None:
    columns = [FieldBuffer(None, b"1\n\n3", 3), [b"a longer text", b"", b"c\\td"], (b"", b"", b"")]
    assert encode_text(columns, 3) == b"1\ta longer text\t\n\t\t\n3\tc\\td\t\n"


def test_suffix_stands_behind_each_row() -> None:
    assert encode_text([[b"1", b"2"]], 2, b"\tfile") == b"1\tfile\n2\tfile\n"


@pytest.mark.parametrize("column", [[b"1"], [b"1", b"2", b"3"]])
def test_column_of_another_length_is_refused(column: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        encode_text([[b"1", b"2"], column], 2)


def test_binary_field_has_its_length_or_none() -> None:
    assert binary_field(b"ab") == b"\0\0\0\x02ab"
    assert binary_field(None) == b"\xff\xff\xff\xff"
