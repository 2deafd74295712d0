"""Texts under a configured type, trimmed texts, and patterns that end a table, from the workbook to the table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pgdatahub.config import load_config
from pgdatahub.errors import ConfigError

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse


def _load(warehouse: Warehouse, yaml: str, rows: Rows) -> list[tuple[object, ...]]:
    warehouse.configure(f"m:\n{yaml}")
    warehouse.write("m/a.xlsx", rows)
    warehouse.load()
    return warehouse.rows("m")


def test_numbers_as_texts_are_read_under_a_type(warehouse: Warehouse) -> None:
    yaml = '  columns: {n: {type: numeric, decimal: ",", thousands: ".", unit: "€"}}\n'
    rows: Rows = [["n"], ["(1.234,56)"], ["€ 3,10-"], ["12,5 %"], [7]]
    assert _load(warehouse, yaml, rows) == [(Decimal("-1234.56"),), (Decimal("-3.10"),), (Decimal("0.125"),), (7,)]


def test_a_unit_that_no_setting_names_fails_with_the_setting(warehouse: Warehouse) -> None:
    warehouse.configure('m:\n  columns: {n: {type: double, decimal: ","}}\n')
    warehouse.write("m/a.xlsx", [["n"], ["€ 3,10"]])
    failure = warehouse.fail().failure
    assert failure is not None
    assert failure.hint is not None
    assert 'unit: "€"' in failure.hint


def test_per_cent_does_not_fit_an_integer(warehouse: Warehouse) -> None:
    warehouse.configure('m:\n  columns: {n: {type: integer, decimal: ","}}\n')
    warehouse.write("m/a.xlsx", [["n"], ["12,5 %"]])
    warehouse.fail()


def test_spelling_is_not_content(warehouse: Warehouse) -> None:
    warehouse.configure('m:\n  columns: {n: {type: double, decimal: ","}}\n')
    warehouse.write("m/a.xlsx", [["n"], ["(3,10)"]])
    warehouse.load()
    warehouse.write("m/b.xlsx", [["n"], [-3.1]])
    reasons = {result.source.name: result.reason for result in warehouse.run().results}
    assert "the same content" in (reasons["b.xlsx"] or "")


def test_several_formats_and_serials_of_dates_are_read(warehouse: Warehouse) -> None:
    yaml = '  columns: {d: {type: date, format: ["%d.%m.%Y", "%Y-%m-%d", excel]}}\n'
    rows: Rows = [["d"], ["03.02.2001"], ["2001-02-03"], ["36925"], [36925]]
    assert _load(warehouse, yaml, rows) == [(date(2001, 2, 3),)] * 4


@pytest.mark.parametrize(
    "options",
    [
        '{type: date, format: ["%d/%m/%Y", "%m/%d/%Y"]}',
        '{type: double, thousands: "."}',
        '{type: text, unit: "€"}',
        '{type: double, unit: "-"}',
        '{type: double, unit: ["kg", "1"]}',
        "{type: double, unit: (.)}",
    ],
)
def test_settings_that_are_not_one_meaning_are_refused(warehouse: Warehouse, options: str) -> None:
    warehouse.configure(f"m:\n  columns: {{n: {options}}}\n")
    with pytest.raises(ConfigError):
        load_config(directory=warehouse.directory)


def test_a_language_gives_months_and_marks(warehouse: Warehouse) -> None:
    pytest.importorskip("babel")
    yaml = '  locale: de\n  columns: {d: {type: date, format: "%d. %B %Y"}, n: {type: double}}\n'
    assert _load(warehouse, yaml, [["d", "n"], ["3. März 2025", "1.234,5"]]) == [(date(2025, 3, 3), 1234.5)]


def test_trim_removes_outer_white_space_only(warehouse: Warehouse) -> None:
    yaml = "  trim: true\n  columns: {b: {trim: false}}\n"
    rows: Rows = [["a", "b"], ["\u00a0 x  y\t", " z"], ["plain", "z"]]
    assert _load(warehouse, yaml, rows) == [("x  y", " z"), ("plain", "z")]


def test_trim_comes_before_nulls(warehouse: Warehouse) -> None:
    assert _load(warehouse, '  trim: true\n  nulls: ["-"]\n', [["a", "b"], [" - ", 1]]) == [(None, 1)]


@pytest.mark.parametrize("stop", ["/^note/", "b=/^SEE/", "[Total, /^note/]", "[blank, /nothing/]"])
def test_a_pattern_ends_the_table(warehouse: Warehouse, stop: str) -> None:
    rows: Rows = [["a", "b"], [1, "x"], [2, "y"], [None, None], ["Note: z", "see below"], [3, "w"]]
    assert [row[0] for row in _load(warehouse, f"  stop_at: {stop}\n", rows)] == [1, 2]


def test_a_pattern_on_a_missing_header_fails(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  stop_at: nothing=/x/\n")
    warehouse.write("m/a.xlsx", [["a"], [1]])
    failure = warehouse.fail().failure
    assert failure is not None
    assert "a header that the table does not have" in failure.message
