"""A file that is gone: counted by ``run`` and ``status``, treated by ``on_missing``, found by its present path."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.errors import UndoError
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.missing import MissingAction
from pgdatahub.model.results import RunReport
from pgdatahub.runs.pause_file import pause_file
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.status import status
from tests.integration.undo.conftest import Hub

HEADERS = ["id", "note"]
JAN = [[1, "a"], [2, "b"]]
FEB = [[3, "c"]]
REVERT = "sales:\n  on_missing: revert\n"


@pytest.fixture
def loaded(hub: Hub) -> Hub:
    hub.write("sales/jan.xlsx", HEADERS, JAN)
    hub.write("sales/feb.xlsx", HEADERS, FEB)
    hub.load()
    return hub


def _made(file: Path) -> str:
    file.parent.mkdir(parents=True)
    return str(file)


def _rows(hub: Hub, table: str = "sales") -> list[int]:
    return sorted(row[0] for row in hub.execute(f"SELECT id FROM {table}"))


def _actions(report: RunReport) -> list[tuple[str, MissingAction]]:
    return [(one.file, one.action) for one in report.missing]


def _files(hub: Hub) -> set[str]:
    return {Path(row[0]).name for row in hub.execute("SELECT DISTINCT source_file FROM sales")}


def _agrees(hub: Hub) -> bool:
    return hub.verify().differences == 0


# ── counted ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_run_counts_a_missing_file_and_keeps_its_rows(loaded: Hub) -> None:
    (loaded.root / "sales/jan.xlsx").unlink()
    report = loaded.run()
    assert _actions(report) == [("sales/jan.xlsx", MissingAction.KEEP)]
    assert report.exit_code == 0
    assert _rows(loaded) == [1, 2, 3]


def test_status_counts_a_missing_file(loaded: Hub) -> None:
    assert status(loaded.config()).missing_files == {}
    (loaded.root / "sales/jan.xlsx").unlink()
    counts = status(loaded.config()).missing_files
    assert counts is not None
    assert {table.name: found for table, found in counts.items()} == {"sales": (1, ["sales/jan.xlsx"])}


def test_status_without_a_data_root_counts_no_file(loaded: Hub) -> None:
    loaded.root.rename(loaded.directory / "away")
    assert status(loaded.config()).missing_files is None


def test_status_counts_no_file_behind_a_broken_link(loaded: Hub) -> None:
    (loaded.root / "sales").rename(loaded.directory / "away")
    (loaded.root / "sales").symlink_to("/not/mounted")
    assert status(loaded.config()).missing_files == {}
    (loaded.root / "sales").unlink()
    (loaded.root / "sales").symlink_to(loaded.root / "sales")  # cannot be followed
    assert status(loaded.config()).missing_files == {}


def test_folder_with_the_name_of_a_file_is_not_the_file(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    (loaded.root / "sales/jan.xlsx").mkdir()
    counts = status(loaded.config()).missing_files
    assert counts is not None
    assert list(counts.values()) == [(1, ["sales/jan.xlsx"])]
    assert [(one.file, one.action) for one in plan(loaded.config()).missing] == [
        ("sales/jan.xlsx", MissingAction.REVERT)
    ]
    assert _actions(loaded.run()) == [("sales/jan.xlsx", MissingAction.REVERT)]
    assert _rows(loaded) == [3]


def test_link_to_a_folder_is_not_the_file(loaded: Hub) -> None:
    (loaded.root / "sales/jan.xlsx").unlink()
    (loaded.root / "sales/jan.xlsx").symlink_to(loaded.directory)
    assert list((status(loaded.config()).missing_files or {}).values()) == [(1, ["sales/jan.xlsx"])]


def test_moved_data_root_has_no_missing_file(loaded: Hub) -> None:
    loaded.configure(REVERT)
    moved = loaded.directory / "moved"
    loaded.root.rename(moved)
    loaded.root = moved
    assert _actions(loaded.run()) == []
    assert status(loaded.config()).missing_files == {}
    assert _rows(loaded) == [1, 2, 3]


def test_reverted_import_is_not_missing(loaded: Hub) -> None:
    loaded.revert(source_file="jan.xlsx")
    (loaded.root / "sales/jan.xlsx").unlink()
    assert _actions(loaded.run()) == []
    assert status(loaded.config()).missing_files == {}


def test_commands_show_missing_files(loaded: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", loaded.database_url)
    monkeypatch.chdir(loaded.directory)
    (loaded.root / "sales/jan.xlsx").unlink()
    result = CliRunner().invoke(create_app(only="run"), ["run", "--format", "json"])
    (missing,) = json.loads(result.stdout)["missing"]
    assert (missing["file"], missing["action"], missing["rows"]) == ("sales/jan.xlsx", "keep", 2)
    assert "1 file is gone" in CliRunner().invoke(create_app(only="run"), ["run"]).output
    assert "1 file is gone" in CliRunner().invoke(create_app(only="status"), ["status"]).output
    result = CliRunner().invoke(create_app(only="status"), ["status", "--format", "json"])
    assert json.loads(result.stdout)["missing_files"] == [{"table": "sales", "files": 1, "first": ["sales/jan.xlsx"]}]


def test_revert_of_a_file_out_of_reach_works(loaded: Hub) -> None:
    path = {"path": f"/{'n' * 300}/jan.xlsx"}  # too long for the system, as a folder may be closed to the user
    for table in ("sales", "etl_imports"):
        loaded.execute(f"UPDATE {table} SET source_file = %(path)s WHERE source_file LIKE '%%/jan.xlsx'", path)
    loaded.revert(source_file="jan.xlsx")
    assert _rows(loaded) == [3]


# ── reverted ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_missing_file_is_reverted_in_a_whole_run(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    (planned,) = plan(loaded.config()).missing
    assert (planned.file, planned.action, planned.rows) == ("sales/jan.xlsx", MissingAction.REVERT, 2)
    assert _rows(loaded) == [1, 2, 3]
    report = loaded.run()
    assert _actions(report) == [("sales/jan.xlsx", MissingAction.REVERT)]
    assert _rows(loaded) == [3]
    assert _agrees(loaded)
    assert [past.status for past in loaded.imports() if past.identity == "sales/jan.xlsx"] == [Status.REVERTED.value]
    assert _actions(loaded.run()) == []
    loaded.write("sales/jan.xlsx", HEADERS, JAN)
    loaded.load()
    assert _rows(loaded) == [1, 2, 3]


def test_other_folders_keep_their_rows(loaded: Hub) -> None:
    loaded.configure("stock:\n  on_missing: revert\n")
    (loaded.root / "sales/jan.xlsx").unlink()
    assert _actions(loaded.run()) == [("sales/jan.xlsx", MissingAction.KEEP)]


def test_plan_shows_the_revert_on_screen(loaded: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    monkeypatch.setenv("DATABASE_URL", loaded.database_url)
    monkeypatch.chdir(loaded.directory)
    arguments = ["plan", "--config", "etl_config.yaml"]
    assert "revert  sales/jan.xlsx" in CliRunner().invoke(create_app(only="plan"), arguments).output
    result = CliRunner().invoke(create_app(only="plan"), [*arguments, "--format", "json"])
    assert json.loads(result.stdout)["missing"][0]["action"] == "revert"


def _partial(hub: Hub, how: str) -> RunReport:
    selections = {
        "path": Selection(paths=(hub.root / "sales",)),
        "table": Selection(tables=("sales",)),
        "reload": Selection(reload=(hub.root / "sales/feb.xlsx",)),
        "locations": Selection(locations=(str(hub.root / "sales/feb.xlsx"),)),
    }
    return run(hub.config(), selection=selections[how])


@pytest.mark.parametrize("how", ["path", "table", "reload", "locations"])
def test_partial_run_reverts_nothing(loaded: Hub, how: str) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    report = _partial(loaded, how)
    assert report.missing == ()
    assert _rows(loaded) == [1, 2, 3]


def test_resume_reverts_nothing(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    loaded.write("sales/a.xlsx", HEADERS, [[7, "x"]])
    (loaded.root / "sales/b.xlsx").write_bytes(b"no workbook")
    loaded.write("sales/c.xlsx", HEADERS, [[8, "x"]])
    report = loaded.run(on_error="stop")
    assert report.stopped is not None
    assert report.missing == ()
    assert pause_file(loaded.config()).exists()
    (loaded.root / "sales/b.xlsx").unlink()
    report = run(loaded.config(), resume=True)
    assert report.missing == ()
    assert {1, 2} <= set(_rows(loaded))


def test_dry_run_reverts_nothing(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    assert loaded.run(skip_db=True).missing == ()
    assert _rows(loaded) == [1, 2, 3]


@pytest.mark.parametrize("how", ["empty", "gone", "only a lock file"])
def test_empty_folder_reverts_nothing(loaded: Hub, how: str) -> None:
    loaded.configure(REVERT)
    loaded.write("stock/one.xlsx", ["id"], [[1]])
    shutil.rmtree(loaded.root / "sales")
    if how != "gone":
        (loaded.root / "sales").mkdir()
    if how == "only a lock file":
        (loaded.root / "sales/~$dec.xlsx").write_bytes(b"x")  # of another workbook
    report = loaded.run()
    assert {action for _, action in _actions(report)} == {MissingAction.KEEP}
    assert all(one.reason for one in report.missing)
    assert _rows(loaded) == [1, 2, 3]
    assert [one.action for one in plan(loaded.config()).missing] == [MissingAction.KEEP] * 2


def test_workbook_that_excel_saves_is_not_reverted(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").rename(loaded.root / "sales/~$jan.xlsx")
    assert plan(loaded.config()).missing == ()
    assert _actions(loaded.run()) == []
    assert _rows(loaded) == [1, 2, 3]


def test_refused_revert_is_not_advised(loaded: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", loaded.database_url)
    monkeypatch.chdir(loaded.directory)
    loaded.configure(REVERT)
    shutil.rmtree(loaded.root / "sales")
    loaded.write("other/x.xlsx", HEADERS, FEB)
    output = CliRunner().invoke(create_app(only="run"), ["run", "--config", "etl_config.yaml"]).output
    assert "its 1 row stays in sales: its folder has no workbook" in output
    assert "on_missing: revert would" not in output


def test_empty_data_root_reverts_nothing(loaded: Hub) -> None:
    loaded.configure(REVERT)
    shutil.rmtree(loaded.root)
    loaded.root.mkdir()
    assert {action for _, action in _actions(loaded.run())} == {MissingAction.KEEP}
    assert _rows(loaded) == [1, 2, 3]


def test_unreadable_folder_reverts_nothing(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    # A circle of links cannot be read by any account, not even by root.
    (loaded.root / "more").symlink_to("more")
    report = loaded.run()
    assert report.unreadable
    assert _actions(report) == [("sales/jan.xlsx", MissingAction.KEEP)]
    assert "more could not be read" in str(report.missing[0].reason)
    assert _rows(loaded) == [1, 2, 3]


def test_files_of_another_root_that_is_away_stay(loaded: Hub) -> None:
    loaded.configure(REVERT)
    loaded.root.rename(loaded.directory / "away")
    other = loaded.directory / "other"
    with xlsxwriter.Workbook(_made(other / "sales/mar.xlsx")) as book:
        book.add_worksheet().write_column(0, 0, ["id", 9])
    planned = plan(loaded.config(data_root=str(other))).missing
    report = loaded.run(data_root=str(other))
    for missing in (planned, report.missing):
        assert [one.action for one in missing] == [MissingAction.KEEP] * 2
        assert "may not be mounted" in str(missing[0].reason)
    assert _rows(loaded) == [1, 2, 3, 9]


def test_file_missing_in_a_moved_root_is_reverted(loaded: Hub) -> None:
    loaded.configure(REVERT)
    moved = loaded.root.rename(loaded.directory / "moved")
    (moved / "sales/jan.xlsx").unlink()
    assert _actions(loaded.run(data_root=str(moved))) == [("sales/jan.xlsx", MissingAction.REVERT)]


def test_failed_file_of_the_table_reverts_nothing(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    (loaded.root / "sales/january.xlsx").write_bytes(b"half a copy")
    report = loaded.run()
    assert _actions(report) == [("sales/jan.xlsx", MissingAction.KEEP)]
    assert [one.action for one in plan(loaded.config()).missing] == [MissingAction.KEEP]
    assert _rows(loaded) == [1, 2, 3]


def test_rows_changed_by_hand_are_not_reverted(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "sales/jan.xlsx").unlink()
    loaded.execute("UPDATE sales SET note = 'own' WHERE id = 1")
    planned = plan(loaded.config())
    assert (planned.missing[0].action, planned.exit_code) == (MissingAction.FAIL, 1)
    report = loaded.run()
    assert planned.missing == report.missing
    assert _actions(report) == [("sales/jan.xlsx", MissingAction.FAIL)]
    assert report.exit_code == 1
    assert _rows(loaded) == [1, 2, 3]


def test_rows_changed_by_hand_are_not_taken_over(loaded: Hub) -> None:
    loaded.configure(REVERT)
    shutil.copy(loaded.root / "sales/jan.xlsx", loaded.root / "sales/copy.xlsx")
    loaded.run()
    (loaded.root / "sales/jan.xlsx").unlink()
    loaded.execute("UPDATE sales SET note = 'own' WHERE id = 1")
    planned = plan(loaded.config())
    assert [(one.file, one.action) for one in planned.missing] == [("sales/jan.xlsx", MissingAction.FAIL)]
    assert loaded.run().missing == planned.missing


KEYED = "sales:\n  key: [id]\n  on_missing: revert\n"
SNAPSHOT = "sales:\n  mode: snapshot\n  on_missing: revert\n"


def _notes(hub: Hub) -> dict[int, str]:
    return dict(hub.execute("SELECT id, note FROM sales"))


def _planned(hub: Hub) -> list[tuple[str, MissingAction]]:
    return [(one.file, one.action) for one in plan(hub.config()).missing]


@pytest.fixture
def keyed(hub: Hub) -> Hub:
    hub.configure(KEYED)
    hub.write("sales/a.xlsx", HEADERS, [[1, "a"], [2, "b"]])
    hub.write("sales/b.xlsx", HEADERS, [[2, "new"], [3, "c"]])
    hub.load()
    return hub


def test_missing_file_gives_way_to_older_rows_of_its_keys(keyed: Hub) -> None:
    (keyed.root / "sales/b.xlsx").unlink()
    assert _planned(keyed) == [("sales/b.xlsx", MissingAction.REVERT)]
    assert _actions(keyed.run()) == [("sales/b.xlsx", MissingAction.REVERT)]
    assert _notes(keyed) == {1: "a", 2: "b"}
    assert _agrees(keyed)


def test_missing_file_whose_rows_lost_leaves_the_table(keyed: Hub) -> None:
    (keyed.root / "sales/a.xlsx").unlink()
    assert _actions(keyed.run()) == [("sales/a.xlsx", MissingAction.REVERT)]
    assert _notes(keyed) == {2: "new", 3: "c"}
    assert keyed.execute("SELECT count(*) FROM sales_replaced") == [(0,)]
    assert _agrees(keyed)


def test_renamed_file_has_rows_of_its_own_by_key(keyed: Hub) -> None:
    (keyed.root / "sales/a.xlsx").rename(keyed.root / "sales/c.xlsx")  # the newest now
    assert _planned(keyed) == [("sales/a.xlsx", MissingAction.REVERT)]
    assert _actions(keyed.run()) == [("sales/a.xlsx", MissingAction.REVERT)]
    assert _notes(keyed) == {1: "a", 2: "b", 3: "c"}
    assert _agrees(keyed)
    assert keyed.run().missing == ()


def test_missing_snapshot_gives_way_to_the_one_before(hub: Hub) -> None:
    hub.configure(SNAPSHOT)
    hub.write("sales/a.xlsx", HEADERS, JAN)
    hub.write("sales/b.xlsx", HEADERS, FEB)
    hub.load()
    (hub.root / "sales/b.xlsx").unlink()
    assert _actions(hub.run()) == [("sales/b.xlsx", MissingAction.REVERT)]
    assert _rows(hub) == [1, 2]
    assert _agrees(hub)


def test_missing_file_takes_its_rows_out_of_the_quarantine(hub: Hub) -> None:
    hub.configure("sales:\n  on_missing: revert\n  on_bad: quarantine\n  columns: {id: {type: integer, min: 0}}\n")
    hub.write("sales/jan.xlsx", HEADERS, [[-1, "x"], [1, "a"]])
    hub.write("sales/feb.xlsx", HEADERS, [[-2, "x"], [2, "b"]])
    hub.load()
    (hub.root / "sales/jan.xlsx").unlink()
    assert _actions(hub.run()) == [("sales/jan.xlsx", MissingAction.REVERT)]
    assert hub.execute("SELECT cells ->> 'id' FROM etl_quarantine") == [("-2",)]
    assert _agrees(hub)
    (hub.root / "sales/feb.xlsx").rename(hub.root / "sales/mar.xlsx")
    assert _actions(hub.run()) == [("sales/feb.xlsx", MissingAction.TAKE_OVER)]
    assert hub.execute("SELECT cells ->> 'id' FROM etl_quarantine") == [("-2",)]
    assert _rows(hub) == [2]
    assert _agrees(hub)


SEVERAL = "sales:\n  on_missing: revert\n  sheets:\n    One: {table: ones}\n    Two: {table: twos}\n"


def _write_two_sheets(path: Path, number: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("One", "Two"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["id"])
            sheet.write_row(1, 0, [number])


@pytest.fixture
def of_sheets(hub: Hub) -> Hub:
    hub.configure(SEVERAL)
    _write_two_sheets(hub.root / "sales/jan.xlsx", 1)
    _write_two_sheets(hub.root / "sales/feb.xlsx", 2)
    hub.load()
    return hub


def test_missing_file_is_reverted_in_all_its_tables(of_sheets: Hub) -> None:
    (of_sheets.root / "sales/jan.xlsx").unlink()
    assert _actions(of_sheets.run()) == [("sales/jan.xlsx", MissingAction.REVERT)] * 2
    assert (_rows(of_sheets, "ones"), _rows(of_sheets, "twos")) == ([2], [2])
    assert _agrees(of_sheets)


def test_renamed_file_takes_over_in_all_its_tables(of_sheets: Hub) -> None:
    (of_sheets.root / "sales/jan.xlsx").rename(of_sheets.root / "sales/january.xlsx")
    assert _actions(of_sheets.run()) == [("sales/jan.xlsx", MissingAction.TAKE_OVER)] * 2
    assert (_rows(of_sheets, "ones"), _rows(of_sheets, "twos")) == ([1, 2], [1, 2])
    assert _agrees(of_sheets)


def test_failed_file_of_several_tables_reverts_nothing(of_sheets: Hub) -> None:
    (of_sheets.root / "sales/jan.xlsx").unlink()
    (of_sheets.root / "sales/january.xlsx").write_bytes(b"half a copy")
    assert [one.action for one in plan(of_sheets.config()).missing] == [MissingAction.KEEP] * 2
    assert _actions(of_sheets.run()) == [("sales/jan.xlsx", MissingAction.KEEP)] * 2


# ── taken over ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", ["append", "replace", "fail"])
def test_renamed_file_takes_the_rows_over(loaded: Hub, policy: str) -> None:
    loaded.configure(f"sales:\n  on_missing: revert\n  on_changed: {policy}\n")
    before = {past.id for past in loaded.imports()}
    (loaded.root / "sales/jan.xlsx").rename(loaded.root / "sales/january.xlsx")
    (planned,) = plan(loaded.config()).missing
    assert (planned.action, planned.heir) == (MissingAction.TAKE_OVER, "sales/january.xlsx")
    report = loaded.run()
    assert _actions(report) == [("sales/jan.xlsx", MissingAction.TAKE_OVER)]
    assert _files(loaded) == {"january.xlsx", "feb.xlsx"}
    assert _rows(loaded) == [1, 2, 3]
    assert {past.id for past in loaded.imports()} == before
    assert _agrees(loaded)
    again = loaded.run()
    assert again.missing == ()
    assert {result.outcome.value for result in again.results} == {"skipped"}


def test_file_moved_to_a_folder_of_its_table_takes_over(loaded: Hub) -> None:
    loaded.configure("sales:\n  table: sales\n  on_missing: revert\n")
    (loaded.root / "sales/old").mkdir()
    (loaded.root / "sales/jan.xlsx").rename(loaded.root / "sales/old/jan.xlsx")
    assert _actions(loaded.run()) == [("sales/jan.xlsx", MissingAction.TAKE_OVER)]
    assert _rows(loaded) == [1, 2, 3]
    assert _agrees(loaded)


def test_copy_of_a_deleted_file_takes_over(loaded: Hub) -> None:
    loaded.configure(REVERT)
    shutil.copy(loaded.root / "sales/jan.xlsx", loaded.root / "sales/copy.xlsx")
    loaded.run()
    (loaded.root / "sales/jan.xlsx").unlink()
    assert _actions(loaded.run()) == [("sales/jan.xlsx", MissingAction.TAKE_OVER)]
    (loaded.root / "sales/copy.xlsx").unlink()
    assert _actions(loaded.run()) == [("sales/copy.xlsx", MissingAction.REVERT)]
    assert _rows(loaded) == [3]


def test_edited_copy_does_not_take_over(loaded: Hub) -> None:
    loaded.configure("sales:\n  on_missing: revert\n  on_changed: replace\n")
    shutil.copy(loaded.root / "sales/jan.xlsx", loaded.root / "sales/copy.xlsx")
    loaded.run()
    (loaded.root / "sales/jan.xlsx").unlink()
    loaded.write("sales/copy.xlsx", HEADERS, [[9, "z"]])
    assert _actions(loaded.run()) == [("sales/jan.xlsx", MissingAction.REVERT)]
    assert _rows(loaded) == [3, 9]
    assert _agrees(loaded)


def test_file_moved_to_another_table_is_reverted_here(loaded: Hub) -> None:
    loaded.configure(REVERT)
    (loaded.root / "stock").mkdir()
    (loaded.root / "sales/jan.xlsx").rename(loaded.root / "stock/jan.xlsx")
    assert _actions(loaded.run()) == [("sales/jan.xlsx", MissingAction.REVERT)]
    assert (_rows(loaded), _rows(loaded, "stock")) == ([3], [1, 2])


# ── a data root that moved ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def moved(loaded: Hub) -> Hub:
    new = loaded.directory / "moved"
    loaded.root.rename(new)
    loaded.root = new
    return loaded


def test_revert_takes_the_present_path_of_a_moved_root(moved: Hub) -> None:
    result = moved.revert(source_file=str(moved.root / "sales/jan.xlsx"))
    assert result.plan.rows == 2
    assert any("is still in its folder" in note for note in result.plan.notes)
    assert _rows(moved) == [3]


def test_revert_takes_a_relative_path_of_a_moved_root(moved: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(moved.directory)
    moved.revert(source_file="moved/sales/jan.xlsx")
    assert _rows(moved) == [3]


def test_revert_schema_takes_the_present_path(moved: Hub) -> None:
    path = str(moved.root / "sales/jan.xlsx")
    moved.revert(source_file=path)
    assert moved.revert_schema("sales", path).plan.refusals == ()


def test_revert_of_a_moved_and_changed_file_takes_the_loaded(moved: Hub) -> None:
    moved.write("sales/jan.xlsx", HEADERS, [[7, "n"]])
    moved.load()
    path = str(moved.root / "sales/jan.xlsx")
    moved.revert(source_file=path)
    assert _rows(moved) == [1, 2, 3]
    moved.revert(source_file=path)
    assert _rows(moved) == [3]


@pytest.fixture
def linked(hub: Hub) -> Hub:
    """A data root that is a link, with a folder that is a link, and a link to a file."""
    hub.root.rmdir()
    (hub.directory / "disk").mkdir()
    (hub.directory / "share").mkdir()
    hub.root.symlink_to(hub.directory / "disk")
    (hub.root / "sales").symlink_to(hub.directory / "share")
    hub.write("sales/jan.xlsx", HEADERS, JAN)
    hub.write("sales/feb.xlsx", HEADERS, FEB)
    hub.write("other/x.xlsx", HEADERS, FEB)
    (hub.directory / "january.xlsx").symlink_to(hub.root / "sales/jan.xlsx")
    hub.load()
    return hub


PATHS = ("data/sales/jan.xlsx", "disk/sales/jan.xlsx", "share/jan.xlsx", "january.xlsx", "disk/../share/jan.xlsx")


@pytest.mark.parametrize("moved", [False, True], ids=["in place", "moved"])
@pytest.mark.parametrize("path", PATHS)
def test_revert_takes_each_path_that_leads_to_the_file(linked: Hub, path: str, moved: bool) -> None:
    if moved:  # the old path leads there still, and is not that of the load
        linked.root.unlink()
        (linked.directory / "disk").rename(linked.directory / "elsewhere")
        (linked.directory / "disk").symlink_to("elsewhere")
        (linked.directory / "data").symlink_to("elsewhere")
        linked.root = linked.directory / "elsewhere"
    linked.revert(source_file=str(linked.directory / path))
    assert _rows(linked) == [3]


@pytest.mark.parametrize("path", PATHS)
def test_revert_takes_a_path_by_links_to_a_deleted_file(linked: Hub, path: str) -> None:
    (linked.root / "sales/jan.xlsx").unlink()
    linked.revert(source_file=str(linked.directory / path))
    assert _rows(linked) == [3]


def test_revert_takes_a_relative_path_by_links(linked: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(linked.directory / "disk")
    assert linked.revert(source_file="../share/jan.xlsx", dry_run=True).plan.rows == 2
    assert linked.revert(source_file="./sales/jan.xlsx", dry_run=True).plan.rows == 2
    assert [one.identity for one in linked.history(file="../share/jan.xlsx") if isinstance(one, ImportRow)] == [
        "sales/jan.xlsx"
    ]


def test_path_outside_of_the_data_root_is_not_found(moved: Hub, tmp_path: Path) -> None:
    with pytest.raises(UndoError, match="no import"):
        moved.revert(source_file=str(tmp_path / "elsewhere/jan.xlsx"))


def test_missing_files_of_remote_roots_are_left_alone(loaded: Hub) -> None:
    def identities(**settings: Any) -> object:
        return status(loaded.config(**settings)).missing_files

    assert identities(data_root="memory://nothing-there") is None
