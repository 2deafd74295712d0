"""A file that did not load is recorded, shown by status and history, and cleared once the file loads or is gone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter

from pgdatahub.errors import DatabaseError
from pgdatahub.model.failures import FailureRow
from pgdatahub.runs.history import history
from pgdatahub.runs.status import status
from tests.integration.pipeline.conftest import Warehouse, write_workbook
from tests.integration.pipeline.test_faults import xlsx_row, xlsx_text
from tests.unit.readers.xlsx.conftest import make_book

pytestmark = pytest.mark.integration

BAD = (["Item", "Amount"], ["tea", "n/a"], ["mint", 3], ["salt", "?"])
GOOD = (["Item", "Amount"], ["tea", 1], ["mint", 3])
YAML = "sales:\n  columns:\n    Amount: {type: integer}\n"


@pytest.fixture
def warehouse(tmp_path: Path, database_url: str) -> Warehouse:
    """A folder whose column ``Amount`` must hold whole numbers."""
    warehouse = Warehouse(directory=tmp_path, url=database_url)
    warehouse.configure(YAML)
    return warehouse


def standing(warehouse: Warehouse) -> tuple[FailureRow, ...]:
    """Return what status shows."""
    return status(warehouse.config).failures


def recorded(warehouse: Warehouse) -> list[dict[str, Any]]:
    with psycopg.connect(warehouse.url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute("SELECT * FROM etl_failures ORDER BY id").fetchall()


def test_a_failed_file_is_recorded_with_its_cells(warehouse: Warehouse) -> None:
    path = warehouse.write("sales/a.xlsx", BAD)
    report = warehouse.run()
    (row,) = recorded(warehouse)
    assert (row["table_schema"], row["table_name"]) == ("public", "sales")
    assert row["source_file"] == str(path)
    assert row["identity"] == "sales/a.xlsx"
    assert len(row["file_sha256"]) == 64
    assert row["kind"] == "CellError"
    assert row["reason"].startswith('"n/a" is not a valid INTEGER')
    assert row["place"] == "Sheet1 › B2"
    assert row["run_id"] == report.run_id
    assert row["cleared_at"] is None
    assert row["faults"] == [
        {
            "sheet": "Sheet1",
            "column": "amount",
            "header": "Amount",
            "rule": "type",
            "expected": "INTEGER",
            "count": 2,
            "truncated": False,
            "cells": [
                {"cell": "B2", "row": 2, "value": "n/a", "hint": None},
                {"cell": "B4", "row": 4, "value": "?", "hint": None},
            ],
        }
    ]


def test_all_cells_of_a_policy_are_one_fault(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  uncached: fail\n  errors: fail\n")
    path = warehouse.root / "sales/a.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sheet1")
        sheet.write_row(0, 0, ["Item", "Amount"])
        for row in (1, 2, 4):
            sheet.write_formula(row, 1, "=1/0", None, "#DIV/0!")
        sheet.write_row(3, 0, ["x", 1])
    warehouse.run()
    (failure,) = standing(warehouse)
    (fault,) = failure.faults
    assert (fault.rule, fault.column, fault.count, fault.truncated) == ("error", "amount", 3, False)
    assert [cell.cell for cell in fault.cells] == ["B2", "B3", "B5"]
    assert {cell.value for cell in fault.cells} == {"#DIV/0!"}


def test_cells_of_all_sheets_are_faults_also_after_a_header(warehouse: Warehouse) -> None:
    path = warehouse.root / "sales/a.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        first, second = book.add_worksheet("One"), book.add_worksheet("Two")
        first.write_row(1, 0, ["below", "the header"])
        second.write_row(0, 0, ["Item", "Amount"])
        second.write_formula(1, 1, "=1/0", None, "#DIV/0!")
    warehouse.configure('sales:\n  sheet: "*"\n  errors: fail\n  header_row: 1\n')
    warehouse.run()
    (failure,) = standing(warehouse)
    assert failure.kind == "SheetError"
    assert "Two › B2" in failure.reason
    (fault,) = failure.faults
    assert (fault.sheet, fault.column, fault.count, fault.truncated) == ("Two", "amount", 1, False)


def test_faults_of_several_sheets_are_named_up_to_ten(warehouse: Warehouse) -> None:
    warehouse.configure('sales:\n  sheet: "*"\n  columns:\n    Amount: {type: integer}\n')
    rows = [["Amount"], *(["n/a"] for _ in range(20))]
    write_workbook(warehouse.root / "sales/a.xlsx", {"One": rows, "Two": rows})
    warehouse.run()
    (failure,) = standing(warehouse)
    assert failure.reason.count("is not a valid INTEGER") == 10
    assert failure.reason.endswith("; and more")
    assert [(fault.sheet, fault.truncated) for fault in failure.faults] == [("One", True)]


def test_an_invalid_cell_that_is_a_column_is_one_fault(warehouse: Warehouse) -> None:
    path = warehouse.root / "sales/a.xlsx"
    path.parent.mkdir(parents=True)
    rows = xlsx_row(1, "><v>1E400</v>") + xlsx_row(3, xlsx_text("a")) + xlsx_row(4, "><v>1</v>")
    path.write_bytes(make_book(rows).getvalue())
    warehouse.configure("sales:\n  header_row: 3\n  cell_columns: {rate: A1}\n")
    warehouse.run()
    (failure,) = standing(warehouse)
    (fault,) = failure.faults
    assert (fault.rule, fault.column, [(cell.cell, cell.value) for cell in fault.cells]) == (
        "number",
        "rate",
        [("A1", "1E400")],
    )
    assert "also" not in failure.reason


def test_cells_before_damage_may_not_be_all(warehouse: Warehouse) -> None:
    path = warehouse.root / "sales/a.xlsx"
    path.parent.mkdir(parents=True)
    rows = xlsx_row(1, xlsx_text("a")) + xlsx_row(2, "><v>1E400</v>") + xlsx_row(3, "><v>7</v>") * 2
    path.write_bytes(make_book(rows).getvalue())
    warehouse.run()
    (failure,) = standing(warehouse)
    (fault,) = failure.faults
    assert (fault.rule, fault.column, fault.header, fault.truncated) == ("number", "a", "a", True)


def test_a_success_clears_the_failure(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    warehouse.write("sales/a.xlsx", GOOD)
    warehouse.load()
    (row,) = recorded(warehouse)
    assert row["cleared_at"] is not None
    assert standing(warehouse) == ()


def test_a_failure_is_cleared_with_the_import_or_not_at_all(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    warehouse.write("sales/a.xlsx", GOOD)
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF new.identity = 'sales/a.xlsx' THEN RAISE EXCEPTION 'no'; END IF; RETURN new; END $$"
        )
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON etl_imports FOR EACH ROW EXECUTE FUNCTION refuse()")
    warehouse.run()
    (failure,) = standing(warehouse)
    assert "no" in failure.reason


def test_the_same_failure_again_counts_its_attempts(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    first = warehouse.run()
    second = warehouse.run()
    (row,) = recorded(warehouse)
    assert first.run_id != second.run_id == row["run_id"]
    assert row["attempts"] == 2
    assert row["last_failed_at"] > row["failed_at"]


def test_another_failure_of_a_file_clears_the_first(warehouse: Warehouse) -> None:
    path = warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    path.write_bytes(b"not a workbook")
    warehouse.run()
    first, second = recorded(warehouse)
    assert first["cleared_at"] is not None
    assert second["cleared_at"] is None
    assert [one.kind for one in standing(warehouse)] == [second["kind"]] != [first["kind"]]


def test_a_duplicate_in_place_of_a_failed_file_clears_it(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.write("sales/b.xlsx", GOOD)
    warehouse.run()
    assert len(standing(warehouse)) == 1
    shutil.copy(warehouse.root / "sales/b.xlsx", warehouse.root / "sales/a.xlsx")
    warehouse.run()
    assert standing(warehouse) == ()


def test_a_deleted_file_clears_its_failure(warehouse: Warehouse) -> None:
    path = warehouse.write("sales/a.xlsx", BAD)
    warehouse.write("sales/b.xlsx", GOOD)
    warehouse.run()
    path.unlink()
    warehouse.run(warehouse.root / "sales/b.xlsx")
    assert len(standing(warehouse)) == 1, "this run did not look for the file"
    warehouse.run()
    assert standing(warehouse) == ()


def test_an_unmounted_data_root_clears_nothing(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    warehouse.root.rename(warehouse.directory / "away")
    warehouse.run()
    assert len(standing(warehouse)) == 1


def test_another_data_root_clears_nothing_of_the_first(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    write_workbook(tmp_path / "other/stock/a.xlsx", {"Sheet1": GOOD})
    warehouse.run(data_root=str(tmp_path / "other"))
    assert len(standing(warehouse)) == 1


def test_a_dry_run_records_nothing(warehouse: Warehouse) -> None:
    warehouse.write("sales/b.xlsx", GOOD)
    warehouse.run()
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run(skip_db=True)
    assert recorded(warehouse) == []


def test_failures_of_workers_are_recorded(warehouse: Warehouse) -> None:
    for number in range(4):
        rows = (["Item", "Amount"], [f"tea {number}", "n/a" if number % 2 else number])
        warehouse.write(f"sales/{number}.xlsx", rows)
    warehouse.run(workers=2)
    assert sorted(one.identity for one in standing(warehouse)) == ["sales/1.xlsx", "sales/3.xlsx"]
    assert all(one.faults for one in standing(warehouse))


def test_failures_of_folder_transactions_are_recorded(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.write("sales/b.xlsx", GOOD)
    warehouse.run(sectional_commit=True)
    assert [one.identity for one in standing(warehouse)] == ["sales/a.xlsx"]
    warehouse.write("sales/a.xlsx", (["Item", "Amount"], ["rye", 9]))
    warehouse.run(sectional_commit=True)
    assert standing(warehouse) == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_recorded(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    path = warehouse.write("closed/a.xlsx", GOOD).parent
    path.chmod(0)
    try:
        warehouse.run()
        (failure,) = standing(warehouse)
        assert (failure.table, failure.identity) == (None, "closed")
    finally:
        path.chmod(0o700)
    warehouse.run()
    assert standing(warehouse) == ()


def test_a_folder_found_unreadable_is_recorded_and_cleared(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    loop = warehouse.root / "loop"
    loop.symlink_to(loop)
    report = warehouse.run()
    assert report.unreadable
    (failure,) = standing(warehouse)
    assert (failure.table, failure.identity, failure.source_file) == (None, "loop", str(loop))
    loop.unlink()
    warehouse.run()
    assert standing(warehouse) == ()


def test_history_shows_the_failure_after_the_imports(warehouse: Warehouse) -> None:
    warehouse.write("sales/b.xlsx", GOOD)
    warehouse.run()
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    entries = history(warehouse.config).entries
    assert isinstance(entries[-1], FailureRow)
    assert [
        one.identity for one in history(warehouse.config, file="a.xlsx").entries if isinstance(one, FailureRow)
    ] == ["sales/a.xlsx"]
    assert not [one for one in history(warehouse.config, file="b.xlsx").entries if isinstance(one, FailureRow)]


def test_a_table_of_failures_only_is_known_to_history(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    (entry,) = history(warehouse.config, table="sales").entries
    assert isinstance(entry, FailureRow)


def test_a_database_of_an_earlier_version_gets_the_table(warehouse: Warehouse) -> None:
    warehouse.write("sales/b.xlsx", GOOD)
    warehouse.load()
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("DROP TABLE etl_failures")
    assert standing(warehouse) == ()
    assert len(history(warehouse.config).entries) > 0
    warehouse.write("sales/a.xlsx", BAD)
    warehouse.run()
    assert len(standing(warehouse)) == 1


def test_a_table_of_the_user_with_that_name_is_an_error(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE TABLE etl_failures (note text)")
    warehouse.write("sales/b.xlsx", GOOD)
    with pytest.raises(DatabaseError, match="etl_failures is not a table of pgdatahub"):
        warehouse.run()
