"""A history that is lost, moved or partly gone stops the files of its tables; ``run --adopt`` rebuilds it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from pgdatahub.config import load_config
from pgdatahub.model.events import Notice
from pgdatahub.model.results import Outcome, RunReport
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import run
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.pipeline.conftest import Warehouse

JAN: list[list[object]] = [["id", "amount", "note"], [1, 10, "a"], [2, 2.5, "b"], [2, 2.5, "b"]]
FEB: list[list[object]] = [["id", "amount", "extra"], [3, 7, 1], [4, "n/a", None]]


def _fill(warehouse: Warehouse) -> None:
    warehouse.write("sales/jan.xlsx", JAN)
    warehouse.write("sales/feb.xlsx", FEB)
    warehouse.write("stock/one.xlsx", [["id"], [1]])
    warehouse.load()


def _execute(warehouse: Warehouse, *statements: str) -> None:
    import psycopg

    with psycopg.connect(warehouse.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _adopt(warehouse: Warehouse, **settings: Any) -> RunReport:
    config = load_config(overrides={"database_url": warehouse.url, **settings}, directory=warehouse.directory)
    warehouse.events.clear()
    return run(config, adopt=True, reporter=warehouse.events.append)


def _failures(report: RunReport) -> dict[str, str]:
    return {result.source.identity: result.failure.kind for result in report.results if result.failure}


def _dump(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    query = "SELECT to_jsonb(t)::text FROM sales t ORDER BY 1"
    return warehouse.query(query)


LOSSES: dict[str, Callable[[Warehouse], None]] = {
    "dropped": lambda warehouse: _execute(warehouse, "DROP TABLE etl_imports"),
    "both dropped": lambda warehouse: _execute(warehouse, "DROP TABLE etl_imports, etl_schema_changes"),
    "emptied": lambda warehouse: _execute(warehouse, "TRUNCATE etl_imports"),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=list(LOSSES))
@pytest.mark.parametrize("settings", [{"workers": 1}, {"workers": 2}, {"sectional_commit": True}], ids=str)
def test_lost_history_stops_files(
    loss: Callable[[Warehouse], None], settings: dict[str, Any], warehouse: Warehouse
) -> None:
    _fill(warehouse)
    before = _dump(warehouse)
    loss(warehouse)
    warehouse.write("sales/mar.xlsx", [["id"], [9]])
    warehouse.write("new/one.xlsx", [["id"], [1]])
    report = warehouse.run(**settings)
    assert report.exit_code == 1
    assert set(_failures(report)) == {"sales/jan.xlsx", "sales/feb.xlsx", "sales/mar.xlsx", "stock/one.xlsx"}
    assert set(_failures(report).values()) == {"HistoryLostError"}
    assert _dump(warehouse) == before
    assert warehouse.rows("new") == [(1,)]
    failure = next(result.failure for result in report.results if result.failure)
    assert "run --adopt" in (failure.hint or "")


def test_other_history_schema_stops_files(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  schema: public\n")
    warehouse.write("sales/jan.xlsx", JAN)
    warehouse.load()
    report = warehouse.run(schema_name="other")
    assert _failures(report) == {"sales/jan.xlsx": "HistoryLostError"}
    assert len(warehouse.rows("sales")) == 3


def test_plan_tells_what_a_lost_history_stops(warehouse: Warehouse) -> None:
    _fill(warehouse)
    _execute(warehouse, "DROP TABLE etl_imports")
    config = load_config(overrides={"database_url": warehouse.url}, directory=warehouse.directory)
    files = [file for table in plan(config).tables for file in table.files]
    assert {file.action for file in files} == {"fail"}
    assert {file.failure.kind for file in files if file.failure} == {"HistoryLostError"}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=list(LOSSES))
def test_adopted_history_is_the_one_that_was_lost(loss: Callable[[Warehouse], None], warehouse: Warehouse) -> None:
    _fill(warehouse)
    columns = (
        "table_name, source_file, identity, file_sha256, content_sha256, settings, sheets, bytes, row_count, "
        "imported_at, counts, status, observed::text"
    )
    query = f"SELECT {columns} FROM etl_imports ORDER BY imported_at"
    before, rows = warehouse.query(query), _dump(warehouse)
    loss(warehouse)
    report = _adopt(warehouse)
    assert report.exit_code == 0
    assert {result.outcome for result in report.results} == {Outcome.SKIPPED}
    assert warehouse.query(query) == before
    assert _dump(warehouse) == rows
    assert warehouse.run().exit_code == 0
    assert _dump(warehouse) == rows


def test_adopted_import_is_reverted_exactly(warehouse: Warehouse) -> None:
    _fill(warehouse)
    _execute(warehouse, "DROP TABLE etl_imports, etl_schema_changes")
    _adopt(warehouse)
    config = load_config(overrides={"database_url": warehouse.url}, directory=warehouse.directory)
    for file in ("feb.xlsx", "jan.xlsx"):
        revert(config, UndoRequest(source_file=f"sales/{file}", schema=True))
        if file == "feb.xlsx":
            assert warehouse.columns("sales")["amount"] == "double precision"
            assert "extra" not in warehouse.columns("sales")
    assert "sales" not in warehouse.tables()


def test_own_table_is_never_adopted_as_made_by_pgdatahub(warehouse: Warehouse) -> None:
    _execute(warehouse, "CREATE TABLE sales (id integer, amount text, own text DEFAULT 'x')")
    warehouse.write("sales/jan.xlsx", JAN)
    warehouse.load()
    _execute(warehouse, "DROP TABLE etl_imports, etl_schema_changes")
    report = _adopt(warehouse)
    assert report.exit_code == 0
    config = load_config(overrides={"database_url": warehouse.url}, directory=warehouse.directory)
    revert(config, UndoRequest(source_file="sales/jan.xlsx", schema=True))
    assert {"id", "amount", "own"} <= set(warehouse.columns("sales"))
    assert "note" not in warehouse.columns("sales")


def test_file_that_changed_is_not_adopted(warehouse: Warehouse) -> None:
    _fill(warehouse)
    _execute(warehouse, "TRUNCATE etl_imports")
    warehouse.write("sales/feb.xlsx", [FEB[0], [3, 8, 1], FEB[2]])
    report = _adopt(warehouse)
    assert _failures(report) == {"sales/feb.xlsx": "HistoryLostError"}
    said = [event.text for event in warehouse.events if isinstance(event, Notice)]
    assert any("feb.xlsx" in text and "other values" in text for text in said)
    assert len(warehouse.rows("sales")) == 5


def test_moved_data_root_is_adopted(warehouse: Warehouse) -> None:
    _fill(warehouse)
    _execute(warehouse, "TRUNCATE etl_imports")
    moved = warehouse.directory / "elsewhere"
    shutil.move(warehouse.root, moved)
    report = _adopt(warehouse, data_root=str(moved))
    assert report.exit_code == 0
    assert warehouse.query("SELECT count(*) FROM etl_imports WHERE status = 'loaded'") == [(3,)]
    assert warehouse.run(data_root=str(moved)).exit_code == 0
    assert len(warehouse.rows("sales")) == 5


@pytest.mark.parametrize("number", [1, 2, 3], ids=["first", "middle", "last"])
def test_partly_lost_history_stops_the_file_that_would_double(number: int, warehouse: Warehouse) -> None:
    for name in ("f1", "f2", "f3"):
        warehouse.write(f"t/{name}.xlsx", [["name"], [name], [name]])
    warehouse.load()
    _execute(warehouse, f"DELETE FROM etl_imports WHERE identity = 't/f{number}.xlsx'")
    warehouse.write("t/f4.xlsx", [["name"], ["f4"]])
    report = warehouse.run()
    assert _failures(report) == {f"t/f{number}.xlsx": "HistoryLostError"}
    assert warehouse.query("SELECT count(*) FROM t") == [(7,)]
    assert _adopt(warehouse).exit_code == 0
    assert warehouse.query("SELECT count(*) FROM t") == [(7,)]


def test_doubled_rows_are_adopted_once(warehouse: Warehouse) -> None:
    warehouse.write("t/a.xlsx", [["name"], ["a"]])
    warehouse.load()
    _execute(
        warehouse,
        "INSERT INTO t SELECT name, source_file, load_timestamp + interval '1 day' FROM t",
        "TRUNCATE etl_imports",
    )
    _adopt(warehouse)
    assert warehouse.query("SELECT count(*) FROM etl_imports") == [(1,)]


def test_own_rows_without_lineage_are_no_obstacle(warehouse: Warehouse) -> None:
    _execute(
        warehouse,
        "CREATE TABLE t (name text, source_file text, load_timestamp timestamp)",
        "INSERT INTO t VALUES ('mine', NULL, NULL), ('mine', 'x', NULL)",
    )
    warehouse.write("t/a.xlsx", [["name"], ["a"]])
    warehouse.load()
    warehouse.write("t/b.xlsx", [["name"], ["b"]])
    assert warehouse.run().exit_code == 0
    assert warehouse.query("SELECT count(*) FROM t") == [(4,)]


def test_rows_of_large_tables_are_found_by_their_ends(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgdatahub.postgres.proofs.unknown_rows.WHOLE_BYTES", 0)
    for name in ("f1", "f2"):
        warehouse.write(f"t/{name}.xlsx", [["name"], [name]])
    warehouse.load()
    warehouse.write("t/f3.xlsx", [["name"], ["f3"]])
    assert warehouse.run(workers=1).exit_code == 0
    _execute(warehouse, "DELETE FROM etl_imports WHERE identity = 't/f3.xlsx'")
    assert _failures(warehouse.run(workers=1)) == {"t/f3.xlsx": "HistoryLostError"}
