"""A plan of real workbooks: what a run would do, with the cells that decide, and not a trace of it in the database."""

from __future__ import annotations

import json
import pickle
from io import StringIO
from typing import Any

import psycopg

from pgdatahub.cli.plan import plan_json, print_plan
from pgdatahub.config import load_config
from pgdatahub.errors import ExitCode
from pgdatahub.runs.files.selection import Selection
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.plans.result import FilePlan, RunPlan
from tests.integration.pipeline.conftest import Warehouse


def planned(warehouse: Warehouse, selection: Selection | None = None, **settings: Any) -> RunPlan:
    config = load_config(overrides={"database_url": warehouse.url, **settings}, directory=warehouse.directory)
    found = plan(config, selection=selection)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - what was just made
    json.loads(plan_json(found))
    return found


def actions(found: RunPlan) -> dict[str, str]:
    return {file.file: file.action for file in found.files}


def the_file(found: RunPlan, name: str) -> FilePlan:
    return next(file for file in found.files if file.file == name)


def printed(found: RunPlan) -> str:
    from rich.console import Console

    text = StringIO()
    print_plan(found, Console(file=text, width=200, highlight=False))
    return text.getvalue()


def test_a_plan_writes_nothing_at_all(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", [["id"], [1]])
    found = planned(warehouse)
    assert actions(found) == {"sales/a.xlsx": "load"}
    assert found.changes_schema
    assert warehouse.tables() == set()


def test_a_type_change_names_the_deciding_cell(warehouse: Warehouse) -> None:
    warehouse.write("sales/2024-02.xlsx", [["id", "amount"], *([number, number] for number in range(5))])
    warehouse.load()
    rows: list[list[object]] = [[number, number] for number in range(100)]
    rows[15][1] = rows[40][1] = "n/a"
    warehouse.write("sales/2024-03.xlsx", [["id", "amount"], *rows])
    found = planned(warehouse)
    (change,) = the_file(found, "sales/2024-03.xlsx").changes
    assert (change.kind, change.column, change.old, change.new) == ("alter_type", "amount", "INTEGER", "TEXT")
    assert change.because == '2024-03.xlsx › Sheet1!B17 is "n/a" (2 of 100 values)'
    (table,) = found.tables
    assert (table.rewritten, table.rows) == (1, 100)
    assert table.bytes > 0
    (statement,) = the_file(found, "sales/2024-03.xlsx").statements
    assert statement.startswith('ALTER TABLE "public"."sales" ALTER COLUMN "amount" TYPE text USING')
    text = printed(found)
    assert 'amount: INTEGER → TEXT because 2024-03.xlsx › Sheet1!B17 is "n/a" (2 of 100 values)' in text
    assert "is rewritten once" in text
    assert "nothing to do" not in text


def test_each_file_finds_the_table_as_those_before_it_leave_it(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", [["n", "e"], [1, None]])
    warehouse.write("sales/b.xlsx", [["n", "e"], [0.5, 3]])
    warehouse.write("sales/c.xlsx", [["n", "f"], [2**40, True]])
    found = planned(warehouse)
    assert [[(change.kind, change.column, change.new) for change in file.changes] for file in found.files[1:]] == [
        [("alter_type", "n", "DOUBLE PRECISION"), ("alter_type", "e", "INTEGER")],
        [("add_column", "f", "BOOLEAN")],
    ]
    (table,) = found.tables
    warehouse.load()
    assert warehouse.columns("sales") == {column.name: column.type for column in table.columns}
    again = planned(warehouse)
    assert not again.changes_schema
    assert set(actions(again).values()) == {"skip"}
    assert "nothing to do for 3 files of sales" in printed(again)


def test_copies_and_resaved_files_are_told_apart_within_the_plan(warehouse: Warehouse) -> None:
    first = warehouse.write("sales/a.xlsx", [["n"], [1]])
    (warehouse.root / "sales" / "b.xlsx").write_bytes(first.read_bytes())
    warehouse.write_sheets("sales/c.xlsx", {"Sheet1": [["n"], [1]], "Other": [["x"]]})
    found = planned(warehouse)
    assert the_file(found, "sales/b.xlsx").reason == "is the same file as sales/a.xlsx"
    assert the_file(found, "sales/c.xlsx").reason == "has the same content as sales/a.xlsx"


def test_plan_names_failures_with_reasons_and_plans_the_rest(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", [["n"], [1]])
    warehouse.load()
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE VIEW totals AS SELECT sum(n) FROM sales")
    warehouse.write("sales/b.xlsx", [["n"], ["x"]])
    warehouse.write("sales/c.xlsx", [["n"], [2]])
    (warehouse.root / "sales" / "d.xlsx").write_bytes(b"no workbook")
    found = planned(warehouse)
    assert actions(found) == {
        "sales/a.xlsx": "skip",
        "sales/b.xlsx": "fail",
        "sales/c.xlsx": "load",
        "sales/d.xlsx": "fail",
    }
    failure = the_file(found, "sales/b.xlsx").failure
    assert failure is not None
    assert "view totals (uses n)" in failure.message
    assert found.exit_code == ExitCode.FAILED
    report = warehouse.run()
    assert {result.source.identity: result.failure for result in report.results if result.failure} == {
        "sales/b.xlsx": failure,
        "sales/d.xlsx": the_file(found, "sales/d.xlsx").failure,
    }


def test_a_value_that_a_tables_own_type_would_round_is_foretold(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE TABLE prices (price numeric(10,2), n bigint)")
        connection.execute("INSERT INTO prices VALUES (1, 9007199254740993)")
    warehouse.write("prices/a.xlsx", [["price", "n"], [1.25, 1]])
    warehouse.write("prices/b.xlsx", [["price", "n"], [1.255, 1]])
    warehouse.write("prices/c.xlsx", [["price", "n"], [1.5, 0.5]])
    found = planned(warehouse)
    failure = the_file(found, "prices/b.xlsx").failure
    assert failure is not None
    assert failure.where == "Sheet1 › A2"
    assert 'it would become "1.26"' in failure.message
    # The stored integer is asked for, since a double would lose a digit of it.
    (change,) = the_file(found, "prices/c.xlsx").changes
    assert change.new == "NUMERIC"
    assert "etl_imports" not in warehouse.tables()


def test_a_replaced_import_does_not_count(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  on_changed: replace\n")
    warehouse.write("sales/a.xlsx", [["n"], [2**53 - 1]])
    warehouse.load()
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("UPDATE sales SET n = 9007199254740993")
    warehouse.write("sales/a.xlsx", [["n"], [0.5]])
    found = planned(warehouse)
    (change,) = the_file(found, "sales/a.xlsx").changes
    assert change.new == "DOUBLE PRECISION"
    assert any("take the place of the 1 row " in notice for notice in the_file(found, "sales/a.xlsx").notices)
    warehouse.load()
    assert warehouse.columns("sales")["n"] == "double precision"


def test_without_a_database_every_table_is_taken_to_be_new(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", [["n"], [1]])
    warehouse.write("sales/b.xlsx", [["n"], ["x"]])
    warehouse.load()
    found = planned(warehouse, skip_db=True)
    assert set(actions(found).values()) == {"load"}
    assert [change.new for change in the_file(found, "sales/b.xlsx").changes] == ["TEXT"]
    assert "no database is asked" in found.destination


def test_a_selection_is_planned_alone(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", [["n"], [1]])
    warehouse.write("costs/a.xlsx", [["n"], [1]])
    assert [table.table for table in planned(warehouse, Selection(tables=("costs",))).tables] == ["costs"]
