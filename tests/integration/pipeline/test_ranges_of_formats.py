"""Named ranges and headers of several rows in workbooks of other formats than ``.xlsx``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.readers.ods.conftest import NAMESPACES, make_ods

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse


def _cell(value: object, attributes: str = "") -> str:
    if isinstance(value, int):
        return f'<table:table-cell office:value-type="float" office:value="{value}" {attributes}/>'
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{value}</text:p></table:table-cell>'


def _row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def _write(warehouse: Warehouse, rows: str, ranges: str = "") -> None:
    content = (
        f"<office:document-content {NAMESPACES}><office:body><office:spreadsheet>"
        f'<table:table table:name="Data">{rows}</table:table>{ranges}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    path = warehouse.root / "m" / "a.ods"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make_ods(content=content).getvalue())


ORDERS = "".join(_row(*map(_cell, cells)) for cells in (["id", "n"], [1, 10], [2, 20], ["Total", 30]))
RANGES = (
    '<table:database-ranges><table:database-range table:name="Orders" table:target-range-address="Data.A1:Data.B4"/>'
    "</table:database-ranges>"
)


def test_ods_table_loads_its_totals_with_a_notice(warehouse: Warehouse) -> None:
    _write(warehouse, ORDERS, RANGES)
    warehouse.configure("m: {range: Orders}\n")
    (result,) = warehouse.load().results
    assert warehouse.rows("m") == [("1", 10), ("2", 20), ("Total", 30)]
    assert "does not mark a row of totals" in " ".join(result.notices)


def test_ods_table_ends_above_its_totals_by_stop_at(warehouse: Warehouse) -> None:
    _write(warehouse, ORDERS, RANGES)
    warehouse.configure("m: {range: Orders, stop_at: Total}\n")
    warehouse.load()
    assert warehouse.rows("m") == [(1, 10), (2, 20)]


def test_ods_headers_are_filled_from_merged_areas(warehouse: Warehouse) -> None:
    upper = _row(
        _cell("Region", 'table:number-rows-spanned="2"'),
        _cell(2025, 'table:number-columns-spanned="2"'),
        "<table:covered-table-cell/>",
    )
    lower = _row("<table:covered-table-cell/>", _cell("Units"), _cell("Amount"))
    for setting in ("1-2", "auto"):
        warehouse.configure(f'm: {{header_row: "{setting}", table: t_{setting[0]}}}\n')
        _write(warehouse, upper + lower + _row(_cell("North"), _cell(1), _cell(2)))
        warehouse.load()
        assert list(warehouse.columns(f"t_{setting[0]}"))[:3] == ["region", "_2025_units", "_2025_amount"]
        assert warehouse.rows(f"t_{setting[0]}") == [("North", 1, 2)]
