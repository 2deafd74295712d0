"""A marked copy that was corrected and comes back under another name: the changed version of its origin."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import psycopg
import pytest
from openpyxl.packaging.custom import StringProperty

from pgdatahub.model.results import FileResult, Outcome, RunReport
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.packages.marked_origin import read_origins
from pgdatahub.readers.packages.package import Package
from pgdatahub.runs.plans.plan import plan
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

pytestmark = pytest.mark.integration
BAD: Rows = [["id", "status"], [1, "open"], [2, "Open"], [3, "paid"]]
RULES = "  columns: {status: {values: [open, paid]}}"
FIXED = [("1", "open"), ("2", "open"), ("3", "paid")]


def configure(warehouse: Warehouse, *options: str) -> None:
    lines = "".join(f"  {option}\n" for option in options)
    warehouse.configure(f"report_dir: reports\nsales:\n{lines}{RULES}\n")


def correct(marked: Path, copy: Path) -> None:
    """Correct the faulty cell of a marked copy, delete its list, and save it under another name."""
    workbook = openpyxl.load_workbook(marked)
    workbook["Sheet1"]["B3"] = "open"
    del workbook["pgdatahub faults"]
    workbook.save(copy)


def texts(warehouse: Warehouse) -> list[tuple[str, ...]]:
    return sorted(tuple(map(str, row)) for row in warehouse.rows("sales"))


def by_name(report: RunReport) -> dict[str, FileResult]:
    return {result.source.name: result for result in report.results}


def corrected(warehouse: Warehouse, *options: str) -> RunReport:
    """Load a faulty file, correct its marked copy under another name, and run again."""
    configure(warehouse, *options)
    warehouse.write("sales/w1.xlsx", BAD)
    warehouse.run()
    correct(warehouse.directory / "reports" / "sales" / "w1.xlsx", warehouse.root / "sales" / "w1 corrected.xlsx")
    return warehouse.run()


def test_a_corrected_copy_takes_the_place_of_its_origin(warehouse: Warehouse) -> None:
    report = corrected(warehouse, "on_bad: quarantine")
    result = by_name(report)["w1 corrected.xlsx"]
    assert result.outcome is Outcome.LOADED
    assert "is the changed version of sales/w1.xlsx: its rows take the place of 2 rows" in result.notices
    assert texts(warehouse) == FIXED
    assert warehouse.query("SELECT count(*) FROM etl_quarantine") == [(0,)]
    again = by_name(warehouse.run())
    assert {result.outcome for result in again.values()} == {Outcome.SKIPPED}
    assert str(again["w1.xlsx"].reason).startswith("was corrected by sales/w1 corrected.xlsx (loaded ")
    assert texts(warehouse) == FIXED


def test_the_order_of_origin_and_copy_does_not_matter(warehouse: Warehouse) -> None:
    corrected(warehouse, "on_bad: quarantine")
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(
            "DROP TABLE sales, etl_imports, etl_schema_changes, etl_quarantine, etl_failures, etl_tables"
        )
    first = by_name(warehouse.run())  # the copy is read before its origin
    assert first["w1 corrected.xlsx"].outcome is Outcome.LOADED
    assert (
        "is the changed version of sales/w1.xlsx, which runs skip in its old form" in first["w1 corrected.xlsx"].notices
    )
    assert first["w1.xlsx"].outcome is Outcome.SKIPPED
    assert texts(warehouse) == FIXED


def test_a_failed_origin_is_skipped_once_it_is_corrected(warehouse: Warehouse) -> None:
    report = corrected(warehouse, "on_changed: replace")
    assert by_name(report)["w1 corrected.xlsx"].outcome is Outcome.LOADED
    last = by_name(warehouse.run())["w1.xlsx"]
    assert last.outcome is Outcome.SKIPPED
    assert "was corrected by" in str(last.reason)
    assert warehouse.query("SELECT count(*) FROM etl_failures WHERE cleared_at IS NULL") == [(0,)]


def test_a_new_version_of_the_origin_replaces_the_copy(warehouse: Warehouse) -> None:
    corrected(warehouse, "on_bad: quarantine")
    warehouse.write("sales/w1.xlsx", [["id", "status"], [9, "paid"]])
    warehouse.run()
    assert texts(warehouse) == [("9", "paid")]
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}
    assert texts(warehouse) == [("9", "paid")]


def test_a_second_correction_replaces_the_first(warehouse: Warehouse) -> None:
    corrected(warehouse, "on_bad: quarantine")
    marked = openpyxl.load_workbook(warehouse.directory / "reports" / "sales" / "w1.xlsx")
    marked["Sheet1"]["B3"] = "paid"
    marked.save(warehouse.root / "sales" / "w1 corrected 2.xlsx")
    warehouse.run()
    assert texts(warehouse) == [("1", "open"), ("2", "paid"), ("3", "paid")]
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}


def test_after_a_revert_of_the_copy_its_origin_is_loaded(warehouse: Warehouse) -> None:
    corrected(warehouse, "on_bad: quarantine")
    (warehouse.root / "sales" / "w1 corrected.xlsx").unlink()
    revert(warehouse.config, UndoRequest(source_file="w1 corrected.xlsx"))
    assert texts(warehouse) == []
    assert by_name(warehouse.run())["w1.xlsx"].outcome is Outcome.LOADED
    assert texts(warehouse) == [("1", "open"), ("3", "paid")]


def test_a_keyed_table_loses_the_rows_of_the_origin(warehouse: Warehouse) -> None:
    configure(warehouse, "on_bad: quarantine", "key: id")
    warehouse.write("sales/w1.xlsx", [*BAD, [9, "paid"]])
    warehouse.run()
    marked = openpyxl.load_workbook(warehouse.directory / "reports" / "sales" / "w1.xlsx")
    marked["Sheet1"]["B3"] = "open"
    marked["Sheet1"].delete_rows(5)
    marked.save(warehouse.root / "sales" / "w1 corrected.xlsx")
    warehouse.run()
    assert texts(warehouse) == FIXED
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}


def test_append_adds_the_rows_of_a_corrected_copy(warehouse: Warehouse) -> None:
    result = by_name(corrected(warehouse, "on_bad: quarantine", "on_changed: append"))["w1 corrected.xlsx"]
    assert "is the changed version of sales/w1.xlsx: its rows are added (on_changed: append)" in result.notices
    assert len(texts(warehouse)) == 5


def test_fail_refuses_a_corrected_copy(warehouse: Warehouse) -> None:
    result = by_name(corrected(warehouse, "on_bad: quarantine", "on_changed: fail"))["w1 corrected.xlsx"]
    assert result.failure is not None
    assert "the file is the corrected version of sales/w1.xlsx, which is loaded" in result.failure.message
    assert len(texts(warehouse)) == 2


def test_a_plan_tells_what_the_run_does(warehouse: Warehouse) -> None:
    configure(warehouse, "on_bad: quarantine")
    warehouse.write("sales/w1.xlsx", BAD)
    warehouse.run()
    correct(warehouse.directory / "reports" / "sales" / "w1.xlsx", warehouse.root / "sales" / "w1 corrected.xlsx")
    (planned,) = [one for one in plan(warehouse.config).files if one.file == "sales/w1 corrected.xlsx"]
    assert "is the changed version of sales/w1.xlsx: its rows take the place of 2 rows" in planned.notices


@pytest.mark.parametrize(
    ("claimed", "digest"),
    [("sales/w1.xlsx", "0" * 64), ("other/w1.xlsx", None), ("sales/w2.xlsx", None), ("../../etc/passwd", None)],
)
def test_a_false_origin_touches_no_rows(warehouse: Warehouse, claimed: str, digest: str | None) -> None:
    configure(warehouse, "on_bad: quarantine")
    warehouse.write("sales/w1.xlsx", [["id", "status"], [1, "open"]])
    warehouse.write("other/w1.xlsx", [["id", "status"], [1, "open"]])
    warehouse.run()
    (sha256,) = warehouse.query("SELECT file_sha256 FROM etl_imports WHERE table_name = 'other'")[0]
    hostile = warehouse.write("sales/hostile.xlsx", [["id", "status"], [7, "paid"]])
    workbook = openpyxl.load_workbook(hostile)
    vars(workbook)["custom_doc_props"].append(
        StringProperty(name="pgdatahub origin", value=f"{digest or sha256} 5000 {claimed}")
    )
    workbook.save(hostile)
    assert by_name(warehouse.run())["hostile.xlsx"].outcome is Outcome.LOADED
    assert texts(warehouse) == [("1", "open"), ("7", "paid")]
    assert len(warehouse.rows("other")) == 1


def test_a_copy_of_a_copy_names_all_its_origins(warehouse: Warehouse) -> None:
    configure(warehouse, "on_bad: quarantine")
    warehouse.write("sales/w1.xlsx", BAD)
    warehouse.run()
    shutil.copy(warehouse.directory / "reports" / "sales" / "w1.xlsx", warehouse.root / "sales" / "w1b.xlsx")
    workbook = openpyxl.load_workbook(warehouse.root / "sales" / "w1b.xlsx")
    workbook["Sheet1"]["A4"] = 4
    workbook.save(warehouse.root / "sales" / "w1b.xlsx")
    warehouse.run()
    with (warehouse.directory / "reports" / "sales" / "w1b.xlsx").open("rb") as file:
        found = read_origins(Package(file, DEFAULT_LIMITS))
    assert [one.identity for one in found] == ["sales/w1b.xlsx", "sales/w1.xlsx"]
