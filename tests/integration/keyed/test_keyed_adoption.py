"""Histories of keyed tables that are lost and rebuilt, wholly or in part."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import UndoError
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import run
from pgdatahub.undo.rekey import rekey
from tests.integration.undo.conftest import Hub

KEYED = "c:\n  key: [no]\n"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """A keyed table of two files with a column each."""
    hub = Hub(database_url, tmp_path)
    hub.configure(KEYED)
    hub.write("c/2025-9.xlsx", ["no", "city"], [[1, "Bern"], [2, "Basel"]])
    hub.write("c/2025-10.xlsx", ["no", "size"], [[2, 5], [3, 6]])
    return hub


def lose_history(hub: Hub) -> None:
    hub.execute("DROP TABLE etl_imports, etl_schema_changes, etl_tables")


def test_copies_of_a_file_are_adopted_each(hub: Hub) -> None:
    hub.write("c/2025-11.xlsx", ["no", "size"], [[2, 5], [3, 6]])
    hub.load()
    before = hub.state()
    lose_history(hub)
    assert [result.failure for result in run(hub.config(), adopt=True).results] == [None] * 3
    assert hub.state() == before
    hub.revert(source_file="2025-11.xlsx", schema=True)
    assert hub.execute("SELECT no, size FROM c ORDER BY 1") == [(1, None), (2, 5), (3, 6)]


def test_adopt_leaves_the_users_own_index_to_the_user(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, city text)")
    hub.configure(KEYED)
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    lose_history(hub)
    run(hub.config(), adopt=True)
    hub.configure("c: {}\n")
    rekey(hub.config(), "c")
    assert hub.execute("SELECT count(*) FROM pg_constraint WHERE conname = 'c_pkey'") == [(1,)]


def test_adopt_knows_the_index_that_pgdatahub_made(hub: Hub) -> None:
    hub.load()
    lose_history(hub)
    run(hub.config(), adopt=True)
    hub.configure("c: {}\n")
    rekey(hub.config(), "c")
    assert hub.execute("SELECT count(*) FROM c") == [(4,)]


def test_an_adopted_table_with_a_flag_is_dropped_at_last(hub: Hub) -> None:
    hub.configure(f"{KEYED}  missing_keys: flag gone\n")
    hub.load()
    lose_history(hub)
    run(hub.config(), adopt=True)
    for one in hub.imports():
        hub.revert(import_id=one.id, schema=True)
    assert hub.tables() == set()


@pytest.mark.parametrize("options", ["key: [no]", "mode: snapshot"])
def test_an_empty_table_without_history_takes_files(hub: Hub, options: str) -> None:
    hub.configure(f"c:\n  {options}\n")
    hub.load()
    after = hub.state()["c"][1]
    for one in hub.imports():
        hub.revert(import_id=one.id)
    lose_history(hub)
    planned = plan(hub.config())
    assert [one.action for one in planned.files] == ["load", "load"]
    hub.load()
    assert hub.state()["c"][1] == after
    hub.configure("c: {}\n")
    rekey(hub.config(), "c")
    assert hub.execute("SELECT count(*) FROM c") == [(4,)]
    assert hub.tables() == {"c"}


def test_rows_without_history_lose_no_value_at_an_undo(hub: Hub) -> None:
    hub.load()
    lose_history(hub)
    hub.write("c/2025-9.xlsx", ["no", "city"], [[1, "Genf"], [2, "Basel"]])
    run(hub.config(), adopt=True)
    with pytest.raises(UndoError, match="their place among the rows of their keys is not known"):
        hub.revert(source_file="2025-10.xlsx")
    with pytest.raises(UndoError, match="the table has 2 rows of imports that the history does not know"):
        rekey(hub.config(), "c")
    hub.revert(source_file="2025-10.xlsx", force=True)
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, "Bern"), (2, "Basel")]


def restore_by_hand(hub: Hub) -> None:
    """Give all rows other transaction numbers, as a restored dump has them."""
    for table in ("c", "c_replaced"):
        hub.execute(
            f"CREATE TABLE old AS TABLE {table}; TRUNCATE {table}; INSERT INTO {table} SELECT * FROM old; DROP TABLE old"
        )


@pytest.mark.parametrize("first", ["load", "undo", "rekey"])
def test_a_restored_dump_can_be_undone_in_any_order(hub: Hub, first: str) -> None:
    hub.write("c/2025-8.xlsx", ["no", "city"], [[2, "Chur"]])
    hub.load()
    restore_by_hand(hub)
    if first == "load":
        hub.write("c/2025-11.xlsx", ["no", "city"], [[3, "Zug"]])
        hub.load()
    elif first == "undo":
        hub.revert(source_file="2025-8.xlsx")
    else:
        rekey(hub.config(), "c")
    hub.revert(source_file="2025-10.xlsx")
    hub.revert(source_file="2025-9.xlsx")
    expected = {"load": [(2, "Chur"), (3, "Zug")], "undo": [], "rekey": [(2, "Chur")]}
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == expected[first]


def test_a_change_by_hand_is_found_after_a_restored_dump(hub: Hub) -> None:
    hub.load()
    restore_by_hand(hub)
    hub.write("c/2025-11.xlsx", ["no", "city"], [[3, "Zug"]])
    hub.load()
    hub.execute("UPDATE c SET city = 'x' WHERE no = 1")
    with pytest.raises(UndoError, match="not written by pgdatahub"):
        hub.revert(source_file="2025-9.xlsx")
