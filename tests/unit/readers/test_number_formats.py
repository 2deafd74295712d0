from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.formatted_numbers import FormattedNumbers, number_text
from pgdatahub.readers.numbers.number_formats import NUMBER, Condition, NumberFormat, Shown, built_in_format
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.values.cells import TextColumn
from pgdatahub.values.copytext import unescape
from pgdatahub.values.python_values import type_value


def table() -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows of the table: a code, a number, and what the cell is: kind and text (a date at midnight is a date)."""
    with (Path(__file__).with_name("number_formats.tsv")).open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        yield from ((code, number, kind, text) for code, number, kind, text in rows)


def shown(number_format: NumberFormat, number: float, *, date1904: bool = False) -> tuple[str, str]:
    """Return the kind and the text of a number under a format."""
    value = FormattedNumbers(Serials(date1904=date1904)).value(number_format, number)
    kind, text = type_value(value)
    name = "empty" if kind is None else "number" if kind.value == "integer" else kind.value
    return name, unescape(text)


def test_the_table_of_formats_is_long_enough() -> None:
    assert len({code for code, *_ in table()}) >= 300


@pytest.mark.parametrize(("code", "number", "kind", "text"), list(table()))
def test_a_number_is_read_as_its_format_shows_it(code: str, number: str, kind: str, text: str) -> None:
    assert shown(parse_format(code), float(number)) == (kind, text)


def test_a_column_is_read_as_its_cells_are() -> None:
    numbers = FormattedNumbers(Serials(date1904=False))
    for code in sorted({code for code, *_ in table()}):
        number_format = parse_format(code)
        values = [0, 1, 0.25, 45000, 45000.5, -3, -0.25, 60, 1234567, 10**400]
        column = numbers.column(number_format, [number_text(value) for value in values] + [b""])
        one_by_one = [shown(number_format, value) for value in values] + [("empty", "")]
        assert [canonical(numbers, column, index) for index in range(len(values) + 1)] == one_by_one, code


def canonical(_numbers: FormattedNumbers, column: object, index: int) -> tuple[str, str]:
    from pgdatahub.values.column_values import as_values

    kind, text = type_value(as_values(column)[index])  # type: ignore[arg-type]
    return ("empty" if kind is None else "number" if kind.value == "integer" else kind.value), unescape(text)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ("date", "1904-01-01")),
        (1, ("date", "1904-01-02")),
        (60, ("date", "1904-03-01")),
        (0.5, ("timestamp", "1904-01-01 12:00:00")),
        (-1, ("number", "-1")),
        (2957003, ("date", "9999-12-31")),
        (2957004, ("number", "2957004")),
    ],
)
def test_the_1904_system_counts_from_its_own_day_0(number: float, expected: tuple[str, str]) -> None:
    assert shown(parse_format("yyyy-mm-dd"), number, date1904=True) == expected


def test_formats_that_differ_in_looks_only_are_equal() -> None:
    assert parse_format("[Red]dd/mm/yyyy;@") == parse_format("d.m.yy")
    assert parse_format('_-* #,##0.00_-;-* #,##0.00_-;_-* "-"??_-;_-@_-') is NUMBER
    assert hash(parse_format("00000;@")) == hash(parse_format("[$-409]00000"))


def test_numbers_under_a_plain_format_stay_as_found() -> None:
    texts = [b"1.50", b"", b"0.1000000000000000055"]
    column = FormattedNumbers(Serials(date1904=False)).column(parse_format("R$ #,##0.00"), texts)
    assert isinstance(column, TextColumn)
    assert column.texts is texts


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "]",
        "[]",
        '"',
        "\\",
        "_",
        "*",
        ";",
        "[>",
        "[>1",
        "[$",
        "[h",
        "0",
        ".0",
        "0.",
        "#,",
        "m",
        "y",
        "e",
        "g",
        "a",
        "ab",
    ],
)
def test_a_code_of_300_000_characters_is_read_in_linear_time(piece: str) -> None:
    code = piece * (300_000 // len(piece))
    begin = time.process_time()
    for section in parse_format(code).sections:
        assert len(section.pattern) <= 510
    assert time.process_time() - begin < 3


def test_a_condition_of_many_digits_is_read_in_linear_time() -> None:
    begin = time.process_time()
    parse_format("[>" + "1" * 300_000 + "]0;dd/mm/yyyy")
    assert time.process_time() - begin < 1


def test_a_code_of_more_zeros_than_excel_takes_is_a_number() -> None:
    assert parse_format("0" * 255).sections[0].shown is Shown.ZEROS
    assert parse_format("0" * 256) is NUMBER


def test_each_built_in_format_has_the_kind_of_the_standard() -> None:
    runs = "14N 4D 4T 1D 4N 5D 4T 1D 8N 1T 1E 1T 2N 5D 2T 2D 12N 4D 2T 1D 1T 1E 1T 1D 18N"
    kinds = {"N": Shown.NUMBER, "D": Shown.DATE, "T": Shown.TIME, "E": Shown.ELAPSED}
    expected = [kinds[run[-1]] for run in runs.split() for _ in range(int(run[:-1]))]
    assert len(expected) == 100
    assert [built_in_format(identifier).section_for(1.5).shown for identifier in range(100)] == expected
    assert built_in_format(163) == NUMBER


def test_only_below_zero_means_the_negative_numbers() -> None:
    for sign in ("<", "<=", ">", ">=", "=", "<>"):
        for operand in (-1, 0, 1):
            assert Condition(operator=sign, operand=operand).is_negative is ((sign, operand) == ("<", 0))


def test_a_conditional_first_section_is_not_the_only_one() -> None:
    plain, conditional = parse_format("0.0"), parse_format("[>5]0;hh:mm")
    assert plain.only == plain.sections[0]
    assert conditional.only is None
