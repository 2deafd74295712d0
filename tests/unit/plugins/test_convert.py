"""Types that the settings ask for: text is parsed as said, a cell that does not fit is named."""

# ruff: noqa: DTZ001 - workbooks know no time zones

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pgdatahub.config import ColumnOptions
from pgdatahub.config.column_options import COLUMN_TYPES
from pgdatahub.plugins.convert import ConversionError, convert, observe_typed
from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.sql_types import SqlType, widens_to
from pgdatahub.values.type_fit import real_holds


def converted(column: Column, **options: Any) -> list[Value]:
    return list(convert(column, ColumnOptions(**options)))


def refused(column: Column, **options: Any) -> tuple[int, Value]:
    with pytest.raises(ConversionError) as caught:
        convert(column, ColumnOptions(**options))
    return caught.value.misfits[0]


def test_numbers_are_read_with_the_marks_of_the_settings() -> None:
    german = {"type": "double", "decimal": ",", "thousands": "."}
    assert converted(["1.234,56", "-0,5", " 7 ", None, 2.5], **german) == [1234.56, -0.5, 7, None, 2.5]
    french = {"type": "numeric", "decimal": ",", "thousands": " "}
    assert converted(["1 234,50", "1\u202f234\u00a0567"], **french) == [Decimal("1234.50"), 1234567]
    assert converted(["1,234", "12"], type="integer", thousands=",") == [1234, 12]


@pytest.mark.parametrize("text", ["1.5", "1.23.456", "12.3456", "1,5,5", "1e", "n/a", "0x1", "١", "1_000", "1234.567"])
def test_a_number_that_is_written_otherwise_is_refused(text: str) -> None:
    assert refused([None, text], type="double", decimal=",", thousands=".") == (1, text)


def test_a_numeric_keeps_every_digit_of_a_text() -> None:
    assert converted(["0.12345678901234567890"], type="numeric") == [Decimal("0.12345678901234567890")]


def test_integers_keep_to_their_size() -> None:
    assert converted([2**31 - 1, 5.0, "7"], type="integer") == [2**31 - 1, 5.0, 7]
    assert refused([1, 2**31], type="integer") == (1, 2**31)
    assert refused([0.5], type="bigint") == (0, 0.5)
    assert converted([2**63 - 1], type="bigint") == [2**63 - 1]
    assert refused([2**63], type="bigint") == (0, 2**63)
    assert refused([2**53 + 1], type="double") == (0, 2**53 + 1)


def test_a_real_takes_what_it_gives_back() -> None:
    assert converted([0.1, 16777216, -2.5], type="real") == [0.1, 16777216, -2.5]
    assert refused([0.1, 0.123456789], type="real") == (1, 0.123456789)
    assert not real_holds(0.10000000149011612)
    assert not real_holds(2**30)
    assert not real_holds(1e39)
    assert not real_holds(1e-60)


def test_dates_are_read_with_their_format() -> None:
    options = {"type": "date", "format": "%d.%m.%Y"}
    assert converted(["31.12.2025", date(2024, 2, 29)], **options) == [datetime(2025, 12, 31), date(2024, 2, 29)]
    assert refused(["31.02.2025"], **options) == (0, "31.02.2025")
    assert refused([datetime(2025, 1, 1, 12)], type="date") == (0, datetime(2025, 1, 1, 12))
    assert refused([45000], type="date") == (0, 45000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2025-03-14", datetime(2025, 3, 14)),
        ("2025-03-14 08:30", datetime(2025, 3, 14, 8, 30)),
        ("2025-03-14T08:30:15.5", datetime(2025, 3, 14, 8, 30, 15, 500000)),
    ],
)
def test_without_a_format_dates_are_iso(text: str, value: datetime) -> None:
    assert converted([text], type="timestamp") == [value]


@pytest.mark.parametrize("text", ["20250314", "2025-W11-5", "14/03/2025", "2025-3-14", "2025-03-14 25:00", "08:30"])
def test_no_other_way_to_write_a_date_is_guessed(text: str) -> None:
    assert refused([text], type="timestamp") == (0, text)


