"""Numbers, dates, durations, booleans, errors and formulas."""

# ruff: noqa: DTZ001 - workbooks know no time zones

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from itertools import zip_longest

import pytest

from pgdatahub.readers.ods.cell_values import _FALSE, _TRUE
from pgdatahub.values.cells import UNCACHED, ErrorValue, InvalidValue, Value

Cells = Callable[..., dict[str, Value]]

STYLES = (
    '<number:time-style style:name="clock"><number:hours/><number:text>:</number:text><number:minutes/></number:time-style>'
    '<number:time-style style:name="elapsed" number:truncate-on-overflow="false"><number:hours/><number:text>:</number:text>'
    "<number:minutes/></number:time-style>"
    '<number:time-style style:name="all-minutes" number:truncate-on-overflow="false"><number:minutes number:style="long"/>'
    '<number:text>:</number:text><number:seconds number:style="long"/></number:time-style>'
    '<number:time-style style:name="all-seconds" number:truncate-on-overflow="false"><number:seconds/></number:time-style>'
    '<number:date-style style:name="date"><number:year number:style="long"/><number:text>-</number:text><number:month/>'
    "</number:date-style>"
    + "".join(
        f'<style:style style:name="{name}" style:family="table-cell" style:data-style-name="{name}"/>'
        for name in ("clock", "elapsed", "all-minutes", "all-seconds", "date")
    )
)


def row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def cell(attributes: str, content: str = "") -> str:
    return f"<table:table-cell {attributes}>{content}</table:table-cell>"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("float", "43", 43),
        ("float", "43.0", 43),
        ("float", "1E+020", 1e20),
        ("float", "-0", 0),
        ("float", "9007199254740993", 9007199254740993),
        ("float", "0.1", 0.1),
        ("float", " 7 ", 7),
        ("float", "+.5", 0.5),
        ("percentage", "0.125", 0.125),
        ("currency", "1.5", 1.5),
    ],
)
def test_number_is_that_of_its_attribute(cells: Cells, kind: str, value: str, expected: float) -> None:
    found = cells(row(cell(f'office:value-type="{kind}" office:value="{value}"', "<text:p>shown</text:p>")))
    assert found == {"A1": expected}
    assert type(found["A1"]) is type(expected)


def test_number_beyond_a_double_names_its_cell(cells: Cells) -> None:
    found = cells(row(cell('office:value-type="float" office:value="1E400"')))
    assert found == {"A1": InvalidValue("the number '1E400' is too large for any column")}


def test_number_that_is_none_names_its_cell(cells: Cells) -> None:
    found = cells(row(cell(""), cell('office:value-type="float" office:value="1,5"')))
    assert found == {"B1": InvalidValue("'1,5' is not a number")}


@pytest.mark.parametrize("value", ["NaN", "INF", "-Infinity", "1.#NAN", "-1.#IND"])
def test_number_that_is_not_finite_is_an_error(cells: Cells, value: str) -> None:
    body = row(cell('office:value-type="float" office:value="1"')) + row(
        cell(f'office:value-type="float" office:value="{value}"')
    )
    assert cells(body) == {"A1": 1, "A2": ErrorValue(value)}


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("false", False), ("1", True), ("0", False), ("TRUE", True), ("5", 5)]
)
def test_boolean_is_true_or_false(cells: Cells, text: str, value: object) -> None:
    found = cells(row(cell(f'office:value-type="boolean" office:boolean-value="{text}"')))
    assert found == {"A1": value}
    assert type(found["A1"]) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023-03-15", datetime(2023, 3, 15)),
        ("2023-03-15T00:00:00", datetime(2023, 3, 15)),
        ("2023-03-15T10:30", datetime(2023, 3, 15, 10, 30)),
        ("2023-03-15T10:30:15.000Z", datetime(2023, 3, 15, 10, 30, 15)),
        ("2023-03-15T10:30:15.5", datetime(2023, 3, 15, 10, 30, 15, 500_000)),
        ("2023-03-15T10:30:15.1234567", datetime(2023, 3, 15, 10, 30, 15, 123_457)),
        ("2023-03-15T10:30:15.600000154", datetime(2023, 3, 15, 10, 30, 15, 600_000)),
        ("2023-12-31T23:59:59.9999999", datetime(2024, 1, 1)),
        ("2023-03-15T10:30:15+02:00", datetime(2023, 3, 15, 8, 30, 15)),
        ("2023-03-15T23:30:15-0200", datetime(2023, 3, 16, 1, 30, 15)),
        ("2023-03-15Z", datetime(2023, 3, 15)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("2023-03", "2023-03"),
        ("2023-02-30", "2023-02-30"),
        ("10000-01-01", "10000-01-01"),
        ("-0044-03-15", "-0044-03-15"),
        ("2023-03-15T25:00:00", "2023-03-15T25:00:00"),
        ("0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+10:00"),
    ],
)  # fmt: skip
def test_date_is_one_or_stays_a_text(cells: Cells, text: str, value: Value) -> None:
    assert cells(row(cell(f'office:value-type="date" office:date-value="{text}"'))) == {"A1": value}


