"""Columns of numbers that are read and written at once."""

from __future__ import annotations

import pytest

from pgdatahub.values.number_columns import read_numbers


@pytest.mark.parametrize(
    ("found", "canonical"),
    [
        ([], []),
        ([b"", b""], [b"", b""]),
        ([b"1", b"-2", b"", b"3"], [b"1", b"-2", b"", b"3"]),
        ([b"10.0", b"10.05", b"10", b"1.00"], [b"10", b"10.05", b"10", b"1"]),
        ([b"9007199254740992.0"], [b"9007199254740992"]),
        ([b"0.10", b"", b"100", b"1.05"], [b"0.1", b"", b"100", b"1.05"]),
        # Zero has no sign, and -0.5 has one.
        ([b"-0", b"-0.0", b"0", b"-0.5", b"-10"], [b"0", b"0", b"0", b"-0.5", b"-10"]),
        ([b"0.10000000000000001", b"4.9999999999999999999"], [b"0.1", b"5"]),
        ([b"1E5", b"1.5e-3", b"", b"12e-1"], [b"100000", b"0.0015", b"", b"1.2"]),
        ([b"1e-7", b"-2.5E-10", b"1e-400"], [b"0.0000001", b"-0.00000000025", b"0"]),
        ([b"18446744073709551615", b"0.5"], [b"18446744073709551615", b"0.5"]),
    ],
)
def test_column_of_numbers_becomes_canonical(found: list[bytes], canonical: list[bytes]) -> None:
    numbers = read_numbers(found)
    assert numbers is not None
    values, fields = numbers
    assert list(fields) == canonical
    assert fields.lines == b"\n".join(canonical)
    assert len(values) == len(found)


@pytest.mark.parametrize(
    "text",
    [b"1e22", b"1e400", b"18446744073709551616", b"1.8014398509481985e16", b"1,5", b"null", b"true", b"+1", b"x"],
)
def test_number_beyond_both_forms_needs_a_look_of_its_own(text: bytes) -> None:
    assert read_numbers([b"1", text]) is None
    assert read_numbers([b"1", b"", text]) is None