def test_a_time_zone_is_taken_into_account() -> None:
    from pgdatahub.values.python_values import type_value

    (value,) = converted(["2025-03-14T08:30+02:00"], type="timestamp")
    assert type_value(value) == (Kind.TIMESTAMP, b"2025-03-14 06:30:00")
    (value,) = converted(["14.03.2025 08:30 +0200"], type="timestamp", format="%d.%m.%Y %H:%M %z")
    assert type_value(value) == (Kind.TIMESTAMP, b"2025-03-14 06:30:00")


def test_times_and_spans() -> None:
    assert converted(["8:30", "23:59:59.25"], type="time") == [time(8, 30), time(23, 59, 59, 250000)]
    assert refused(["24:00"], type="time") == (0, "24:00")
    assert converted(["100:00", "-1:30:15.5"], type="interval") == [
        timedelta(hours=100),
        -timedelta(hours=1, minutes=30, seconds=15.5),
    ]


def test_booleans_are_only_true_and_false() -> None:
    assert converted(["TRUE", "false", True, ""], type="boolean") == [True, False, True, None]
    for other in ("yes", "1"):
        refused([other], type="boolean")
    assert refused([1], type="boolean") == (0, 1)


def test_a_column_of_texts_says_the_first_cell_that_does_not_fit() -> None:
    column = TextColumn(kind=Kind.TEXT, texts=[b"1", b"", b"x", b"1", b"x"])
    assert refused(column, type="integer") == (2, "x")
    assert converted(TextColumn(kind=Kind.TEXT, texts=[b"1", b"", b"1"]), type="integer") == [1, None, 1]


def test_every_kind_of_texts_comes_back_as_values() -> None:
    found: dict[Kind, tuple[list[bytes], list[Value]]] = {
        Kind.NUMBER: ([b"1.5", b"2"], [1.5, 2]),
        Kind.DECIMAL: ([b"0.123456789012345678901"], [Decimal("0.123456789012345678901")]),
        Kind.BOOLEAN: ([b"true", b"false"], [True, False]),
        Kind.TIMESTAMP: (
            [b"2024-01-02", b"2024-01-02 03:04:05.5"],
            [datetime(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 500000)],
        ),
        Kind.TIME: ([b"10:30:00.25"], [time(10, 30, 0, 250000)]),
        Kind.INTERVAL: ([b"-100:00:00"], [-timedelta(hours=100)]),
        Kind.TEXT: ([b"a\\tb\\\\"], ["a\tb\\"]),
    }
    for kind, (texts, values) in found.items():
        assert list(as_values(TextColumn(kind=kind, texts=[*texts, b""]))) == [*values, None]


_TEXTS: dict[Kind, list[bytes]] = {
    Kind.NUMBER: [
        *(
            b"1",
            b"-7",
            b"0",
            b"-0.0",
            b"43.0",
            b"1E3",
            b"0.10000000000000001",
            b"2.5",
            b"1e20",
            b"-1E-7",
            b"2147483648",
        ),
        *(b"9007199254740992", b"9007199254740993", b"9223372036854775808", b"-9007199254740993.0"),
    ],
    Kind.TIMESTAMP: [b"2024-01-31", b"1900-02-28", b"2024-01-31 08:00:00", b"2024-01-31 08:00:00.25"],
    Kind.TIME: [b"08:00:00", b"23:59:59.5"],
    Kind.INTERVAL: [b"25:00:00", b"-1:30:00", b"0:00:00.5"],
    Kind.BOOLEAN: [b"true", b"false"],
}


@pytest.mark.parametrize("wanted", sorted(COLUMN_TYPES))
@pytest.mark.parametrize("kind", _TEXTS)
def test_cells_of_the_type_already_are_not_converted(kind: Kind, wanted: str) -> None:
    """Without the conversion of single cells, fields and evidence are the same."""
    chance = random.Random(wanted)  # noqa: S311 - test data
    options = ColumnOptions(type=wanted)
    for _ in range(40):
        column = TextColumn(kind=kind, texts=chance.choices([*_TEXTS[kind], b""], k=chance.choice((1, 2, 3))))
        found = observe_typed(column, options, str)
        as_it_is = observe(column, str)
        asked = options.sql_type if kind is Kind.NUMBER else None
        if asked not in (None, SqlType.TEXT, SqlType.REAL) and widens_to(as_it_is[1].type, asked):
            assert found == as_it_is == observe(convert(column, options), str)
        else:
            assert found is None
