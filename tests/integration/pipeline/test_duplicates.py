"""Files with the content of another: skipped, remembered, and loaded or inherited when the other one changes."""

from __future__ import annotations

import shutil

import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.runs.run import Selection, run
from tests.integration.pipeline.conftest import Warehouse, save_again

REPLACE = "sales:\n  on_changed: replace\n"


def _rows(letter: str) -> list[list[object]]:
    return [["id", "content"], [1, letter], [2, letter]]


def _loaded(warehouse: Warehouse) -> dict[str, str]:
    found = warehouse.query("SELECT DISTINCT source_file, content FROM sales ORDER BY 1, 2")
    return {name.rpartition("/")[2]: content for name, content in found}


def test_duplicate_loses_its_older_rows(warehouse: Warehouse) -> None:
    warehouse.configure(REPLACE)
    jan = warehouse.write("sales/jan.xlsx", _rows("J"))
    apr = warehouse.write("sales/apr.xlsx", _rows("A"))
    warehouse.load()
    shutil.copy(apr, jan)
    results = {result.source.name: result for result in warehouse.run().results}
    assert results["jan.xlsx"].outcome is Outcome.SKIPPED
    assert "2 older rows are not in the table any more" in (results["jan.xlsx"].reason or "")
    assert _loaded(warehouse) == {"apr.xlsx": "A"}
    assert warehouse.query("SELECT status FROM etl_imports ORDER BY id") == [("loaded",), ("superseded",)]


def test_duplicate_counts_one_older_row_as_one(warehouse: Warehouse) -> None:
    warehouse.configure(REPLACE)
    jan = warehouse.write("sales/jan.xlsx", [["id", "content"], [1, "J"]])
    apr = warehouse.write("sales/apr.xlsx", _rows("A"))
    warehouse.load()
    shutil.copy(apr, jan)
    results = {result.source.name: result for result in warehouse.run().results}
    assert "its 1 older row is not in the table any more" in (results["jan.xlsx"].reason or "")


def test_duplicate_inherits_the_rows_of_a_changed_file(warehouse: Warehouse) -> None:
    warehouse.configure(REPLACE)
    first = warehouse.write("sales/a.xlsx", _rows("X"))
    shutil.copy(first, first.with_name("b.xlsx"))
    warehouse.run()
    warehouse.write("sales/a.xlsx", _rows("Y"))
    warehouse.run()
    assert _loaded(warehouse) == {"a.xlsx": "Y", "b.xlsx": "X"}
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}
    assert warehouse.query("SELECT identity FROM etl_imports WHERE status = 'loaded' ORDER BY 1") == [
        ("sales/a.xlsx",),
        ("sales/b.xlsx",),
    ]


def test_changed_file_fails_though_it_is_a_duplicate(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  on_changed: fail\n")
    jan = warehouse.write("sales/jan.xlsx", _rows("J"))
    apr = warehouse.write("sales/apr.xlsx", _rows("A"))
    warehouse.load()
    shutil.copy(apr, jan)
    failures = [result.failure for result in warehouse.run().results if result.failure]
    assert [failure.kind for failure in failures] == ["ContentChangedError"]
    assert _loaded(warehouse) == {"apr.xlsx": "A", "jan.xlsx": "J"}


def test_duplicate_under_append_keeps_its_older_rows(warehouse: Warehouse) -> None:
    jan = warehouse.write("sales/jan.xlsx", _rows("J"))
    apr = warehouse.write("sales/apr.xlsx", _rows("A"))
    warehouse.load()
    shutil.copy(apr, jan)
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}
    assert _loaded(warehouse) == {"apr.xlsx": "A", "jan.xlsx": "J"}


@pytest.mark.parametrize("workers", [1, 2])
def test_swapped_files_are_loaded_in_one_run(workers: int, warehouse: Warehouse) -> None:
    warehouse.configure(REPLACE)
    first = warehouse.write("sales/a.xlsx", _rows("X"))
    second = warehouse.write("sales/b.xlsx", _rows("Y"))
    warehouse.load()
    kept = first.with_name("kept")
    first.rename(kept)
    second.rename(first)
    kept.rename(second)
    report = warehouse.run(workers=workers)
    assert report.exit_code == 0
    assert _loaded(warehouse) == {"a.xlsx": "Y", "b.xlsx": "X"}


def test_rows_changed_by_hand_are_not_inherited(warehouse: Warehouse) -> None:
    warehouse.configure(REPLACE)
    first = warehouse.write("sales/a.xlsx", _rows("X"))
    shutil.copy(first, first.with_name("b.xlsx"))
    warehouse.run()
    with_hand = "UPDATE sales SET content = 'by hand' WHERE id = 1 RETURNING id"
    assert len(warehouse.query(with_hand)) == 1
    warehouse.write("sales/a.xlsx", _rows("Y"))
    failures = [result.failure for result in warehouse.run().results if result.failure]
    assert [failure.kind for failure in failures] == ["ContentChangedError"]
    assert warehouse.query("SELECT count(*) FROM sales WHERE content = 'by hand'") == [(1,)]


def test_reloaded_file_keeps_its_duplicates(warehouse: Warehouse) -> None:
    from pgdatahub.config import load_config

    warehouse.configure(REPLACE)
    first = warehouse.write("sales/a.xlsx", _rows("X"))
    copy = first.with_name("b.xlsx")
    shutil.copy(first, copy)
    warehouse.run()
    config = load_config(overrides={"database_url": warehouse.url}, directory=warehouse.directory)
    assert run(config, selection=Selection(reload=(copy,))).exit_code == 0
    warehouse.write("sales/b.xlsx", _rows("Y"))
    warehouse.run()
    assert _loaded(warehouse) == {"a.xlsx": "X", "b.xlsx": "Y"}


def test_duplicate_is_read_again_under_other_settings(warehouse: Warehouse) -> None:
    first = warehouse.write("sales/a.xlsx", [["id", "content"], [1, "n/a"], [2, "X"]])
    copy = first.with_name("b.xlsx")
    save_again(first, copy)
    warehouse.run()
    assert "same content" in next(
        result.reason or "" for result in warehouse.run().results if result.source.name == "b.xlsx"
    )
    warehouse.configure("sales:\n  nulls: ['n/a']\n")
    outcomes = {result.source.name: result.outcome for result in warehouse.run().results}
    assert outcomes == {"a.xlsx": Outcome.SKIPPED, "b.xlsx": Outcome.LOADED}
