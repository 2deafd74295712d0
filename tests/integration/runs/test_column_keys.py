"""A key under ``columns:`` that means no column is reported once, with the nearest header."""

from __future__ import annotations

import pytest

from pgdatahub.runs.plans.plan import plan
from tests.integration.pipeline.conftest import Warehouse, warehouse

__all__ = ["warehouse"]
pytestmark = pytest.mark.integration

ROWS = (["Order ID", "Amount", "Unit Price"], [1, 2.5, 3])


def warnings(warehouse: Warehouse) -> tuple[str, ...]:
    return tuple(text for text in warehouse.run().warnings if "no column" in text)


@pytest.mark.parametrize("key", ["Amuont", "ammount", "AMOUNTS"])
def test_a_misspelt_column_names_the_nearest_header(warehouse: Warehouse, key: str) -> None:
    warehouse.configure(f"sales:\n  columns:\n    {key}: {{type: numeric}}\n")
    warehouse.write("sales/a.xlsx", ROWS)
    expected = f"config/etl_config.yaml:3: no column {key!r} in sales/a.xlsx; did you mean 'Amount'?"
    assert tuple(text for text in plan(warehouse.config).warnings if "no column" in text) == (expected,)
    assert warnings(warehouse) == (expected,)


@pytest.mark.parametrize("key", ["Amount", "amount", "Order ID", "order_id", "unit price", "column_3", "column_9"])
def test_a_key_that_means_a_column_is_not_reported(warehouse: Warehouse, key: str) -> None:
    warehouse.configure(f"sales:\n  columns:\n    {key}: {{type: text}}\n")
    warehouse.write("sales/a.xlsx", ROWS)
    assert warnings(warehouse) == ()


@pytest.mark.parametrize("options", ["skip: true", "rename: total", "aliases: [Amount]"])
def test_a_skipped_or_renamed_column_is_not_reported(warehouse: Warehouse, options: str) -> None:
    key = "Betrag" if "aliases" in options else "Amount"
    warehouse.configure(f"sales:\n  columns:\n    {key}: {{{options}}}\n")
    warehouse.write("sales/a.xlsx", ROWS)
    assert warnings(warehouse) == ()


def test_a_key_for_one_of_several_folders_is_not_reported(warehouse: Warehouse) -> None:
    warehouse.configure("columns:\n  Amount: {type: numeric}\n")
    warehouse.write("sales/a.xlsx", ROWS)
    warehouse.write("stock/a.xlsx", (["Item"], ["tea"]))
    assert warnings(warehouse) == ()


def test_a_column_of_earlier_files_is_not_reported(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  columns:\n    Amount: {type: numeric}\n")
    warehouse.write("sales/a.xlsx", ROWS)
    warehouse.load()
    warehouse.write("sales/b.xlsx", (["Order ID"], [2]))
    assert warnings(warehouse) == ()


def test_an_unlike_key_is_reported_without_a_suggestion(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  columns:\n    Discount: {type: numeric}\n")
    for name in "ab":
        warehouse.write(f"sales/{name}.xlsx", (*ROWS, [ord(name), 1, 2]))
    expected = "config/etl_config.yaml:3: no column 'Discount' in any of the 2 files read"
    assert warnings(warehouse) == (expected,)


def test_a_header_that_another_key_means_is_not_suggested(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  columns:\n    Amount: {type: numeric}\n    Amounts: {type: numeric}\n")
    warehouse.write("sales/a.xlsx", ROWS)
    assert warnings(warehouse) == ("config/etl_config.yaml:4: no column 'Amounts' in sales/a.xlsx",)
