"""Marked copies of a run's files in report_dir, and what becomes of a copy that comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from pgdatahub.cli.render import report_json
from pgdatahub.errors import ConfigError
from pgdatahub.model.results import Outcome

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

pytestmark = pytest.mark.integration
BAD: Rows = [["id", "status"], [1, "open"], [2, "Open"], [3, "paid"]]
RULES = "columns: {status: {values: [open, paid]}}"


def coloured(path: Path) -> list[str]:
    sheet = openpyxl.load_workbook(path)["Sheet1"]
    return [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.fill.fill_type == "solid"]


def configure(warehouse: Warehouse, *options: str) -> None:
    folders = "".join(f"{policy}:\n  on_bad: {policy}\n  {RULES}\n" for policy in ("fail", "quarantine", "blank"))
    warehouse.configure("\n".join(("report_dir: reports", *options, folders)))


def test_a_run_marks_failed_quarantined_and_blanked_files(warehouse: Warehouse) -> None:
    configure(warehouse)
    for policy in ("fail", "quarantine", "blank", "free"):
        warehouse.write(f"{policy}/2025/w1.xlsx", BAD)
    report = warehouse.run()
    reports = warehouse.directory / "reports"
    found = {path.relative_to(reports).as_posix(): coloured(path) for path in reports.rglob("*.*")}
    assert found == {f"{policy}/2025/w1.xlsx": ["B3"] for policy in ("fail", "quarantine", "blank")}
    assert json.loads(report_json(report))["marked"] == {name: str(reports / name) for name in found}
    assert report.warnings == ()


def test_a_dry_run_marks_nothing(warehouse: Warehouse) -> None:
    configure(warehouse)
    warehouse.write("fail/w1.xlsx", BAD)
    warehouse.run(skip_db=True)
    assert not (warehouse.directory / "reports").exists()


@pytest.mark.parametrize("place", ["data", "data/reports", "linked"])
def test_report_dir_in_the_data_root_is_refused(warehouse: Warehouse, place: str) -> None:
    warehouse.root.mkdir()
    (warehouse.directory / "linked").symlink_to(warehouse.root)
    warehouse.configure(f"sales:\n  report_dir: {place}")
    with pytest.raises(ConfigError, match=f"report_dir {place} is in the data root") as error:
        _ = warehouse.config
    assert error.value.where == "config/etl_config.yaml:1"


def test_a_copy_that_cannot_be_written_is_a_warning(warehouse: Warehouse) -> None:
    configure(warehouse)
    warehouse.write("quarantine/w1.xlsx", BAD)
    warehouse.write("quarantine/w2.xlsx", [*BAD, [4, "open"]])
    (warehouse.directory / "reports").write_text("a file, not a folder")
    report = warehouse.run()
    assert {result.outcome for result in report.results} == {Outcome.LOADED}
    assert report.exit_code == 0
    (warning,) = [text for text in report.warnings if "marked" in text]
    assert warning.startswith("2 marked copies are not written: quarantine/w1.xlsx, quarantine/w2.xlsx (")


@pytest.mark.parametrize("policy", ["quarantine", "fail"])
def test_an_unchanged_copy_has_the_content_of_its_origin(warehouse: Warehouse, policy: str) -> None:  # 37
    configure(warehouse)
    warehouse.write(f"{policy}/w1.xlsx", BAD)
    (before,) = warehouse.run().results
    shutil.copy(warehouse.directory / "reports" / policy / "w1.xlsx", warehouse.root / policy / "marked.xlsx")
    results = {result.source.name: result for result in warehouse.run().results}
    copy = results["marked.xlsx"]
    if policy == "quarantine":
        assert copy.outcome is Outcome.SKIPPED
        assert copy.reason is not None
        assert "has the same content as" in copy.reason
    else:
        assert copy.failure is not None
        assert before.failure is not None
        assert copy.failure.faults == before.failure.faults
