"""Keyed tables that a user changed by hand: each command names the damage, and a way out works."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import UndoError
from pgdatahub.runs.plans.plan import plan
from pgdatahub.undo.rekey import rekey
from pgdatahub.undo.reset import reset
from tests.integration.undo.conftest import Hub

KEYED = "c:\n  key: [no]\n"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """A keyed table of two files that share a key."""
    hub = Hub(database_url, tmp_path)
    hub.configure(KEYED)
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.write("c/2.xlsx", ["no", "city"], [[1, "Basel"]])
    hub.load()
    return hub


def failure(hub: Hub) -> str:
    """Plan and run; return the message of the only file that fails, the same in both."""
    (planned,) = [one.failure for one in plan(hub.config()).files if one.failure is not None]
    (result,) = [one.failure for one in hub.run().results if one.failure is not None]
    assert planned.message == result.message
    return result.message


def test_a_lost_companion_is_named_and_made_again(hub: Hub) -> None:
    hub.execute("DROP TABLE c_replaced")
    hub.write("c/3.xlsx", ["no", "city"], [[1, "Chur"]])
    damage = "the companion c_replaced was dropped or renamed"
    assert damage in failure(hub)
    assert damage in hub.verify().tables[0].differences[0].text
    with pytest.raises(UndoError, match=damage):
        hub.revert(source_file="2.xlsx")
    rekey(hub.config(), "c")
    hub.load()
    hub.revert(source_file="3.xlsx")
    assert hub.execute("SELECT no, city FROM c") == [(1, "Basel")]


def test_reset_drops_what_is_left_of_a_keyed_table(hub: Hub) -> None:
    hub.execute("DROP TABLE c_replaced")
    reset(hub.config())
    assert hub.tables() == set()
    hub.load()
    hub.execute("DROP TABLE c")
    reset(hub.config())
    assert hub.tables() == set()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("DROP INDEX c_no_idx", "no unique index on its key"),
        ("CREATE RULE mine AS ON UPDATE TO c DO INSTEAD NOTHING", "the table has rules"),
    ],
)
def test_a_table_that_takes_no_rows_any_more_is_named(hub: Hub, damage: str, message: str) -> None:
    hub.execute(damage)
    hub.write("c/3.xlsx", ["no", "city"], [[1, "Chur"]])
    assert message in failure(hub)
    hub.execute("DROP RULE IF EXISTS mine ON c")
    rekey(hub.config(), "c")
    hub.load()
    assert hub.execute("SELECT no, city FROM c") == [(1, "Chur")]


@pytest.mark.parametrize("damage", ["RENAME COLUMN city TO town", "DROP COLUMN city"])
def test_a_column_of_one_table_alone_stops_an_undo(hub: Hub, damage: str) -> None:
    hub.execute(f"ALTER TABLE c {damage}")
    with pytest.raises(UndoError, match="the column city is in c_replaced and not in c"):
        hub.revert(source_file="2.xlsx")
    hub.execute(f"ALTER TABLE c_replaced {damage}")
    hub.revert(source_file="2.xlsx")
    assert hub.execute("SELECT no, regexp_replace(source_file, '.*/', '') FROM c") == [(1, "1.xlsx")]


def test_a_column_dropped_from_both_tables_may_come_again(hub: Hub) -> None:
    hub.execute("ALTER TABLE c DROP COLUMN city; ALTER TABLE c_replaced DROP COLUMN city")
    hub.write("c/3.xlsx", ["no"], [[1], [2]])
    hub.load()
    hub.write("c/4.xlsx", ["no", "city"], [[2, "Uri"]])
    hub.load()
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, None), (2, "Uri")]
    assert hub.execute("SELECT count(*), count(city) FROM c_replaced") == [(3, 0)]


def test_a_text_cell_does_not_reorder_a_table_of_the_users_own(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, at date)")
    hub.configure(f"{KEYED}  newest: at\n")
    hub.write("c/1.xlsx", ["no", "at"], [[1, "soon"]])
    assert "'soon' is not a valid DATE in the column at" in failure(hub)
    assert hub.types("c")["at"] == "date"


def test_a_file_of_a_snapshot_fits_its_indexes_in_any_order(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE s (no int PRIMARY KEY, city text)")
    hub.configure("s:\n  mode: snapshot\n")
    hub.write("s/2.xlsx", ["no"], [[1]])
    hub.load()
    hub.write("s/1.xlsx", ["no"], [[7], [7]])
    (result,) = [one.failure for one in hub.run().results if one.failure is not None]
    assert "s_pkey" in result.message
    assert result.where == "Sheet1 › row 3"


def test_a_view_on_the_companion_is_named_before_a_change(hub: Hub) -> None:
    hub.execute("CREATE VIEW old AS SELECT no, city FROM c_replaced")
    hub.write("c/3.xlsx", ["no", "city"], [["x", "Uri"]])
    assert "view old (uses no) of c_replaced" in failure(hub)
    hub.execute("DROP VIEW old")
    hub.write("c/4.xlsx", ["no", "size"], [[1, 5]])
    hub.load()
    hub.execute("CREATE VIEW old AS SELECT no, size FROM c_replaced")
    for file, column in (("3.xlsx", "no"), ("4.xlsx", "size")):
        with pytest.raises(UndoError, match=f"c_replaced.{column}: view old depends on it"):
            hub.revert(source_file=file, schema=True)
    hub.execute("DROP VIEW old")
    hub.revert(source_file="3.xlsx", schema=True)
    hub.revert(source_file="4.xlsx", schema=True)
    assert hub.types("c_replaced") == {**hub.types("c"), "_beaten": "boolean"}


@pytest.mark.parametrize(
    "change", ["c ALTER city TYPE varchar(9)", "c ALTER no TYPE text", "c_replaced ALTER no TYPE text"]
)
def test_a_type_changed_by_hand_reaches_both_tables(hub: Hub, change: str) -> None:
    hub.execute(f"ALTER TABLE {change}")
    assert any(" in c_replaced: a user changed it" in one.text for one in hub.verify().tables[0].differences)
    hub.write("c/3.xlsx", ["no", "city"], [[1, "Chur"]])
    hub.load()
    assert hub.types("c_replaced") == {**hub.types("c"), "_beaten": "boolean"}
    for file, city in (("3.xlsx", "Basel"), ("2.xlsx", "Bern")):
        hub.revert(source_file=file)
        assert hub.execute("SELECT no::text, city FROM c") == [("1", city)]


def test_a_type_that_the_companion_cannot_follow_is_named(hub: Hub) -> None:
    hub.execute("ALTER TABLE c ALTER city TYPE integer USING 5")
    with pytest.raises(UndoError, match="the column city is integer in c and text in c_replaced: its type was changed"):
        hub.revert(source_file="2.xlsx", force=True)