@pytest.mark.parametrize(
    ("text", "style", "value"),
    [
        ("PT08H30M00S", "", time(8, 30)),
        ("PT12H", "", time(12)),
        ("PT0S", "", time(0)),
        ("PT23H59M59.5S", "clock", time(23, 59, 59, 500_000)),
        ("PT08H29M45.600000154S", "clock", time(8, 29, 45, 600_000)),
        ("PT36H00M00S", "", timedelta(hours=36)),
        ("-PT01H00M00S", "", timedelta(hours=-1)),
        ("P1DT2H", "", timedelta(hours=26)),
        ("PT12H", "elapsed", timedelta(hours=12)),
        ("PT100H30M", "elapsed", timedelta(hours=100, minutes=30)),
        ("-PT06H", "elapsed", timedelta(hours=-6)),
        ("PT90M", "elapsed", timedelta(minutes=90)),
        ("PT00H12M30S", "all-minutes", timedelta(minutes=12, seconds=30)),
        ("PT36H00M00S", "all-minutes", timedelta(hours=36)),
        ("PT00H00M00.25S", "all-seconds", timedelta(microseconds=250_000)),
        # A time format shows a number of 1 or more as a date, in every file format; LibreOffice writes those as hours.
        ("PT1080008H30M00S", "clock", datetime(2023, 3, 15, 8, 30)),
        ("PT36H", "clock", datetime(1899, 12, 31, 12)),
        ("-PT06H", "clock", -0.25),
        ("P1Y", "", "P1Y"),
        ("PT", "", "PT"),
        ("08:30", "", "08:30"),
        ("PT999999999999H", "clock", "PT999999999999H"),
    ],
)  # fmt: skip
def test_duration_is_a_time_or_an_interval_by_style(cells: Cells, text: str, style: str, value: Value) -> None:
    attributes = f'office:value-type="time" office:time-value="{text}"' + (
        f' table:style-name="{style}"' if style else ""
    )
    assert cells(row(cell(attributes)), automatic=STYLES) == {"A1": value}


def test_null_date_is_the_day_of_the_number_0(cells: Cells) -> None:
    settings = (
        '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>'
    )
    body = row(
        cell('office:value-type="time" office:time-value="PT36H" table:style-name="clock"'),
        cell('office:value-type="float" office:value="1.5" table:style-name="date"'),
        cell('office:value-type="date" office:date-value="2023-03-15"'),
    )
    moment = datetime(1904, 1, 2, 12)
    assert cells(body, automatic=STYLES, before=settings) == {"A1": moment, "B1": moment, "C1": datetime(2023, 3, 15)}


def test_number_under_a_date_format_is_a_date(cells: Cells) -> None:
    body = row(
        cell('office:value-type="float" office:value="45000.4375" table:style-name="date"'),
        cell('office:value-type="float" office:value="0.5" table:style-name="clock"'),
        cell('office:value-type="float" office:value="1.5" table:style-name="elapsed"'),
        cell('office:value-type="float" office:value="2" table:style-name="date"'),
    )
    assert cells(body, automatic=STYLES) == {
        "A1": datetime(2023, 3, 15, 10, 30),
        "B1": time(12),
        "C1": timedelta(hours=36),
        "D1": datetime(1900, 1, 1),
    }


def test_date_at_the_null_date_under_a_time_format_is_a_time(cells: Cells) -> None:
    attributes = 'office:value-type="date" office:date-value="1899-12-30T08:30:00" table:style-name="{}"'
    body = row(cell(attributes.format("clock")), cell(attributes.format("elapsed")), cell(attributes.format("date")))
    assert cells(body, automatic=STYLES) == {
        "A1": time(8, 30),
        "B1": timedelta(hours=8, minutes=30),
        "C1": datetime(1899, 12, 30, 8, 30),
    }


