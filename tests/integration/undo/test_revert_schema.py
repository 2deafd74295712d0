"""Undo recomputes: columns and types become what the imports that remain need, and nothing of value is lost."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from pgdatahub.errors import UndoError
from pgdatahub.model.imports import ChangeRow
from pgdatahub.model.schema import DropColumn, DropTable, RestoreType
from tests.integration.undo.conftest import Hub


def undo(hub: Hub, file: str, table: str = "t") -> None:
    hub.revert(source_file=file)
    hub.revert_schema(table, file)


NOON, EVENING = datetime(2024, 1, 1, 12, 30), datetime(2024, 1, 1, 23, 59, 59)  # noqa: DTZ001 - workbooks know no zones
LEAP_DAY, NEW_YEAR = datetime(2024, 2, 29), datetime(2024, 1, 1)  # noqa: DTZ001 - likewise


@pytest.mark.parametrize(
    ("kept", "gone", "between", "after"),
    [
        ([1], [2**31], "bigint", "integer"),
        ([2**53], [2**53 + 1], "bigint", "bigint"),
        ([1], [0.5], "double precision", "integer"),
        ([0.5], ["12345678901234567890"], "text", "double precision"),
        ([2**40, 0.1], ["n/a"], "text", "double precision"),
        ([5e-324, -0.1], ["n/a"], "text", "double precision"),
        (["1", "007"], [1], "text", "text"),
        ([True, False], ["yes"], "text", "boolean"),
        ([True], [1], "text", "boolean"),
        ([LEAP_DAY], [NOON], "timestamp without time zone", "date"),
        ([EVENING, NEW_YEAR], ["?"], "text", "timestamp without time zone"),
        ([date(1900, 3, 1)], [1], "text", "date"),
        ([None], [17], "integer", "text"),
    ],
)
def test_type_narrows_to_the_rest_and_keeps_every_value(
    hub: Hub, kept: list[Any], gone: list[Any], between: str, after: str
) -> None:
    hub.write("t/kept.xlsx", ["Id", "V"], [[1, value] for value in kept])
    hub.load()
    alone = hub.state()
    hub.write("t/gone.xlsx", ["Id", "V"], [[2, value] for value in gone])
    hub.load()
    assert hub.types("t")["v"] == between
    undo(hub, "gone.xlsx")
    assert hub.state() == alone
    assert hub.types("t")["v"] == after


def test_it_does_not_matter_which_file_came_first(hub: Hub) -> None:
    hub.write("t/1 gone.xlsx", ["A", "B"], [["n/a", 1]])
    hub.write("t/2 kept.xlsx", ["A", "C"], [[1, "x"], [0.5, None]])
    hub.load()
    undo(hub, "1 gone.xlsx")
    assert hub.types("t") | {"a": "double precision"} == hub.types("t")
    assert set(hub.types("t")) == {"a", "c", "source_file", "load_timestamp"}
    hub.write("t/3.xlsx", ["B"], [[True]])
    hub.load(paths=["t/3.xlsx"])
    assert hub.types("t")["b"] == "boolean"


def test_a_value_beyond_2_to_the_53_keeps_numeric(hub: Hub) -> None:
    hub.write("t/1.xlsx", ["V"], [["x"]])
    hub.configure("t: {columns: {V: {type: text}}}\n")
    hub.load()
    hub.configure("")
    hub.write("t/2.xlsx", ["V"], [[0.5]])
    hub.load(paths=["t/2.xlsx"])
    undo(hub, "1.xlsx")
    assert hub.types("t")["v"] == "double precision"


def test_configured_type_counts_while_its_import_is_loaded(hub: Hub) -> None:
    hub.configure("t: {columns: {V: {type: numeric}}}\n")
    hub.write("t/1.xlsx", ["V"], [[1]])
    hub.load()
    hub.configure("")
    hub.write("t/2.xlsx", ["V"], [[2]])
    hub.write("t/3.xlsx", ["V"], [["x"]])
    hub.load(paths=["t/2.xlsx", "t/3.xlsx"])
    undo(hub, "3.xlsx")
    assert hub.types("t")["v"] == "numeric"
    undo(hub, "1.xlsx")
    assert hub.types("t")["v"] == "integer"


def test_one_statement_does_it_and_every_step_is_in_the_history(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A", "B"], [[1, 1]])
    hub.load()
    hub.write("t/b.xlsx", ["A", "B", "C"], [["x", 0.5, True]])
    hub.load()
    plan = hub.revert(source_file="b.xlsx", schema=True).plan
    assert [type(step) for step in plan.steps] == [RestoreType, RestoreType, DropColumn]
    undone = [entry for entry in hub.history() if isinstance(entry, ChangeRow)][-3:]
    assert [(one.change_type, one.column, one.old_type, one.new_type) for one in undone] == [
        ("restore_type", "a", "text", "integer"),
        ("restore_type", "b", "double precision", "integer"),
        ("drop_column", "c", "boolean", None),
    ]
    assert {one.source_file for one in undone} == {str(hub.root / "t/b.xlsx")}


def test_a_file_that_is_loaded_is_refused(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    with pytest.raises(UndoError, match="is still loaded") as caught:
        hub.revert_schema("t", "a.xlsx")
    assert caught.value.hint == "revert it first, or revert --with-schema"


def test_a_dry_run_on_a_loaded_file_shows_the_later_plan(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.write("t/b.xlsx", ["A", "B"], [["x", True]])
    hub.load()
    (past,) = (one for one in hub.imports() if one.identity == "t/b.xlsx")
    shown = hub.revert_schema("t", "b.xlsx", dry_run=True)
    assert (shown.done, shown.plan.imports, shown.plan.refusals) == (False, (), ())
    assert shown.plan.notes == (
        f"t/b.xlsx is still loaded, so this is what revert-schema would do after pgdatahub revert --import-id {past.id}",
    )
    assert len(hub.imports()) == 2
    hub.revert(source_file="b.xlsx")
    assert hub.revert_schema("t", "b.xlsx").plan.steps == shown.plan.steps != ()


def test_a_dry_run_on_a_changed_file_names_its_obstacles(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.write("t/b.xlsx", ["A", "B"], [["x", True]])
    hub.load()
    hub.execute("CREATE VIEW v AS SELECT b FROM t")
    plan = hub.revert_schema("t", "b.xlsx", dry_run=True).plan
    assert [refusal.subject for refusal in plan.refusals] == ["t.b"]


def test_table_goes_with_its_last_import_and_returns_as_new(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [["x"]])
    hub.write("t/b.xlsx", ["A", "B"], [[1, 2]])
    hub.load()
    hub.revert(source_file="a.xlsx")
    hub.revert(source_file="b.xlsx")
    assert hub.revert_schema("t", "a.xlsx").plan.steps == (DropTable(),)
    assert hub.tables() == set()
    plan = hub.revert_schema("t", "b.xlsx").plan
    assert plan.nothing
    assert "the table t is not there" in plan.notes[0]
    hub.load(paths=["t/b.xlsx"])
    assert hub.types("t")["a"] == "integer"
    hub.revert(source_file="b.xlsx", schema=True)
    assert hub.tables() == set()


# ── a user's table ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_of_ones_own_is_as_it_was(hub: Hub) -> None:
    hub.execute("CREATE TABLE t (a integer, b text, big bigint)")
    hub.execute(f"INSERT INTO t VALUES (1, 'mine', {2**60}), (2, NULL, 5)")
    before = hub.state()
    hub.write("t/f.xlsx", ["A", "B", "Big", "New"], [["n/a", 1, 0.5, True], [0.5, 2, 1, None]])
    hub.load()
    assert hub.types("t") == {
        "a": "text",
        "b": "text",
        "big": "numeric",
        "new": "boolean",
        "source_file": "text",
        "load_timestamp": "timestamp without time zone",
    }
    undo(hub, "f.xlsx")
    assert hub.state() == before


def test_large_bigint_stays_numeric_while_fractions_remain(hub: Hub) -> None:
    hub.execute("CREATE TABLE t (big bigint)")
    hub.execute(f"INSERT INTO t VALUES ({2**60})")
    hub.write("t/a.xlsx", ["Big"], [[0.5]])
    hub.load()
    hub.write("t/b.xlsx", ["Big"], [["x"]])
    hub.load()
    undo(hub, "b.xlsx")
    assert hub.types("t")["big"] == "numeric"
    assert hub.execute("SELECT max(big)::text FROM t") == [(str(2**60),)]


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reverted(hub: Hub) -> Hub:
    """B was reverted without its schema: a is text, c a column of its own."""
    hub.write("t/a.xlsx", ["A"], [[1], [2]])
    hub.load()
    hub.write("t/b.xlsx", ["A", "C"], [["x", 1]])
    hub.load()
    hub.revert(source_file="b.xlsx", hold=True)
    return hub


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("INSERT INTO t (a) VALUES ('mine')", r"t\.a: .*put in by hand would be lost as INTEGER.*mine"),
        ("INSERT INTO t (a) VALUES ('007')", r"put in by hand would be lost as INTEGER.*'007'"),
        ("UPDATE t SET c = 5 WHERE a = '1'", r"t\.c: 1 row has a value in it that was put in by hand"),
        ("CREATE VIEW v AS SELECT a FROM t", r"t\.a: view v depends on it, so it cannot become INTEGER"),
        ("CREATE VIEW v AS SELECT c FROM t", r"t\.c: view v depends on it"),
        ("CREATE INDEX mine ON t (c)", r"t\.c: index mine depends on it"),
        ("ALTER TABLE t ADD CHECK (c > 0)", r"t\.c: constraint t_c_check on table t depends on it"),
    ],
)
def test_what_would_be_lost_is_refused_with_the_reason(reverted: Hub, statement: str, reason: str) -> None:
    reverted.execute(statement)
    before = reverted.state()
    with pytest.raises(UndoError, match=reason):
        reverted.revert_schema("t", "b.xlsx")
    assert reverted.state() == before
    assert reverted.revert_schema("t", "b.xlsx", dry_run=True).plan.refusals


def test_an_index_of_ones_own_survives_a_change_of_type(reverted: Hub) -> None:
    reverted.execute("CREATE INDEX mine ON t (a)")
    reverted.revert_schema("t", "b.xlsx")
    assert reverted.types("t")["a"] == "integer"
    assert reverted.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'mine'")


def test_a_column_that_a_user_made_required_is_dropped(reverted: Hub) -> None:
    reverted.execute("DELETE FROM t; ALTER TABLE t ALTER c SET NOT NULL")
    reverted.revert_schema("t", "b.xlsx")
    assert "c" not in reverted.types("t")


@pytest.mark.parametrize(
    ("statement", "note"),
    [
        ("ALTER TABLE t DROP COLUMN c", "c is not there any more: it was dropped, or renamed, by hand"),
        ("ALTER TABLE t RENAME COLUMN c TO mine", "c is not there any more: it was dropped, or renamed, by hand"),
        (
            "ALTER TABLE t ALTER a TYPE varchar(5)",
            r"a is CHARACTER VARYING(5), by hand or by the settings, and stays so",
        ),
    ],
)
def test_columns_changed_by_hand_are_left_alone_and_said(reverted: Hub, statement: str, note: str) -> None:
    reverted.execute(statement)
    plan = reverted.revert_schema("t", "b.xlsx").plan
    assert any(one.startswith(note) for one in plan.notes)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("INSERT INTO t VALUES ('1')", "1 row in it of no import: put in by hand"),
        ("ALTER TABLE t ADD COLUMN mine int", "pgdatahub did not make its columns mine"),
        ("ALTER TABLE t RENAME COLUMN c TO mine", "pgdatahub did not make its columns mine"),
        ("CREATE VIEW v AS SELECT a FROM t", "view v depends on it"),
    ],
)
def test_a_table_with_something_of_ones_own_is_not_dropped(reverted: Hub, statement: str, reason: str) -> None:
    reverted.revert(source_file="a.xlsx")
    reverted.execute(statement)
    with pytest.raises(UndoError, match=reason):
        reverted.revert_schema("t", "b.xlsx")
    assert reverted.tables() == {"t"}


def test_revert_with_schema_does_both_or_neither(reverted: Hub) -> None:
    reverted.execute("CREATE VIEW v AS SELECT a FROM t")
    with pytest.raises(UndoError, match="view v depends on it"):
        reverted.revert(source_file="a.xlsx", schema=True)
    assert reverted.execute("SELECT count(*) FROM t") == [(2,)]
