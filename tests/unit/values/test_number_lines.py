"""Numbers as one piece of bytes: the cases that a search in it could get wrong."""

from __future__ import annotations

import pytest

from pgdatahub.values.fields import Fields
from pgdatahub.values.number_lines import canonical_lines, index_of, integers_of, largest_integer


@pytest.mark.parametrize(
    ("found", "canonical"),
    [
        (b"", b""),
        (b"\n\n", b"\n\n"),
        (b"1\n-2\n\n3", b"1\n-2\n\n3"),
        # Whole numbers written as fractions, also next to numbers that must not be taken for them.
        (b"10.0\n10.05\n10\n1.00", b"10\n10.05\n10\n1"),
        (b"99999999999999.0", b"99999999999999"),
        (b"999999999999999.0\n9007199254740992.0", None),
        (b"1.0\n9007199254740993.0", None),
        # Zeros at the end.
        (b"0.10\n\n100\n1.05", b"0.1\n\n100\n1.05"),
        # Zero has no sign, and -0.5 has one.
        (b"-0\n-0.0\n0\n-0.5\n-10\n-0.00\n1-0", b"0\n0\n0\n-0.5\n-10\n0\n1-0"),
        (b"-0.0\n0.10000000000000001", b"0\n0.1"),
        # More digits than needed, with blanks at both ends and in between.
        (b"\n0.10000000000000001\n\n\n2.50\n", b"\n0.1\n\n\n2.5\n"),
        (b"4.9999999999999999999\n7", b"5\n7"),
        # Exponents.
        (b"1E5\n1.5e-3\n\n12e-1", b"100000\n0.0015\n\n1.2"),
        (b"1e-7\n-2.5E-10\n5e-324", b"0.0000001\n-0.00000000025\n0." + b"0" * 323 + b"5"),
        (b"1e-400\n1", b"0\n1"),
        (b"1e22", None),
        (b"1e400", None),
        # Integers are exact, however long; beyond 64 bits not by way of orjson.
        (b"18446744073709551616\n-9223372036854775809", b"18446744073709551616\n-9223372036854775809"),
        (b"18446744073709551615\n0.10000000000000001", b"18446744073709551615\n0.1"),
        (b"18446744073709551616\n0.10000000000000001", None),
        (b"18446744073709551616\n1e-7", None),
        # Few among blanks.
        (b"\n\n0.10000000000000001\n\n\n\n1e-7\n\n\n2.50\n\n\n", b"\n\n0.1\n\n\n\n0.0000001\n\n\n2.5\n\n\n"),
        (b"1\n\n\n\n\n0.10000000000000001", b"1\n\n\n\n\n0.1"),
        (b"1e300\n\n\n\n0.1", None),
        # No numbers.
        (b"1,5", None),
        (b"null\n0.10000000000000001", None),
        (b"null\n\n0.10000000000000001", None),
    ],
)
def test_numbers_become_canonical_as_one_piece_or_ask_for_a_closer_look(found: bytes, canonical: bytes | None) -> None:
    assert canonical_lines(found) == canonical


@pytest.mark.parametrize(
    "texts",
    [
        [b"1", b"", b"3"],
        [b"", b""],
        [],
        [b"0.5", b"1", b"", b"-2", b"-0.5", b""],
        [*[b"0.5"] * 20, b"7", b"", b"-8", *[b"-10.25"] * 20, b"9"],
        [b"7", *[b"0.5"] * 20],
        [b"+1", b"0.5", b"2"],
    ],
)
def test_integers_are_found_among_fractions_and_blanks(texts: list[bytes]) -> None:
    integers = integers_of(Fields(texts, b"\n".join(texts)))
    assert integers == b",".join(text for text in texts if text and b"." not in text)


@pytest.mark.parametrize(
    ("integers", "largest"),
    [
        (b"0", b"0"),
        (b"9,10,9", b"10"),
        (b"-5,5", b"-5"),
        (b"5,-5", b"5"),
        (b"-7,5", b"-7"),
        (b"-7,-8", b"-8"),
        (b"18446744073709551615,-1", b"18446744073709551615"),
        (b"18446744073709551616,18446744073709551617,1", b"18446744073709551617"),
        (b"-9223372036854775808,9223372036854775807", b"-9223372036854775808"),
        (b"-9223372036854775809,9223372036854775810", b"9223372036854775810"),
        (b"9223372036854775810,-18446744073709551617", b"-18446744073709551617"),
        (b"9" * 400 + b",1", b"9" * 400),
        (b"9" * 5000 + b",1", b"9" * 5000),
        (b"007,1", b"007"),
    ],
)
def test_the_largest_integer_is_found_at_any_length(integers: bytes, largest: bytes) -> None:
    assert largest_integer(integers) == largest


def test_a_line_is_found_as_a_whole() -> None:
    assert [index_of(b"10\n1\n\n100\n1", text) for text in (b"10", b"1", b"", b"100")] == [0, 1, 2, 3]
