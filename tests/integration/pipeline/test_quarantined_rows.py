"""Rows that are set aside, from workbooks to every command that counts, lists, undoes or verifies them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import psycopg
import pytest

from pgdatahub.cli import app
from pgdatahub.load.staging.staged_file import Staging
from pgdatahub.load.transactions import Transactions
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.runs.checks.check import check
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.status import status
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.pipeline.conftest import save_again

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

YAML = (
    "orders:\n  on_bad: quarantine\n  columns: {id: {type: integer, required: true}, status: {values: [open, paid]}}\n"
)
ROWS: list[list[Any]] = [["id", "status"], [1, "open"], [2, "Open"], [None, "paid"], [4, "paid"]]


@pytest.fixture
def loaded(warehouse: Warehouse) -> Warehouse:
    """One file with two good and two bad rows."""
    warehouse.configure(YAML)
    warehouse.write("orders/w1.xlsx", ROWS)
    warehouse.load()
    return warehouse


def execute(warehouse: Warehouse, *statements: str) -> None:
    with psycopg.connect(warehouse.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def aside(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.query("SELECT import_id, row_number, cells FROM etl_quarantine ORDER BY 1, 2")


def test_each_command_counts_rows_set_aside(loaded: Warehouse) -> None:
    assert loaded.rows("orders") == [(1, "open"), (4, "paid")]
    assert aside(loaded) == [(1, 3, {"id": "2", "status": "Open"}), (1, 4, {"status": "paid"})]
    (table,) = status(loaded.config).tables
    assert (table.rows, table.quarantined) == (2, 2)
    verification = verify(loaded.config)
    assert [(one.rows, one.differences) for one in verification.tables] == [(2, ())]
    (result,) = loaded.run().results
    assert result.reason is not None
    assert result.reason.endswith("; 2 of its rows are in quarantine")


def test_plan_and_check_foretell_rows_and_faults(warehouse: Warehouse) -> None:
    warehouse.configure(YAML)
    path = warehouse.write("orders/w1.xlsx", ROWS)
    (file,) = plan(warehouse.config).files
    (checked,) = check(warehouse.config, [path])
    (result,) = warehouse.load().results
    assert (file.rows, file.quarantined, file.faults) == (result.rows, result.quarantined, result.faults)
    assert (checked.verdict, checked.bad_rows, checked.faults) == ("quarantine", 2, result.faults)
    assert checked.has_faults


def test_a_revert_takes_the_rows_set_aside(loaded: Warehouse) -> None:
    result = revert(loaded.config, UndoRequest(import_id=1, schema=True))
    assert result.done
    assert aside(loaded) == []
    loaded.load()
    assert [(row[0], row[1]) for row in aside(loaded)] == [(2, 3), (2, 4)]


def test_a_hold_takes_the_rows_set_aside(loaded: Warehouse) -> None:
    revert(loaded.config, UndoRequest(import_id=1, hold=True))
    assert aside(loaded) == []


def test_a_reload_replaces_the_rows_set_aside(loaded: Warehouse) -> None:
    loaded.configure(YAML.replace("[open, paid]", "[open, paid, Open]"))

    run(loaded.config, selection=Selection(reload=(loaded.root / "orders",)))
    assert loaded.rows("orders") == [(1, "open"), (2, "Open"), (4, "paid")]
    assert [row[:2] for row in aside(loaded)] == [(2, 4)]


def test_a_corrected_file_leaves_nothing_aside(loaded: Warehouse) -> None:  # 36
    loaded.write("orders/w1.xlsx", [["id", "status"], [1, "open"], [2, "open"], [3, "paid"], [4, "paid"]])
    loaded.load()
    assert loaded.rows("orders") == [(1, "open"), (2, "open"), (3, "paid"), (4, "paid")]
    assert aside(loaded) == []
    assert loaded.query("SELECT status, row_count, quarantined FROM etl_imports ORDER BY id") == [
        ("superseded", 2, 2),
        ("loaded", 4, 0),
    ]
    assert [table.differences for table in verify(loaded.config).tables] == [()]


def test_the_same_content_saved_again_is_skipped(loaded: Warehouse) -> None:  # 35
    save_again(loaded.root / "orders" / "w1.xlsx", loaded.root / "orders" / "w2.xlsx")
    results = {result.source.identity: result for result in loaded.run().results}
    assert results["orders/w2.xlsx"].outcome is Outcome.SKIPPED
    assert "same content" in (results["orders/w2.xlsx"].reason or "")


def test_a_changed_history_setting_is_told(loaded: Warehouse) -> None:
    loaded.configure(YAML.replace("on_bad: quarantine", "on_bad: blank").replace("required: true", "required: false"))
    (result,) = loaded.run().results
    assert "loaded with other settings" in (result.reason or "")


def test_verify_finds_rows_deleted_from_the_quarantine(loaded: Warehouse) -> None:
    loaded.query("DELETE FROM etl_quarantine WHERE row_number = 3 RETURNING 1")
    (table,) = verify(loaded.config).tables
    assert [one.text for one in table.differences] == ["rows set aside in etl_quarantine: 1, and 2 at its load"]
    assert revert(loaded.config, UndoRequest(import_id=1)).done


def test_verify_compares_values_with_rows_set_aside(loaded: Warehouse) -> None:
    execute(
        loaded,
        "ALTER TABLE orders ALTER id TYPE bigint",
        "ALTER TABLE orders ALTER id TYPE integer",
        "UPDATE orders SET id = id",
    )
    (table,) = verify(loaded.config, every_value=True).tables
    assert table.same_values + table.same_file == 1
    assert not table.differences


def test_a_lost_history_gives_no_old_rows_to_new_imports(loaded: Warehouse) -> None:  # 40
    execute(loaded, "DROP TABLE etl_imports, etl_schema_changes, etl_failures, orders")
    loaded.write("orders/w1.xlsx", [["id", "status"], [9, "open"]])
    loaded.load()
    assert loaded.query("SELECT id FROM etl_imports") == [(2,)]
    checks = {str(one.table): [found.import_id for found in one.differences] for one in verify(loaded.config).tables}
    assert checks == {"orders": [], "etl_quarantine": [1]}


def test_a_folder_may_not_be_the_quarantine(warehouse: Warehouse) -> None:  # 39
    warehouse.write("etl_quarantine/a.xlsx", [["a"], [1]])
    failure = warehouse.fail().failure
    assert failure is not None
    assert "that name for the history of the loads" in failure.message


def test_a_large_file_is_set_aside_while_it_is_read(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgdatahub.runs.workers.pool_choice.EAGER_BYTES", 100_000)
    tried: list[bool] = []
    load = Transactions.load_while_reading

    def watched(self: Transactions, staging: Staging) -> FileResult | None:
        result = load(self, staging)
        tried.append(result is not None)
        return result

    monkeypatch.setattr(Transactions, "load_while_reading", watched)
    warehouse.configure("orders:\n  on_bad: quarantine\n  columns: {id: {type: integer, unique: true}}\n")
    rows: list[list[Any]] = [[number, "text" * 50] for number in range(6000)]
    rows[100][0] = rows[5000][0] = "x"
    warehouse.write("orders/w1.xlsx", [["id", "t"], *rows])
    warehouse.load(workers=1, chunk_size=500)
    assert warehouse.query("SELECT count(*), max(id) FROM orders") == [(5998, 5999)]
    assert [row[1] for row in aside(warehouse)] == [102, 5002]
    rows[7][0] = 3
    warehouse.write("orders/w2.xlsx", [["id", "t"], *rows])
    warehouse.run(workers=1, chunk_size=500)
    assert [row[1] for row in aside(warehouse) if row[0] == 2] == [5, 9, 102, 5002]
    assert tried == [True, False]  # equal values are found at the end, and the file is read again


def test_a_fault_ends_the_load_of_a_large_file_at_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgdatahub.runs.workers.pool_choice.EAGER_BYTES", 100_000)
    readings: list[int] = []
    load = Transactions.load_while_reading

    def watched(self: Transactions, staging: Staging) -> FileResult | None:
        result = load(self, staging)
        readings.append(staging.readings)
        assert not staging.ended
        return result

    monkeypatch.setattr(Transactions, "load_while_reading", watched)
    warehouse.configure("orders:\n  columns: {id: {type: integer, min: 0}}\n")
    rows: list[list[Any]] = [[number, "text" * 50] for number in range(6000)]
    rows[1000][0], rows[5900][0] = -1, "x"
    warehouse.write("orders/w1.xlsx", [["id", "t"], *rows])
    failure = warehouse.fail(workers=1, chunk_size=500).failure
    assert failure is not None
    assert [fault.cells[0].cell for fault in failure.faults] == ["A1002", "A5902"]
    assert (readings, warehouse.tables() & {"orders"}) == ([2], set())


def console(loaded: Warehouse, monkeypatch: pytest.MonkeyPatch, *arguments: str, command: str = "quarantine") -> int:
    monkeypatch.chdir(loaded.directory)
    monkeypatch.setenv("DATABASE_URL", loaded.url)
    monkeypatch.setattr("sys.argv", ["pgdatahub", command, *arguments])
    with pytest.raises(SystemExit) as end:
        app.main()
    return int(end.value.code or 0)


def test_check_tells_an_unknown_file_from_a_clean_one(
    loaded: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.write("orders/clean.xlsx", [["id", "status"], [7, "paid"]])
    loaded.write("orders/copy.xlsx", [["id", "status"], [7, "paid"]])
    (loaded.directory / "data/orders/bad.xlsx").write_bytes(b"no workbook")
    loaded.run()
    for known in ("clean.xlsx", "./orders/clean.xlsx", "copy.xlsx", "bad.xlsx"):
        assert console(loaded, monkeypatch, "--check", "--file", known) == 0, known
    assert console(loaded, monkeypatch, "--check", "--file", "orders/w1.xlsx") == 1
    capsys.readouterr()
    for unknown in (("--file", "w9.xlsx"), ("--file", "lean.xlsx"), ("--import-id", "99"), ("--table", "w9")):
        assert console(loaded, monkeypatch, "--check", *unknown) == 2, unknown
        assert f"the history knows no {unknown[0].removeprefix('--').removesuffix('-id')} " in capsys.readouterr().err


@pytest.mark.parametrize("name", [("--file", "w1.xlsx"), ("--table", "orders"), ("--import-id", "1")])
def test_check_without_a_history_knows_no_name(
    name: tuple[str, str], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console(warehouse, monkeypatch, "--check") == 0
    assert console(warehouse, monkeypatch, "--check", *name) == 2
    assert "nothing was loaded yet" in capsys.readouterr().err


def test_quarantine_lists_and_exports_rows(
    loaded: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console(loaded, monkeypatch, "--table", "orders") == 0
    assert "Sheet1 › row 3 set aside (B3 values)" in capsys.readouterr().out
    assert console(loaded, monkeypatch, "--check") == 1
    capsys.readouterr()
    assert console(loaded, monkeypatch, "--format", "json", "--file", "w1.xlsx") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["row"], row["cells"], row["kinds"]) for row in rows] == [
        (3, {"id": "2", "status": "Open"}, "ix"),
        (4, {"status": "paid"}, "x"),
    ]
    expected = [
        ["table", "file", "sheet", "row", "action", "faults", "id", "status"],
        ["orders", "orders/w1.xlsx", "Sheet1", "3", "row", "B3 values", "2", "Open"],
        ["orders", "orders/w1.xlsx", "Sheet1", "4", "row", "A4 required", "", "paid"],
    ]
    for name in ("a.csv", "a.xlsx"):
        assert console(loaded, monkeypatch, "--format", name[2:], "-o", name) == 0
        assert console(loaded, monkeypatch, "--format", name[2:], "-o", name) == 2  # the file exists
    with Path("a.csv").open(newline="") as file:
        assert list(csv.reader(file)) == expected
    sheet = openpyxl.load_workbook("a.xlsx").worksheets[0]
    assert [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)] == expected


def test_a_run_counts_rows_set_aside_and_emptied_cells(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    column = "columns: {a: {type: integer}}"
    warehouse.configure(f"q: {{on_bad: quarantine, {column}}}\nb: {{on_bad: blank, {column}}}\n")
    for folder in ("q", "b"):
        warehouse.write(f"{folder}/a.xlsx", [["a", "b"], [1, 1], ["x", 2], [3, 3]])
    assert console(warehouse, monkeypatch, command="run") == 0
    told = capsys.readouterr().out
    assert "2 files loaded, 5 rows, 1 row set aside, 1 cell emptied (pgdatahub quarantine lists them) in" in told


@pytest.mark.parametrize(
    ("on_bad", "skip", "past", "undone"),
    [
        ("quarantine", "2 of its rows are in quarantine", "2 rows, 2 set aside", "2 rows, and 2 in quarantine"),
        (
            "blank",
            "1 of its cells is in quarantine",
            "4 rows, 1 cell emptied",
            "4 rows, and 1 emptied cell in quarantine",
        ),
    ],
)
def test_skips_history_and_undo_tell_of_the_quarantine(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    on_bad: str,
    skip: str,
    past: str,
    undone: str,
) -> None:
    rules = "id: {required: true}, " if on_bad == "quarantine" else ""
    warehouse.configure(f"orders: {{on_bad: {on_bad}, columns: {{{rules}status: {{values: [open, paid]}}}}}}\n")
    first = warehouse.write("orders/a.xlsx", ROWS)
    first.with_name("b.xlsx").write_bytes(first.read_bytes())
    planned = {file.file: file.reason for file in plan(warehouse.config).files}
    assert planned["orders/b.xlsx"] == f"is the same file as orders/a.xlsx; {skip}"
    reasons = {result.source.name: result.reason or "" for result in warehouse.run().results}
    assert reasons["b.xlsx"].endswith(f"; {skip}")
    for command, told in (("history", past), ("revert", undone)):
        arguments = ["--import-id", "1", "--dry-run"] if command == "revert" else []
        console(warehouse, monkeypatch, *arguments, command=command)
        assert f"orders/a.xlsx → orders: {told}" in capsys.readouterr().out


def test_status_and_history_name_the_cells_of_a_failure(
    loaded: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.write("orders/w2.xlsx", [["id", "status"], [1, "Paid"], ["x", "paid"]])
    loaded.configure(YAML.replace("quarantine", "fail"))
    loaded.run()
    for command in ("status", "history"):
        console(loaded, monkeypatch, command=command)
        told = capsys.readouterr().out
        assert 'status (values): 1 cell is not one of open, paid: Sheet1 › B2 "Paid" (did you mean paid?)' in told
        assert 'id (type): 1 cell is not a valid INTEGER: Sheet1 › A3 "x"' in told
    loaded.write("orders/w2.xlsx", [["id", "status"], [8, "paid"]])
    loaded.run()
    console(loaded, monkeypatch, command="history")
    assert "status (values)" not in capsys.readouterr().out


def test_an_export_that_a_workbook_cannot_hold_is_refused(
    loaded: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console(loaded, monkeypatch, "--format", "xlsx", "-o", "nowhere/a.xlsx") == 2
    assert "nowhere/a.xlsx: the file cannot be written: No such file or directory" in capsys.readouterr().err
    execute(
        loaded, "UPDATE etl_quarantine SET cells = jsonb_build_object('id', repeat('x', 32768)) WHERE row_number = 4"
    )
    assert console(loaded, monkeypatch, "--format", "xlsx", "-o", "a.xlsx") == 2
    assert "a workbook cannot hold row 3: it has a text of more than 32,767 characters" in capsys.readouterr().err
    assert not Path("a.xlsx").exists()
    assert console(loaded, monkeypatch, "--format", "csv", "-o", "a.csv") == 0
    assert "x" * 32768 in Path("a.csv").read_text()


def test_quarantine_refuses_a_table_that_is_not_known(
    loaded: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console(loaded, monkeypatch, "--table", "ordres", "--check") == 2
    assert "the history knows no table 'ordres' (did you mean orders?)" in capsys.readouterr().err


def test_cells_are_listed_in_the_order_of_the_sheet(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse.configure(
        "orders:\n  on_bad: quarantine\n  max_bad: 100%\n  sheet_column: sheet\n  columns: {zz: {type: integer}}\n"
    )
    warehouse.write("orders/w1.xlsx", [["zz", "long name", None, "b"], ["y", None, None, 2], ["x", 1.5, True, "c"]])
    warehouse.load()
    console(warehouse, monkeypatch)
    assert "(A3 type): zz: x; long_name: 1.5; column_3: true; b: c\n" in capsys.readouterr().out
    console(warehouse, monkeypatch, "--format", "json")
    rows = json.loads(capsys.readouterr().out)
    assert [(list(row["cells"]), row["kinds"]) for row in rows] == [
        (["zz", "b"], "xi"),
        (["zz", "long_name", "column_3", "b"], "xnbx"),
    ]
    console(warehouse, monkeypatch, "--format", "csv")
    assert capsys.readouterr().out.startswith("table,file,sheet,row,action,faults,zz,long_name,column_3,b\n")


def test_rows_of_a_keyed_table_are_set_aside_and_replaced(warehouse: Warehouse) -> None:
    warehouse.configure(
        "orders:\n  key: id\n  on_bad: quarantine\n  columns: {id: {type: integer}, status: {values: [open, paid]}}\n"
    )
    warehouse.write("orders/w1.xlsx", [["id", "status"], [1, "open"], [2, "Open"], [3, "paid"]])
    warehouse.load()
    warehouse.write("orders/w2.xlsx", [["id", "status"], [1, "paid"], [3, "x"]])
    warehouse.run()
    assert sorted(warehouse.rows("orders")) == [(1, "paid"), (3, "paid")]
    assert [(row[0], row[1]) for row in aside(warehouse)] == [(1, 3), (2, 3)]
    assert all(not table.differences for table in verify(warehouse.config).tables)
    revert(warehouse.config, UndoRequest(import_id=2))
    assert sorted(warehouse.rows("orders")) == [(1, "open"), (3, "paid")]
    assert [row[0] for row in aside(warehouse)] == [1]
