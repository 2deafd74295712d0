"""A file that was loaded before: the same bytes, the same content, or other content under its path."""

from __future__ import annotations

import shutil

import pytest

from pgdatahub.model.imports import Status
from pgdatahub.model.results import Outcome
from tests.integration.undo.conftest import Hub


def statuses(hub: Hub) -> list[str]:
    return [past.status for past in hub.imports()]


def test_file_saved_again_with_equal_content_skips_and_reports(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/a.xlsx", ["A"], [[1]], note="saved again")
    outcome, reason = hub.load()["t/a.xlsx"]
    assert outcome is Outcome.SKIPPED
    assert reason.startswith("has the same content as t/a.xlsx (loaded ")


def test_the_same_bytes_under_another_name_are_skipped(hub: Hub) -> None:
    file = hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    shutil.copy(file, hub.root / "t/b.xlsx")
    assert hub.load()["t/b.xlsx"][1].startswith("is the same file as t/a.xlsx (loaded ")


def test_append_adds_the_rows_of_a_changed_file_with_a_notice(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/a.xlsx", ["A"], [[2], [3]])
    outcome, notice = hub.load()["t/a.xlsx"]
    assert outcome is Outcome.LOADED
    assert "the file changed: its rows are added to those of its content of " in notice
    assert hub.execute("SELECT a FROM t ORDER BY a") == [(1,), (2,), (3,)]
    assert statuses(hub) == ["loaded", "loaded"]
    # The file as a whole is what --source-file names.
    assert hub.revert(source_file="a.xlsx").plan.rows == 3


def test_replace_swaps_the_rows_in_one_transaction(hub: Hub) -> None:
    hub.configure("t: {on_changed: replace}\n")
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.write("t/other.xlsx", ["A"], [[9]])
    hub.load()
    hub.write("t/a.xlsx", ["A", "B"], [[2, "x"], [3, "y"]])
    outcome, notice = hub.load()["t/a.xlsx"]
    assert outcome is Outcome.LOADED
    assert "its rows take the place of the 1 row " in notice
    assert hub.execute("SELECT a, b FROM t ORDER BY a") == [(2, "x"), (3, "y"), (9, None)]
    assert statuses(hub) == ["superseded", "loaded", "loaded"]
    old, _, new = hub.imports()
    assert old.reverted_at == new.imported_at
    # What was replaced is not loaded, so the old file may come again.
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    assert hub.execute("SELECT a FROM t ORDER BY a") == [(1,), (9,)]


def test_revert_of_the_newer_warns_that_older_rows_stay_away(hub: Hub) -> None:
    hub.configure("t: {on_changed: replace}\n")
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/a.xlsx", ["A"], [[2]])
    hub.load()
    plan = hub.revert(source_file="a.xlsx").plan
    assert any("which do not come back unless that file is loaded again" in note for note in plan.notes)
    assert hub.execute("SELECT * FROM t") == []
    assert statuses(hub) == ["superseded", "reverted"]


def test_a_replacement_that_fails_leaves_the_older_rows(hub: Hub) -> None:
    hub.execute("CREATE TABLE t (a integer CHECK (a < 10))")
    hub.configure("t: {on_changed: replace}\n")
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/a.xlsx", ["A"], [[10]])
    report = hub.run()
    assert [result.outcome for result in report.results] == [Outcome.FAILED]
    assert hub.execute("SELECT a FROM t") == [(1,)]
    assert statuses(hub) == ["loaded"]


def test_rows_edited_by_hand_are_not_replaced_behind_ones_back(hub: Hub) -> None:
    hub.configure("t: {on_changed: replace}\n")
    hub.write("t/a.xlsx", ["A"], [[1], [2]])
    hub.load()
    hub.execute("UPDATE t SET a = 5 WHERE a = 1")
    hub.write("t/a.xlsx", ["A"], [[3]])
    (result,) = hub.run().results
    assert result.failure is not None
    assert "its older rows cannot be replaced: of its 2 rows, 1 was written later" in result.failure.message
    assert hub.execute("SELECT a FROM t ORDER BY a") == [(2,), (5,)]


def test_fail_refuses_a_changed_file_until_it_is_reloaded(hub: Hub) -> None:
    hub.configure("t: {on_changed: fail}\n")
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/a.xlsx", ["A"], [[2]])
    (result,) = hub.run().results
    assert result.failure is not None
    assert result.failure.kind == "ContentChangedError"
    assert "run --reload FILE replaces those rows" in str(result.failure.hint)
    hub.load(reload=["t/a.xlsx"])
    assert hub.execute("SELECT a FROM t") == [(2,)]


def test_other_settings_are_said_and_reload_replaces_the_rows(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A", "B"], [["-", 1], ["x", 2]])
    hub.load()
    hub.configure('t: {nulls: ["-"]}\n')
    outcome, reason = hub.load()["t/a.xlsx"]
    assert outcome is Outcome.SKIPPED
    assert "loaded with other settings; run --reload FILE loads it again with these" in reason
    outcome, notice = hub.load(reload=["t/a.xlsx"])["t/a.xlsx"]
    assert outcome is Outcome.LOADED
    assert "loaded again, in place of its rows of " in notice
    assert hub.execute("SELECT a, b FROM t ORDER BY b") == [(None, 1), ("x", 2)]
    assert statuses(hub) == ["superseded", "loaded"]
    assert hub.load()["t/a.xlsx"][1].startswith("already loaded")


def test_reload_takes_up_only_what_it_names(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/new.xlsx", ["A"], [[2]])
    assert set(hub.load(reload=["t/a.xlsx"])) == {"t/a.xlsx"}
    assert {past.status for past in hub.imports()} == {Status.SUPERSEDED, Status.LOADED}
    assert set(hub.load(reload=["t/a.xlsx"], paths=["t/new.xlsx"])) == {"t/a.xlsx", "t/new.xlsx"}


def test_reload_of_a_changed_file_under_append_keeps_older_rows(hub: Hub) -> None:
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load()
    hub.write("t/a.xlsx", ["A"], [[2]])
    hub.load(reload=["t/a.xlsx"])
    hub.load(reload=["t/a.xlsx"])
    assert hub.execute("SELECT a FROM t ORDER BY a") == [(1,), (2,)]


@pytest.mark.parametrize("policy", ["append", "replace"])
def test_a_folder_in_one_transaction_does_the_same(hub: Hub, policy: str) -> None:
    hub.configure(f"t: {{on_changed: {policy}}}\n")
    hub.write("t/a.xlsx", ["A"], [[1]])
    hub.load(sectional_commit=True)
    hub.write("t/a.xlsx", ["A"], [[2]])
    hub.write("t/b.xlsx", ["A"], [[3]])
    hub.load(sectional_commit=True)
    expected = [(2,), (3,)] if policy == "replace" else [(1,), (2,), (3,)]
    assert hub.execute("SELECT a FROM t ORDER BY a") == expected
