"""Number formats from styles: the same rules as in .xlsx decide."""

# ruff: noqa: DTZ001 - workbooks know no time zones

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.values.cells import Value

Cells = Callable[..., dict[str, Value]]


def data_style(name: str, content: str, *, kind: str = "number") -> str:
    return f'<number:{kind}-style style:name="{name}">{content}</number:{kind}-style>'


def digits(count: int, content: str = "", places: int = 0) -> str:
    return (
        f'<number:number number:decimal-places="{places}" number:min-integer-digits="{count}">{content}</number:number>'
    )


def style(name: str, data: str = "", parent: str = "") -> str:
    return (
        f'<style:style style:name="{name}" style:family="table-cell"'
        + (f' style:data-style-name="{data}"' if data else "")
        + (f' style:parent-style-name="{parent}"' if parent else "")
        + "/>"
    )


def number(value: str, style_name: str = "", repeated: int = 1) -> str:
    attribute = f' table:style-name="{style_name}"' if style_name else ""
    return f'<table:table-cell office:value-type="float" office:value="{value}" table:number-columns-repeated="{repeated}"{attribute}/>'


def map_to(condition: str, name: str) -> str:
    return f'<style:map style:condition="value(){condition}" style:apply-style-name="{name}"/>'


ZEROS = data_style("N1", digits(5)) + style("ce1", "N1")
DATE = '<number:day number:style="long"/><number:text>/</number:text><number:month/>'


@pytest.mark.parametrize(
    ("content", "kind"),
    [(digits(5), "number"), (DATE, "date"), ("<number:hours/>", "time")],
    ids=["zeros", "date", "time"],
)
def test_zero_that_a_style_hides_is_an_empty_cell(cells: Cells, content: str, kind: str) -> None:
    # As LibreOffice writes 00000;; and yyyy;; and h:mm;;
    styles = (
        data_style("Np", content, kind=kind)
        + data_style("Nm", "<number:text/>")
        + data_style("N", "<number:text/>" + map_to("&gt;0", "Np") + map_to("&lt;0", "Nm"))
        + style("ce", "N")
    )
    values = (
        'float" office:value="0',
        'date" office:date-value="1899-12-30',
        'time" office:time-value="PT00H00M00S',
        'float" office:value="-7',
    )
    body = "".join(
        f'<table:table-row><table:table-cell table:style-name="ce" office:value-type="{value}"/></table:table-row>'
        for value in values
    )
    assert cells(body, automatic=styles) == {"A4": -7}


@pytest.mark.parametrize(
    ("styles", "value", "expected"),
    [
        (data_style("N", digits(5)), "501", "00501"),
        (data_style("N", digits(5)), "123456", "123456"),
        (data_style("N", digits(1)), "501", 501),
        (data_style("N", digits(5, places=2)), "501", 501),
        (data_style("N", f"{digits(5)}<number:text> </number:text>"), "501", "00501"),
        (data_style("N", f'{digits(2)}<number:text> kg</number:text>'), "5", 5),
        (data_style("N", digits(9, '<number:embedded-text number:position="4">-</number:embedded-text>')), "12345678", "01234-5678"),
        (
            data_style("N", digits(9, '<number:embedded-text number:position="6">-</number:embedded-text><number:embedded-text number:position="4">-</number:embedded-text>')),
            "501",
            "000-00-0501",
        ),
        (data_style("N", f"{digits(5)}<number:text>%</number:text>", kind="percentage"), "0.5", 0.5),
        (data_style("N", f"<number:currency-symbol>R</number:currency-symbol>{digits(1)}", kind="currency"), "7.5", 7.5),
        (data_style("N", "<number:scientific-number number:min-integer-digits='2'/>"), "5", 5),
        (data_style("N", "<number:fraction/>"), "0.5", 0.5),
        (data_style("N", "<number:text-content/>", kind="text"), "501", 501),
        (data_style("N", "<number:boolean/>", kind="boolean"), "1", 1),
        (data_style("N", DATE, kind="date"), "45000", datetime(2023, 3, 15)),
    ],
)  # fmt: skip
def test_data_style_decides_as_a_format_code(cells: Cells, styles: str, value: str, expected: Value) -> None:
    body = f"<table:table-row>{number(value, 'ce')}</table:table-row>"
    assert cells(body, automatic=styles + style("ce", "N")) == {"A1": expected}


