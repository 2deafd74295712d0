"""The dates, times and durations at the edges, as Excel stores them: through their own types, then as text."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter

from tests.integration.pipeline.conftest import Warehouse

EDGES: dict[str, tuple[float, str, str, str]] = {
    # Header → (serial, format, type, text).
    "day_0": (0, "yyyy-mm-dd", "date", "1899-12-31"),
    "day_59": (59, "yyyy-mm-dd", "date", "1900-02-28"),
    "day_60": (60, "yyyy-mm-dd", "integer", "60"),
    "day_61": (61, "yyyy-mm-dd", "date", "1900-03-01"),
    "last_day": (2958465, "yyyy-mm-dd", "date", "9999-12-31"),
    "beyond": (2958466, "yyyy-mm-dd", "integer", "2958466"),
    "before": (-1, "yyyy-mm-dd", "integer", "-1"),
    "last_time": (0.9999999953703704, "hh:mm:ss.000", "time without time zone", "23:59:59.999"),
    "next_day": (45000.99999999537, "yyyy-mm-dd hh:mm:ss", "date", "2023-03-16"),
    "noon": (45000.5, "yyyy-mm-dd hh:mm", "timestamp without time zone", "2023-03-15 12:00:00"),
    "elapsed": (100 / 24, "[h]:mm", "interval", "100:00:00"),
    "big": (1e308, "General", "double precision", "1" + "0" * 308),
    "whole": (1e15, "General", "bigint", "1000000000000000"),
    "digits": (0.1 + 0.7, "General", "double precision", "0.7999999999999999"),
}


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet("Sheet1")
    for position, (header, (serial, number_format, _, _)) in enumerate(EDGES.items()):
        sheet.write_string(0, position, header)
        sheet.write_number(1, position, serial, workbook.add_format({"num_format": number_format}))
    workbook.close()


def test_edges_keep_their_value_in_their_type_and_as_text(warehouse: Warehouse) -> None:
    write(warehouse.root / "edges" / "a.xlsx")
    warehouse.load()
    types = warehouse.columns("edges")
    assert {header: types[header] for header in EDGES} == {header: edge[2] for header, edge in EDGES.items()}
    warehouse.write("edges/b.xlsx", [list(EDGES), ["x"] * len(EDGES)])
    warehouse.run()
    assert set(warehouse.columns("edges").values()) == {"text", "timestamp without time zone"}
    assert warehouse.rows("edges")[0] == tuple(edge[3] for edge in EDGES.values())


def test_edges_have_the_same_text_in_a_text_column(warehouse: Warehouse) -> None:
    warehouse.write("edges/a.xlsx", [list(EDGES), ["x"] * len(EDGES)])
    write(warehouse.root / "edges" / "b.xlsx")
    warehouse.load()
    assert warehouse.rows("edges")[1] == tuple(edge[3] for edge in EDGES.values())


def test_number_among_dates_makes_text_and_loses_nothing(warehouse: Warehouse) -> None:
    path = warehouse.root / "edges" / "a.xlsx"
    path.parent.mkdir(parents=True)
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet("Sheet1")
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_string(0, 0, "day")
    for row, serial in enumerate((59, 60, 61.5, 2958466), start=1):
        sheet.write_number(row, 0, serial, day)
    workbook.close()
    warehouse.load()
    assert warehouse.rows("edges") == [("1900-02-28",), ("60",), ("1900-03-01 12:00:00",), ("2958466",)]
