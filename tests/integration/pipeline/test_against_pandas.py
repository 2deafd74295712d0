"""Workbooks with several tables, in the layout of public ones, whose bodies pandas reads from the same cells.

pandas cannot read several header rows of a few columns, so headers are compared with a written list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
import xlsxwriter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pipeline.conftest import Warehouse

Build: TypeAlias = "Callable[[Any], None]"
Grid: TypeAlias = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Cells of a table below its header: the sheet, first and last row from 1, columns, and the table's columns."""

    sheet: str
    rows: tuple[int, int]
    columns: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A workbook, the settings of its folder, and its tables.

    Attributes:
        source: The public workbook or discussion with this layout.
        build: Fills the workbook.
        yaml: The settings below the folder.
        tables: Table → its cells.
    """

    source: str
    build: Build
    yaml: str
    tables: Mapping[str, Body]


def _fill(sheet: Any, row: int, column: int, cells: Grid) -> None:
    for down, values in enumerate(cells):
        for right, value in enumerate(values):
            if value is not None:
                sheet.write(row - 1 + down, column + right, value)


PEOPLE: Grid = [
    ["Name", "Profession", "Age", "Has kids"],
    ["David", "musician", 69, True],
    ["Carrie", "actor", 60, None],
]
UNITS: Grid = [["Product", "Units", "Price"], ["Apples", 10, 1.25], ["Pears", 20, 2], ["Bananas", None, 0.5]]
CODES: Grid = [["Code", "N"], ["x", 1], ["y", 2], ["z", 2**40]]


def _deaths(book: Any) -> None:
    for name in ("arts", "other"):
        sheet = book.add_worksheet(name)
        _fill(sheet, 1, 0, [["Lots of people"], ["simply cannot resist writing"], [None, "some notes"]])
        _fill(sheet, 5, 0, PEOPLE)
        _fill(sheet, 10, 0, [["This has been really fun, but"], ["we're signing off now!"]])


def _datasets(book: Any) -> None:
    for name, grid in {"iris": UNITS, "people": PEOPLE, "quakes": CODES}.items():
        _fill(book.add_worksheet(name), 1, 0, grid)


def _tables(book: Any) -> None:
    sheet = book.add_worksheet("Sheet1")
    columns = [
        {"header": "Product", "total_string": "Totals"},
        {"header": "Q1", "total_function": "sum"},
        {"header": "Q2", "total_function": "sum"},
    ]
    data = [["Apples", 10000, 5000], ["Pears", 2000, 3000], ["Bananas", 6000, 6000]]
    sheet.add_table("B3:D7", {"name": "Sales", "columns": columns, "total_row": True, "data": data})
    costs = [["a", 1.5], ["b", 2.5]]
    sheet.add_table("B12:C14", {"name": "Costs", "columns": [{"header": "Kind"}, {"header": "Cost"}], "data": costs})


def _levels(book: Any) -> None:
    sheet = book.add_worksheet("Report")
    sheet.write("A1", "Sales by region")
    sheet.merge_range("A3:A4", "Region")
    sheet.merge_range("B3:C3", "2025")
    sheet.merge_range("D3:E3", "2026")
    _fill(sheet, 4, 1, [["Units", "Amount", "Units", "Amount"]])
    _fill(sheet, 5, 0, [["North", 1, 1.5, 2, 2.5], ["South", 3, 3.5, 4, 4.5]])
    _fill(sheet, 3, 6, CODES)


def _stacked(book: Any) -> None:
    sheet = book.add_worksheet("Data")
    _fill(sheet, 1, 0, [["Services"], *UNITS])
    _fill(sheet, 8, 0, [["Processes"], *PEOPLE])


def _beside(book: Any) -> None:
    sheet = book.add_worksheet("Data")
    for index, grid in enumerate((UNITS, CODES, PEOPLE)):
        _fill(sheet, 2, index * 5, grid)


def _names(book: Any) -> None:
    sheet = book.add_worksheet("My sheet")
    _fill(sheet, 3, 2, UNITS)
    _fill(sheet, 12, 1, CODES)
    book.define_name("Units", "='My sheet'!$C$3:$E$6")
    book.define_name("Codes", "='My sheet'!$B$12:$C$15")


def _months(book: Any) -> None:
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for month in (1, 2):
        sheet = book.add_worksheet(f"2025-0{month}")
        _fill(sheet, 1, 0, [["Day", "N"]])
        for row in (1, 2):
            sheet.write_datetime(row, 0, datetime(2025, month, row), day)  # noqa: DTZ001 - a sheet has no zones
            sheet.write(row, 1, month * 10 + row)
    _fill(book.add_worksheet("Codes"), 1, 0, CODES)


def _title(book: Any) -> None:
    sheet = book.add_worksheet("Sheet1")
    sheet.merge_range("A1:C1", "Quarterly figures")
    _fill(sheet, 4, 0, UNITS)
    sheet.write("A9", "Source: own figures")
    _fill(book.add_worksheet("Legend"), 3, 1, CODES)


def _unlike(book: Any) -> None:
    sheet = book.add_worksheet("Policies")
    _fill(sheet, 1, 0, [["Exported 2025-01-31"]])
    _fill(sheet, 2, 0, PEOPLE)
    _fill(book.add_worksheet("Q1"), 1, 0, CODES)
    _fill(book.add_worksheet("Notes"), 1, 0, [["remark"], ["ignore"]])


OF_PEOPLE: Final = ("name", "profession", "age", "has_kids")
OF_UNITS: Final = ("product", "units", "price")
OF_CODES: Final = ("code", "n")
CASES: Final = {
    "notes_around": Case(
        source="https://readxl.tidyverse.org/articles/sheet-geometry.html (deaths.xlsx)",
        build=_deaths,
        yaml='sheets:\n  arts: {range: "A5:D7", table: arts}\n  other: {range: "A5:D7", table: other}\n',
        tables={
            "arts": Body(sheet="arts", rows=(6, 7), columns="A:D", names=OF_PEOPLE),
            "other": Body(sheet="other", rows=(6, 7), columns="A:D", names=OF_PEOPLE),
        },
    ),
    "a_table_a_sheet": Case(
        source="https://readxl.tidyverse.org/reference/readxl_example.html (datasets.xlsx)",
        build=_datasets,
        yaml="table_per_sheet: true\n",
        tables={
            "m_iris": Body(sheet="iris", rows=(2, 4), columns="A:C", names=OF_UNITS),
            "m_people": Body(sheet="people", rows=(2, 3), columns="A:D", names=OF_PEOPLE),
            "m_quakes": Body(sheet="quakes", rows=(2, 4), columns="A:B", names=OF_CODES),
        },
    ),
    "excel_tables": Case(
        source="https://xlsxwriter.readthedocs.io/example_tables.html",
        build=_tables,
        yaml="sheets:\n  Sheet1: [{range: Sales, table: sales}, {range: Costs, table: costs}]\n",
        tables={
            "sales": Body(sheet="Sheet1", rows=(4, 6), columns="B:D", names=("product", "q1", "q2")),
            "costs": Body(sheet="Sheet1", rows=(13, 14), columns="B:C", names=("kind", "cost")),
        },
    ),
    "two_header_rows": Case(
        source="https://github.com/pandas-dev/pandas/issues/33476",
        build=_levels,
        yaml='sheets:\n  Report:\n  - {range: "A3:E", header_row: 1-2, table: years}\n  - {range: "G3:H", table: codes}\n',
        tables={
            "years": Body(
                sheet="Report",
                rows=(5, 6),
                columns="A:E",
                names=("region", "_2025_units", "_2025_amount", "_2026_units", "_2026_amount"),
            ),
            "codes": Body(sheet="Report", rows=(4, 6), columns="G:H", names=OF_CODES),
        },
    ),
    "one_below_the_other": Case(
        source="https://github.com/dfinke/ImportExcel/issues/596",
        build=_stacked,
        yaml='sheets:\n  Data: [{range: "A2:C5", table: units}, {range: "A9:D", table: people}]\n',
        tables={
            "units": Body(sheet="Data", rows=(3, 5), columns="A:C", names=OF_UNITS),
            "people": Body(sheet="Data", rows=(10, 11), columns="A:D", names=OF_PEOPLE),
        },
    ),
    "side_by_side": Case(
        source="https://github.com/tidyverse/readxl/issues/486",
        build=_beside,
        yaml='sheets:\n  Data:\n  - {range: "A2:C", table: units}\n  - {range: "F2:G", table: codes}\n'
        '  - {range: "K2:N", table: people}\n',
        tables={
            "units": Body(sheet="Data", rows=(3, 5), columns="A:C", names=OF_UNITS),
            "codes": Body(sheet="Data", rows=(3, 5), columns="F:G", names=OF_CODES),
            "people": Body(sheet="Data", rows=(3, 4), columns="K:N", names=OF_PEOPLE),
        },
    ),
    "defined_names": Case(
        source="https://github.com/ToucanToco/fastexcel/issues/204",
        build=_names,
        yaml="sheets:\n  My sheet: [{range: Units, table: units}, {range: Codes, table: codes}]\n",
        tables={
            "units": Body(sheet="My sheet", rows=(4, 6), columns="C:E", names=OF_UNITS),
            "codes": Body(sheet="My sheet", rows=(13, 15), columns="B:C", names=OF_CODES),
        },
    ),
    "a_sheet_a_month": Case(
        source="https://github.com/pola-rs/polars/issues/18949",
        build=_months,
        yaml="table_per_sheet: true\n",
        tables={
            "m_2025_01": Body(sheet="2025-01", rows=(2, 3), columns="A:B", names=("day", "n")),
            "m_2025_02": Body(sheet="2025-02", rows=(2, 3), columns="A:B", names=("day", "n")),
            "m_codes": Body(sheet="Codes", rows=(2, 4), columns="A:B", names=OF_CODES),
        },
    ),
    "title_and_footer": Case(
        source="https://github.com/duckdb/duckdb-excel/issues/14",
        build=_title,
        yaml='sheets:\n  Sheet1: {header_row: 4, stop_at: blank, table: units}\n  Legend: {range: "B3:", table: codes}\n',
        tables={
            "units": Body(sheet="Sheet1", rows=(5, 7), columns="A:C", names=OF_UNITS),
            "codes": Body(sheet="Legend", rows=(4, 6), columns="B:C", names=OF_CODES),
        },
    ),
    "unlike_sheets": Case(
        source="https://github.com/pandas-dev/pandas/issues/66373",
        build=_unlike,
        yaml='sheets:\n  Policies: {table: policies, header_row: 2}\n  "Q*": {table: quarters}\n  Notes: {skip: true}\n',
        tables={
            "policies": Body(sheet="Policies", rows=(3, 4), columns="A:D", names=OF_PEOPLE),
            "quarters": Body(sheet="Q1", rows=(2, 4), columns="A:B", names=OF_CODES),
        },
    ),
}


def _by_pandas(path: Path, body: Body) -> list[tuple[object, ...]]:
    pandas = pytest.importorskip("pandas", reason="the dependency group compare is not installed")
    first, last = body.rows
    frame = pandas.read_excel(
        path,
        sheet_name=body.sheet,
        header=None,
        skiprows=first - 1,
        nrows=last - first + 1,
        usecols=body.columns,
        dtype=object,
        engine="openpyxl",
    )
    return [tuple(map(_plain, row)) for row in frame.itertuples(index=False)]


def _plain(value: object) -> object:
    """Return a value as both sides have it: NaN is None, a date is a moment, and 2 is 2.0."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime):
        return value.date() if not (value.hour or value.minute or value.second) else value.replace(tzinfo=None)
    return value if isinstance(value, str | bool | date) else float(str(value))


@pytest.mark.parametrize("name", CASES)
def test_tables_of_a_layout_equal_those_of_pandas(warehouse: Warehouse, name: str) -> None:
    case = CASES[name]
    path = warehouse.root / "m" / "a.xlsx"
    path.parent.mkdir(parents=True)
    book = xlsxwriter.Workbook(path)
    case.build(book)
    book.close()
    yaml = "m:\n" + "".join(f"  {line}\n" for line in case.yaml.splitlines())
    assert len(yaml.splitlines()) <= 6
    warehouse.configure(yaml)
    warehouse.load()
    for table, body in case.tables.items():
        expected = _by_pandas(path, body)
        assert tuple(warehouse.columns(table))[: len(body.names)] == body.names
        assert [tuple(map(_plain, row)) for row in warehouse.rows(table)] == expected
        assert len(expected) == body.rows[1] - body.rows[0] + 1
