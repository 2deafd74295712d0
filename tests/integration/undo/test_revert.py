"""Taking the rows of an import back: which import is meant, what hands did to its rows, what the history says."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pgdatahub import plan
from pgdatahub.errors import ConfigError, UndoError
from pgdatahub.model.events import Event, Notice
from pgdatahub.model.imports import Status
from pgdatahub.model.results import Outcome
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.tables.locks import lock_key
from pgdatahub.runs.run import run
from pgdatahub.undo.plan import UndoPlan, UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.undo.conftest import Hub


@pytest.fixture
def loaded(hub: Hub) -> Hub:
    hub.write("sales/a.xlsx", ["Id", "Amount"], [[1, 10], [2, 20]])
    hub.write("sales/b.xlsx", ["Id", "Amount"], [[number, number * 1.5] for number in range(100)])
    hub.write("stock/s.xlsx", ["Part"], [["p"], ["q"]])
    hub.load()
    return hub


def test_the_rows_of_an_import_go_and_all_others_stay(loaded: Hub) -> None:
    plan = loaded.revert(source_file="b.xlsx").plan
    assert plan.rows == 100
    assert loaded.execute("SELECT count(*), sum(id) FROM sales") == [(2, 3)]
    assert loaded.execute("SELECT count(*) FROM stock") == [(2,)]
    states = {past.identity: past.status for past in loaded.imports()}
    assert states == {"sales/a.xlsx": "loaded", "sales/b.xlsx": "reverted", "stock/s.xlsx": "loaded"}


def test_import_is_found_by_hash_prefix_id_and_any_path_form(loaded: Hub) -> None:
    past = next(past for past in loaded.imports() if past.identity == "sales/b.xlsx")
    for request in (
        UndoRequest(file_hash=past.file_sha256),
        UndoRequest(file_hash=past.file_sha256[:8].upper()),
        UndoRequest(import_id=past.id),
        UndoRequest(source_file=past.source_file),
        UndoRequest(source_file="sales/b.xlsx"),
        UndoRequest(source_file="./b.xlsx"),
        UndoRequest(source_file="b.xlsx", table="sales"),
        UndoRequest(source_file="b.xlsx", table="sales"),
    ):
        plan = revert(loaded.config(), request, dry_run=True).plan
        assert [taken.past.id for taken in plan.imports] == [past.id], request


def test_a_dry_run_changes_nothing(loaded: Hub) -> None:
    before = loaded.state(), loaded.history()
    result = loaded.revert(source_file="b.xlsx", schema=True, dry_run=True)
    assert not result.done
    assert result.plan.rows == 100
    assert (loaded.state(), loaded.history()) == before


def test_reverted_file_loads_again_and_both_imports_are_kept(loaded: Hub) -> None:
    before = loaded.state()
    plan = loaded.revert(source_file="b.xlsx").plan
    assert any("next run would load it again" in note for note in plan.notes)
    assert loaded.load()["sales/b.xlsx"][0] is Outcome.LOADED
    assert loaded.state() == before
    assert [past.status for past in loaded.imports() if past.identity == "sales/b.xlsx"] == ["reverted", "loaded"]


def test_hold_keeps_a_file_out_until_it_is_reloaded(loaded: Hub) -> None:
    before = loaded.state()
    plan = loaded.revert(source_file="b.xlsx", hold=True).plan
    assert not any("next run" in note for note in plan.notes)
    outcome, reason = loaded.load()["sales/b.xlsx"]
    assert outcome is Outcome.SKIPPED
    assert "on hold since" in reason
    assert "run --reload FILE loads it" in reason
    assert loaded.load(reload=["sales/b.xlsx"])["sales/b.xlsx"][0] is Outcome.LOADED
    assert loaded.state() == before
    assert "already loaded" in loaded.load()["sales/b.xlsx"][1]
    assert {past.status for past in loaded.imports()} == {Status.LOADED, Status.REVERTED}


def test_held_file_stays_out_if_resaved_and_loads_if_fixed(loaded: Hub) -> None:
    loaded.revert(source_file="a.xlsx", hold=True)
    loaded.write("sales/a.xlsx", ["Id", "Amount"], [[1, 10], [2, 20]], note="saved again")
    outcome, reason = loaded.load()["sales/a.xlsx"]
    assert outcome is Outcome.SKIPPED
    assert "on hold" in reason
    loaded.write("sales/a.xlsx", ["Id", "Amount"], [[1, 10], [2, 21]])
    assert loaded.load()["sales/a.xlsx"][0] is Outcome.LOADED


# ── hands ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM sales WHERE id = 7", "it brought 100 rows, and the table has 99: 1 deleted by hand"),
        ("UPDATE sales SET source_file = 'mine' WHERE id = 7", "it brought 100 rows, and the table has 99"),
        ("UPDATE sales SET amount = 0 WHERE id = 7", "of its 100 rows, 1 was written later"),
        (
            "INSERT INTO sales SELECT 1000, 1, source_file, load_timestamp FROM sales WHERE id = 7",
            "it brought 100 rows, and 101 name it: 1 added by hand",
        ),
    ],
)
def test_rows_changed_by_hand_stop_it_with_what_was_found(loaded: Hub, statement: str, found: str) -> None:
    loaded.execute(statement)
    before = loaded.state()
    with pytest.raises(UndoError, match=found) as caught:
        loaded.revert(source_file="b.xlsx")
    assert caught.value.hint == "--force goes on"
    assert loaded.state() == before
    plan = loaded.revert(source_file="b.xlsx", force=True).plan
    assert any(found in note for note in plan.notes)
    there = loaded.execute("SELECT count(*) FROM sales WHERE source_file LIKE '%%b.xlsx'")
    assert there == [(0,)]


def test_rows_of_ones_own_stay(loaded: Hub) -> None:
    loaded.execute("INSERT INTO sales (id, amount) VALUES (999, 1)")
    loaded.revert(source_file="b.xlsx")
    assert loaded.execute("SELECT count(*) FROM sales") == [(3,)]


def test_a_rewrite_of_the_table_is_no_change_by_hand(loaded: Hub) -> None:
    loaded.write("sales/c.xlsx", ["Id", "Amount"], [["n/a", 1]])
    loaded.load()
    loaded.execute("VACUUM FULL sales")
    assert loaded.revert(source_file="b.xlsx").plan.notes[0].startswith("sales/b.xlsx is still in its folder")


def test_a_dropped_table_is_said_and_force_forgets_the_import(loaded: Hub) -> None:
    loaded.execute("DROP TABLE sales")
    with pytest.raises(UndoError, match="the table sales is gone, and its 100 rows with it"):
        loaded.revert(source_file="b.xlsx")
    assert loaded.revert(source_file="b.xlsx", force=True, schema=True).done
    outcomes = loaded.load()
    assert outcomes["sales/b.xlsx"][0] is Outcome.LOADED
    assert loaded.execute("SELECT count(*) FROM sales") == [(100,)]


def test_a_dropped_table_is_filled_again_by_reload(loaded: Hub) -> None:
    before = loaded.state()
    loaded.execute("DROP TABLE sales")
    events: list[Event] = []
    run(loaded.config(), reporter=events.append)
    warnings = [event.text for event in events if isinstance(event, Notice) and event.warning]
    (told,) = [text for text in warnings if "the table sales was dropped by hand" in text]
    assert told in plan(loaded.config()).warnings
    loaded.load(reload=["sales"])
    assert loaded.state() == before


def test_a_dropped_column_does_not_keep_rows_from_going(loaded: Hub) -> None:
    loaded.execute("ALTER TABLE sales DROP COLUMN amount")
    assert loaded.revert(source_file="b.xlsx").plan.rows == 100
    assert loaded.execute("SELECT count(*) FROM sales") == [(2,)]


@pytest.mark.parametrize("statement", ["RENAME COLUMN source_file TO file", "DROP COLUMN load_timestamp"])
def test_missing_import_columns_leave_the_table_untouched(loaded: Hub, statement: str) -> None:
    loaded.execute(f"ALTER TABLE sales {statement}")
    for force in (False, True):
        with pytest.raises(UndoError, match=r"of sales was dropped, or renamed, by hand"):
            loaded.revert(source_file="b.xlsx", force=force)
    assert loaded.execute("SELECT count(*) FROM sales") == [(102,)]


def test_a_missing_history_row_is_no_import(loaded: Hub) -> None:
    loaded.execute("DELETE FROM etl_imports WHERE identity = 'sales/b.xlsx'")
    with pytest.raises(UndoError, match=r"no import of b\.xlsx is in the history.*100 rows of sales name"):
        loaded.revert(source_file="b.xlsx", table="sales")


# ── which one ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_unknown_ones_are_said(loaded: Hub) -> None:
    for request in (
        UndoRequest(file_hash="0" * 12),
        UndoRequest(source_file="nothing.xlsx"),
        UndoRequest(import_id=77),
    ):
        with pytest.raises(UndoError, match="is in the history"):
            revert(loaded.config(), request)
    with pytest.raises(ConfigError, match="knows no table 'sale'") as caught:
        loaded.revert(source_file="b.xlsx", table="sale")
    assert caught.value.hint == "did you mean sales?"


def test_nothing_was_ever_loaded(hub: Hub) -> None:
    with pytest.raises(UndoError, match="nothing was ever loaded"):
        hub.revert(import_id=1)


def test_a_request_names_one_thing_and_a_hash_has_8_digits(loaded: Hub) -> None:
    for request in (UndoRequest(), UndoRequest(import_id=1, source_file="b.xlsx")):
        with pytest.raises(ConfigError, match="FILE, --hash or --import-id"):
            revert(loaded.config(), request)
    for bad in ("abc", "1234567", "xyz12345678", "0" * 65):
        with pytest.raises(ConfigError, match="8 to 64 digits"):
            revert(loaded.config(), UndoRequest(file_hash=bad))


def test_an_ambiguous_prefix_names_its_files(loaded: Hub) -> None:
    loaded.execute("UPDATE etl_imports SET file_sha256 = 'abcdef0123' || substr(file_sha256, 11)")
    with pytest.raises(UndoError, match=r"several imports begin with abcdef01.*sales/a\.xlsx.*sales/b\.xlsx"):
        loaded.revert(file_hash="abcdef01")


def test_a_file_in_two_tables_needs_the_table(hub: Hub) -> None:
    north = hub.write("north/week.xlsx", ["Id"], [[1]])
    south = hub.write("south/week.xlsx", ["Id"], [[1]])
    south.write_bytes(north.read_bytes())  # a workbook written a second later has other bytes
    hub.load()
    sha256 = hub.imports()[0].file_sha256
    for request in (UndoRequest(file_hash=sha256), UndoRequest(source_file="week.xlsx")):
        with pytest.raises(UndoError, match="is in several tables: north, south"):
            revert(hub.config(), request)
    assert hub.revert(file_hash=sha256, table="south").done
    assert hub.execute("SELECT (SELECT count(*) FROM north), (SELECT count(*) FROM south)") == [(1, 0)]


def test_two_files_of_one_name_need_more_of_the_path(hub: Hub) -> None:
    hub.configure("north: {table: both}\nsouth: {table: both}\n")
    hub.write("north/week.xlsx", ["Id"], [[1]])
    hub.write("south/week.xlsx", ["Id"], [[2]])
    hub.load()
    with pytest.raises(UndoError, match=r"several files end with week\.xlsx"):
        hub.revert(source_file="week.xlsx")
    assert hub.revert(source_file="south/week.xlsx").done
    assert hub.execute('SELECT id FROM "both"') == [(1,)]


def test_a_second_revert_says_when_the_first_was(loaded: Hub) -> None:
    loaded.revert(source_file="b.xlsx")
    with pytest.raises(UndoError, match=r"was already reverted on \d{4}-\d\d-\d\d"):
        loaded.revert(source_file="b.xlsx")


# ── at the same time ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revert_waits_for_whoever_loads_the_table(loaded: Hub) -> None:
    key = lock_key(TableName(schema="public", name="sales"))
    with ThreadPoolExecutor() as pool, loaded.connect() as loading:
        loading.autocommit = False
        loading.execute("SELECT pg_advisory_xact_lock(%s)", [key])
        reverting = pool.submit(loaded.revert, source_file="b.xlsx")
        deadline = time.monotonic() + 20
        while loaded.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") != [(1,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not reverting.done()
        loading.execute("INSERT INTO sales SELECT 5, 0.5, 'elsewhere', now() AT TIME ZONE 'UTC'")
        loading.commit()
        assert reverting.result(timeout=20).plan.rows == 100
    assert loaded.execute("SELECT count(*) FROM sales") == [(3,)]


def test_revert_during_a_load_gives_the_same_in_either_order(loaded: Hub) -> None:
    loaded.write("sales/c.xlsx", ["Id", "Amount"], [[number, 0.5] for number in range(2000)])
    with ThreadPoolExecutor() as pool:
        running = pool.submit(loaded.load, paths=["sales/c.xlsx"])
        loaded.revert(source_file="b.xlsx", schema=True)
        assert running.result(timeout=60)["sales/c.xlsx"][0] is Outcome.LOADED
    assert loaded.types("sales")["amount"] == "double precision"
    assert loaded.execute("SELECT count(*), min(amount), max(amount) FROM sales") == [(2002, 0.5, 20.0)]


def test_what_changed_after_it_was_shown_is_not_done(loaded: Hub) -> None:
    def confirm(plan: UndoPlan) -> bool:
        assert plan.rows == 100
        loaded.execute("DELETE FROM sales WHERE id = 7")
        return True

    with pytest.raises(UndoError, match="the table has 99"):
        revert(loaded.config(), UndoRequest(source_file="b.xlsx"), confirm=confirm)
    with pytest.raises(UndoError, match="changed after the plan was shown"):
        revert(loaded.config(), UndoRequest(source_file="b.xlsx", force=True), confirm=lambda _: _delete_one(loaded))
    assert loaded.execute("SELECT count(*) FROM sales") == [(100,)]


def _delete_one(hub: Hub) -> bool:
    hub.execute("DELETE FROM sales WHERE id = 8")
    return True


def test_a_foreign_key_of_ones_own_is_named(loaded: Hub) -> None:
    loaded.execute("ALTER TABLE stock ADD PRIMARY KEY (part)")
    loaded.execute("CREATE TABLE mine (part text REFERENCES stock)")
    loaded.execute("INSERT INTO mine VALUES ('p')")
    with pytest.raises(UndoError, match=r"nothing was undone.*mine"):
        loaded.revert(source_file="s.xlsx")
    assert loaded.execute("SELECT count(*) FROM stock") == [(2,)]
