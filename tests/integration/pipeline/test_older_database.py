"""A database that commit 881e432 loaded: known, readable, exactly undoable, and compared by today's reading rules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.model.results import Outcome, RunReport
from pgdatahub.runs.history import history
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.status import status
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.pipeline.conftest import Warehouse, save_again

LOADED = Path(__file__).parent / "loaded_by_881e432"


@pytest.fixture
def older(warehouse: Warehouse) -> Warehouse:
    """The warehouse as the older version left it."""
    shutil.copytree(LOADED / "data", warehouse.root)
    statements = (LOADED / "database.sql").read_text(encoding="utf-8").replace("{root}", str(warehouse.root))
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(statements.encode())
    return warehouse


def _config(warehouse: Warehouse, **settings: Any) -> Config:
    return load_config(overrides={"database_url": warehouse.url, **settings}, directory=warehouse.directory)


def _outcomes(report: RunReport) -> dict[str, Outcome]:
    return {result.source.name: result.outcome for result in report.results}


def _reason(report: RunReport, name: str) -> str:
    return next(result.reason or "" for result in report.results if result.source.name == name)


def test_older_database_is_known(older: Warehouse) -> None:
    before = older.query("SELECT to_jsonb(t)::text FROM sales t UNION ALL SELECT to_jsonb(p)::text FROM prices p")
    report = older.run()
    assert report.exit_code == 0
    assert set(_outcomes(report).values()) == {Outcome.SKIPPED}
    after = older.query("SELECT to_jsonb(t)::text FROM sales t UNION ALL SELECT to_jsonb(p)::text FROM prices p")
    assert sorted(after) == sorted(before)


def test_older_database_is_verified_by_its_values(older: Warehouse) -> None:
    found = verify(_config(older))
    assert [difference.text for table in found.tables for difference in table.differences] == []
    assert sum(table.same_values + table.as_written for table in found.tables) == 4
    shutil.rmtree(older.root)
    assert verify(_config(older)).exit_code == 0


def test_older_database_can_be_read_without_a_run(older: Warehouse) -> None:
    config = _config(older)
    assert {file.action for table in plan(config).tables for file in table.files} == {"skip"}
    assert sum(table.imports for table in status(config).tables) == 4
    assert len(history(config).entries) > 4
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'etl_imports'"
    assert older.query(columns) == [(18,)]


def test_older_database_equals_a_fresh_load(older: Warehouse) -> None:
    older.run()
    fresh = older.run(schema_name="fresh")
    assert fresh.exit_code == 0
    assert older.columns("sales") == older.columns("sales", schema="fresh")
    assert sorted(older.rows("sales")) == sorted(older.rows("sales", schema="fresh"))
    hashes = (
        "SELECT identity, content_sha256, settings, observed FROM {}.etl_imports WHERE table_name = 'sales' ORDER BY 1"
    )
    assert older.query(hashes.format("public")) == older.query(hashes.format("fresh"))


@pytest.mark.parametrize("run_before", [False, True])
def test_older_import_is_reverted_exactly(run_before: bool, older: Warehouse) -> None:
    if run_before:
        older.run()
    revert(_config(older), UndoRequest(source_file="sales/feb.xlsx", schema=True))
    (older.root / "sales/feb.xlsx").unlink()
    older.run(schema_name="fresh")
    assert older.columns("sales") == older.columns("sales", schema="fresh")
    assert older.rows("sales") == older.rows("sales", schema="fresh")
    revert(_config(older), UndoRequest(source_file="sales/jan.xlsx", schema=True))
    assert "sales" not in older.tables()


def test_run_names_files_that_may_read_differently(older: Warehouse) -> None:
    assert plan(_config(older)).warnings == older.run().warnings
    (warning,) = older.run().warnings
    assert warning.startswith("prices: 1 file was read by older rules")
    assert "prices/brl.xlsx" in warning
    assert "run --reload FILE" in warning
    assert older.query("SELECT identity, reading FROM etl_imports ORDER BY identity") == [
        ("prices/brl.xlsx", 0),
        ("prices/plain.xlsx", 1),
        ("sales/feb.xlsx", 1),
        ("sales/jan.xlsx", 1),
    ]
    found = status(_config(older)).read_by_older_rules
    assert {str(table): files for table, files in found.items()} == {"prices": (1, ["prices/brl.xlsx"])}


def test_reloaded_file_reads_by_the_rules_of_today(older: Warehouse) -> None:
    selection = Selection(reload=(older.root / "prices/brl.xlsx",))
    assert run(_config(older), selection=selection).exit_code == 0
    assert sorted(float(price) for _, price in older.rows("prices")) == [10.5, 99.25, 1500.5]
    assert older.run().warnings == ()


@pytest.mark.parametrize("workers", [1, 2])
def test_copy_is_compared_after_reading_the_original_again(workers: int, older: Warehouse) -> None:
    save_again(older.root / "prices/brl.xlsx", older.root / "prices/copy.xlsx")
    planned = {file.file: file.action for table in plan(_config(older)).tables for file in table.files}
    report = older.run(workers=workers)
    assert planned["prices/copy.xlsx"] == "skip"
    assert _outcomes(report)["copy.xlsx"] is Outcome.SKIPPED
    assert "has the same content as prices/brl.xlsx" in _reason(report, "copy.xlsx")
    assert len(older.rows("prices")) == 3


def test_copy_of_a_file_that_is_gone_is_skipped(older: Warehouse) -> None:
    save_again(older.root / "prices/brl.xlsx", older.root / "prices/copy.xlsx")
    (older.root / "prices/brl.xlsx").unlink()
    report = older.run()
    assert "cannot be read again to compare; run --reload FILE" in _reason(report, "copy.xlsx")
    selection = Selection(reload=(older.root / "prices/copy.xlsx",))
    assert _outcomes(run(_config(older), selection=selection)) == {"copy.xlsx": Outcome.LOADED}


def test_file_saved_again_is_not_added_to_its_older_rows(older: Warehouse) -> None:
    path = older.root / "prices/brl.xlsx"
    save_again(path, path.with_name("kept"))
    path.with_name("kept").rename(path)
    assert _outcomes(older.run())["brl.xlsx"] is Outcome.SKIPPED
    assert run(_config(older), selection=Selection(reload=(path,))).exit_code == 0
    assert sorted(float(price) for _, price in older.rows("prices")) == [10.5, 99.25, 1500.5]


def test_new_file_is_loaded_beside_older_readings(older: Warehouse) -> None:
    older.write("prices/new.xlsx", [["id", "price"], [8, 1.5], [9, 2.5]])
    older.write("prices/longer.xlsx", [["id", "price"], [8, 3.5]])
    outcomes = _outcomes(older.run())
    assert outcomes["new.xlsx"] is outcomes["longer.xlsx"] is Outcome.LOADED