# ── errors and formulas ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("attributes", "shown", "value"),
    [
        # LibreOffice since 4.1
        ('table:formula="of:=1/0" office:value-type="string" office:string-value="" calcext:value-type="error"', "#DIV/0!", ErrorValue("#DIV/0!")),
        ('table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"', "#NV", ErrorValue("#NV")),
        ('office:value-type="string" calcext:value-type="error"', "Err:502", ErrorValue("Err:502")),
        # before, and other programs
        ('table:formula="of:=1/0" office:value-type="string" office:string-value=""', "#WERT!", ErrorValue("#WERT!")),
        ('table:formula="of:=1/0" office:value-type="float" office:value="0"', "Err:502", ErrorValue("Err:502")),
        ('table:formula="of:=1/0" office:value-type="string" office:string-value="#DIV/0!"', "#DIV/0!", ErrorValue("#DIV/0!")),
        ('table:formula="of:=1/0" office:value-type="string"', "#N/A", ErrorValue("#N/A")),
        # texts
        ('table:formula="of:=&quot;#N/A&quot;" office:value-type="string" office:string-value="#N/A" calcext:value-type="string"', "#N/A", "#N/A"),
        ('office:value-type="string"', "#N/A", "#N/A"),
        # results
        ('table:formula="of:=1+1" office:value-type="float" office:value="2"', "2", 2),
        ('table:formula="of:=A1" office:value-type="string" office:string-value="stored"', "shown", "stored"),
        ('table:formula="of:=A1" office:value-type="string"', "shown", "shown"),
        ('table:formula="of:=A1"', "shown", "shown"),
        ('table:formula="of:=TODAY()" office:value-type="date" office:date-value="2023-03-15"', "x", datetime(2023, 3, 15)),
        ('table:formula="of:=TRUE()" office:value-type="boolean" office:boolean-value="true"', "TRUE", True),
        ('table:formula="of:=1=1" office:value-type="float" office:value="1" calcext:value-type="float"', "TRUE", True),
        ('table:formula="of:=1=2" office:value-type="float" office:value="0" calcext:value-type="float"', "FALSE", False),
        ('table:formula="of:=1" office:value-type="float" office:value="1" calcext:value-type="float"', "1", 1),
    ],
)  # fmt: skip
def test_formula_has_its_result_or_its_error(cells: Cells, attributes: str, shown: str, value: Value) -> None:
    assert cells(row(cell(attributes, f"<text:p>{shown}</text:p>"))) == {"A1": value}


@pytest.mark.parametrize(
    ("attributes", "content"),
    [
        ('table:formula="of:=1+1"', ""),
        ('table:formula="of:=1+1" office:value-type="float"', ""),
        ('table:formula="of:=1+1" office:value-type="float"', "<text:p>2,5</text:p>"),
        ('table:formula="of:=A1" office:value-type="string"', ""),
        ('table:formula="of:=A1" office:value-type="date"', ""),
    ],
)
def test_formula_without_a_result_is_uncached(cells: Cells, attributes: str, content: str) -> None:
    assert cells(row(cell(attributes, content))) == {"A1": UNCACHED}


@pytest.mark.parametrize(
    ("attributes", "content"),
    [
        ('table:formula="of:=&quot;&quot;"', "<text:p/>"),
        ('table:formula="of:=&quot;&quot;" office:value-type="string" office:string-value=""', ""),
        ('table:formula="of:=&quot;&quot;" office:value-type="string" office:string-value=""', "<text:p/>"),
    ],
)
def test_formula_with_an_empty_text_is_an_empty_cell(cells: Cells, attributes: str, content: str) -> None:
    assert cells(row(cell(attributes, content))) == {}


def test_white_space_in_a_date_cell_is_no_value(cells: Cells) -> None:
    found = cells(
        row(
            cell('office:value-type="float" office:value=" " table:style-name="date"'),
            cell('office:value-type="date" office:date-value=" 2024-02-29 "'),
        ),
        automatic=STYLES,
    )
    assert found == {"B1": datetime(2024, 2, 29)}


@pytest.mark.parametrize(("true", "false"), [*zip_longest(sorted(_TRUE), sorted(_FALSE), fillvalue="FALSE")])
def test_boolean_of_a_formula_is_known_by_its_word(cells: Cells, true: str, false: str) -> None:
    def formula(value: str, shown: str) -> str:
        return cell(
            f'table:formula="of:=A1" office:value-type="float" office:value="{value}"', f"<text:p>{shown}</text:p>"
        )

    body = row(formula("1", true), formula("0", false), formula("0", true), formula("1", "yes"), formula("2", true))
    assert cells(body) == {"A1": True, "B1": False, "C1": 0, "D1": 1, "E1": 2}