def test_conditions_decide_for_each_value(cells: Cells) -> None:
    # As LibreOffice writes [=0]"";dd/mm and [>100]dd/mm;00000
    styles = (
        data_style("A0", "<number:text/>")
        + data_style("A", DATE + map_to("=0", "A0"), kind="date")
        + data_style("B0", DATE, kind="date")
        + data_style("B", digits(5) + map_to("&gt;100", "B0"))
        + style("a", "A")
        + style("b", "B")
    )
    body = "".join(
        f"<table:table-row>{number(value, 'a')}{number(value, 'b')}</table:table-row>" for value in ("0", "45000", "7")
    )
    day = datetime(2023, 3, 15)
    assert cells(body, automatic=styles) == {
        "B1": "00000",
        "A2": day,
        "B2": day,
        "A3": datetime(1900, 1, 6),
        "B3": "00007",
    }


def test_three_conditions_leave_the_style_to_texts(cells: Cells) -> None:
    # As LibreOffice writes 00000;-00000;00000;@
    styles = (
        "".join(data_style(f"N{sign}", f"{literal}{digits(5)}") for sign, literal in (("p", ""), ("m", "<number:text>-</number:text>"), ("z", "")))
        + data_style("N", "<number:text-content/>" + map_to("&gt;0", "Np") + map_to("&lt;0", "Nm") + map_to("=0", "Nz"), kind="text")
        + style("ce", "N")
    )  # fmt: skip
    body = "".join(f"<table:table-row>{number(value, 'ce')}</table:table-row>" for value in ("501", "-501", "0"))
    assert cells(body, automatic=styles) == {"A1": "00501", "A2": "-00501", "A3": "00000"}


def test_style_takes_the_format_of_its_parent(cells: Cells) -> None:
    styles = ZEROS + style("child", parent="ce1") + style("circle", parent="circle")
    body = f"<table:table-row>{number('7', 'child')}{number('7', 'circle')}{number('7', 'missing')}</table:table-row>"
    assert cells(body, automatic=styles) == {"A1": "00007", "B1": 7, "C1": 7}


def test_common_styles_count_too(cells: Cells) -> None:
    common = (
        '<office:document-styles xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
        f'xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"><office:styles>{ZEROS}</office:styles>'
        "</office:document-styles>"
    )
    body = f"<table:table-row>{number('7', 'ce1')}{number('7', 'automatic')}</table:table-row>"
    assert cells(body, automatic=style("automatic", parent="ce1"), styles=common) == {"A1": "00007", "B1": "00007"}


def test_cell_without_a_style_has_that_of_its_row_or_column(cells: Cells) -> None:
    columns = (
        '<table:table-column table:number-columns-repeated="2"/>'
        '<table:table-column table:number-columns-repeated="2" table:default-cell-style-name="ce1"/>'
        '<table:table-column table:default-cell-style-name="plain"/>'
    )
    rows = (
        f"<table:table-row>{number('7', repeated=6)}</table:table-row>"
        f'<table:table-row table:default-cell-style-name="plain">{number("7", repeated=4)}</table:table-row>'
        f'<table:table-row table:default-cell-style-name="ce1">{number("7")}{number("7", "plain")}</table:table-row>'
        f"<table:table-row>{number('7', 'plain', repeated=3)}</table:table-row>"
    )
    found = cells(columns + rows, automatic=ZEROS + style("plain"))
    assert found == {
        "A1": 7,
        "B1": 7,
        "C1": "00007",
        "D1": "00007",
        "E1": 7,
        "F1": 7,
        "A2": 7,
        "B2": 7,
        "C2": 7,
        "D2": 7,
        "A3": "00007",
        "B3": 7,
        "A4": 7,
        "B4": 7,
        "C4": 7,
    }


def test_too_many_styles_are_refused(cells: Cells) -> None:
    many = "".join(style(f"s{index}") for index in range(250_001))
    with pytest.raises(CorruptError, match="more than 250,000 styles"):
        cells(automatic=many)


def test_long_style_is_a_plain_number(cells: Cells) -> None:
    styles = data_style("N", "<number:text>x</number:text>" * 20_000 + digits(5)) + style("ce", "N")
    assert cells(f"<table:table-row>{number('7', 'ce')}</table:table-row>", automatic=styles) == {"A1": 7}
