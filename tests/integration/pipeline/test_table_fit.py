"""Notices about columns that a file lacks: one for an unusual file, none for each file without an optional column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pgdatahub.runs.plans.plan import plan

if TYPE_CHECKING:
    from pgdatahub.model.results import RunReport
    from tests.integration.pipeline.conftest import Warehouse

WITH: Final[list[list[object]]] = [["id", "price", "note"], [1, 2, "x"]]
WITHOUT: Final[list[list[object]]] = [["id", "price"], [3, 4]]


def lacking(report: RunReport) -> list[str]:
    """Return the names of the files with a notice about missing columns."""
    return sorted(
        result.source.name for result in report.results if any("lacks" in notice for notice in result.notices)
    )


def test_first_file_without_a_column_gives_a_notice(warehouse: Warehouse) -> None:
    warehouse.write("t/a.xlsx", WITH)
    assert lacking(warehouse.run()) == []
    for number in range(4):
        warehouse.write(f"t/b{number}.xlsx", [*WITHOUT, [number, number]])
    assert [file.file for file in plan(warehouse.config).files if file.notices] == ["t/b0.xlsx"]
    assert lacking(warehouse.run(workers=1)) == ["b0.xlsx"]
    warehouse.write("t/c.xlsx", [["id", "price", "note"], [9, 9, "y"]])
    warehouse.write("t/d.xlsx", [["id", "price"], [10, 10]])
    assert lacking(warehouse.run()) == []


def test_other_missing_column_gives_a_notice_again(warehouse: Warehouse) -> None:
    warehouse.write("t/a.xlsx", WITH)
    warehouse.run()
    warehouse.write("t/b.xlsx", WITHOUT)
    warehouse.run()
    warehouse.write("t/c.xlsx", [["id", "note"], [5, "z"]])
    (result,) = (result for result in warehouse.run().results if result.source.name == "c.xlsx")
    (notice,) = (notice for notice in result.notices if "lacks" in notice)
    assert "the file lacks the column price of" in notice


def test_two_workers_give_at_most_one_notice(warehouse: Warehouse) -> None:
    for number in range(6):
        rows = WITH if number % 2 else WITHOUT
        warehouse.write(f"t/a{number}.xlsx", [*rows, [number + 10, number]])
    assert len(lacking(warehouse.run(workers=2))) <= 1


def test_renamed_column_gives_a_notice_each_time(warehouse: Warehouse) -> None:
    warehouse.write("t/a.xlsx", WITH)
    warehouse.run()
    warehouse.write("t/b.xlsx", WITHOUT)
    warehouse.run()
    warehouse.write("t/c.xlsx", [["id", "price", "notes"], [5, 6, "z"]])
    (result,) = (result for result in warehouse.run().results if result.source.name == "c.xlsx")
    assert any("it may have renamed note to notes" in notice for notice in result.notices)
