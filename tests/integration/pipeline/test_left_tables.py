"""Rows in tables that the settings do not name for their files any more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pgdatahub.cli.render import report_json
from pgdatahub.load.known.left_tables import as_json
from pgdatahub.model.results import Outcome
from pgdatahub.model.schema import METADATA_TABLES
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.status import status
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

REF = "m:\n  sheets:\n    Sales: {table: sales}\n    Ref: {table: ref}\n"
REPLACE = "m:\n  on_changed: replace\n"


def _load_two_tables(warehouse: Warehouse, yaml: str = REF) -> None:
    warehouse.configure(yaml)
    warehouse.write_sheets("m/jan.xlsx", {"Sales": [["n"], [1]], "Ref": [["code"], ["x"], ["y"]]})
    warehouse.load()


def _left(warehouse: Warehouse) -> list[tuple[str, int, int]]:
    """Return table, files and rows by ``status``, after a plan and a run gave the same messages."""
    planned, report = plan(warehouse.config), warehouse.run()
    found = status(warehouse.config).left_behind
    told = [text for text in report.warnings if "do not name this table" in text]
    assert told == [one.sentence for one in found]
    assert [text for text in planned.warnings if "do not name this table" in text] == told
    assert all(text in json.loads(report_json(report))["warnings"] for text in told)
    return [(str(one["table"]), int(str(one["files"])), int(str(one["rows"]))) for one in as_json(found)]


@pytest.mark.parametrize(
    ("yaml", "left"),
    [
        ("", [("ref", 1, 2), ("sales", 1, 1)]),  # a folder without sheets: again
        (REF.replace("Ref: {table: ref}", "Ref: {skip: true}"), [("ref", 1, 2)]),
        (REF.replace("table: ref", "table: codes"), [("ref", 1, 2)]),
        (REF.replace("m:\n", "m:\n  on_changed: fail\n").replace("    Ref: {table: ref}\n", ""), [("ref", 1, 2)]),
        ("m:\n  table_per_sheet: true\n", [("ref", 1, 2), ("sales", 1, 1)]),
        (REF, []),
        (REF + "    Later: {table: later, optional: true}\n", []),
    ],
)
def test_rows_in_tables_without_an_entry_are_named(
    warehouse: Warehouse, yaml: str, left: list[tuple[str, int, int]]
) -> None:
    _load_two_tables(warehouse)
    warehouse.configure(yaml)
    assert _left(warehouse) == left
    assert _left(warehouse) == left  # also when every file is skipped


def test_a_skipped_sheet_leaves_its_table_by_sheet(warehouse: Warehouse) -> None:
    _load_two_tables(warehouse, "m:\n  table_per_sheet: true\n")
    assert _left(warehouse) == []
    warehouse.configure('m:\n  table_per_sheet: true\n  sheets:\n    Ref: {skip: true}\n    "*": {}\n')
    assert _left(warehouse) == [("m_ref", 1, 2)]


def test_a_folder_with_another_table_leaves_the_old_one(warehouse: Warehouse) -> None:
    for name in ("a", "b"):
        warehouse.write(f"m/{name}.xlsx", [["n"], [name]])
    warehouse.load()
    warehouse.configure("m: {table: other}\n")
    assert _left(warehouse) == [("m", 2, 2)]
    revert(warehouse.config, UndoRequest(source_file="m/a.xlsx", table="m"))
    assert _left(warehouse) == [("m", 1, 1)]


def test_reload_into_one_table_moves_the_rows_of_sheets(warehouse: Warehouse) -> None:
    _load_two_tables(warehouse)
    warehouse.configure("")
    path = warehouse.root / "m/jan.xlsx"
    planned = plan(warehouse.config, selection=Selection(reload=(path,)))
    report = run(warehouse.config, selection=Selection(reload=(path,)))
    assert report.results[0].outcome is Outcome.LOADED
    assert (warehouse.rows("m"), warehouse.rows("sales"), warehouse.rows("ref")) == ([(1,)], [], [])
    assert not [text for text in (*report.warnings, *planned.warnings) if "do not name" in text]
    assert _left(warehouse) == []


@pytest.mark.parametrize("before", [REF.replace("m:\n", REPLACE), REPLACE + "  table: old\n"])
def test_replace_takes_rows_out_of_tables_left(warehouse: Warehouse, before: str) -> None:
    _load_two_tables(warehouse, before)
    tables = warehouse.tables() - set(METADATA_TABLES)
    warehouse.configure(REPLACE)
    warehouse.write_sheets("m/jan.xlsx", {"Sales": [["n"], [2]]})
    assert _left(warehouse) == []
    assert warehouse.rows("m") == [(2,)]
    assert {table: warehouse.rows(table) for table in tables} == {table: [] for table in tables}
