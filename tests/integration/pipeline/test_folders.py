"""Tables of files: folders, their settings, and skipped files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from pgdatahub.errors import ConfigError, ExitCode
from pgdatahub.model.events import Notice
from pgdatahub.model.results import Outcome
from pgdatahub.model.schema import METADATA_TABLES
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.runs.files.selection import Selection, find_files
from pgdatahub.runs.plans.plan import plan

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

ONE: Rows = [["a"], [1]]
HISTORY = set(METADATA_TABLES)


def numbered(number: int) -> Rows:
    return [["a"], [number]]


def warnings_of(warehouse: Warehouse) -> list[str]:
    return [event.text for event in warehouse.events if isinstance(event, Notice) and event.warning]


def test_nested_folders_are_tables_of_their_own(warehouse: Warehouse) -> None:
    warehouse.write("Sales/a.xlsx", numbered(1))
    warehouse.write("Sales/2024/b.xlsx", numbered(2))
    warehouse.write("Sales/2024/Q1 West/c.xlsx", numbered(3))
    warehouse.load()
    assert warehouse.tables() - HISTORY == {"sales", "sales_2024", "sales_2024_q1_west"}


def test_folders_that_differ_by_case_fill_one_table_silently(warehouse: Warehouse) -> None:
    warehouse.write("Sales/a.xlsx", numbered(1))
    warehouse.write("sales/b.xlsx", numbered(2))
    warehouse.load()
    assert sorted(warehouse.rows("sales")) == [(1,), (2,)]
    assert warnings_of(warehouse) == []


def test_two_folders_on_one_table_are_named_before_loading(warehouse: Warehouse) -> None:
    warehouse.write("A B/a.xlsx", numbered(1))
    warehouse.write("a-b/b.xlsx", numbered(2))
    warehouse.load()
    assert sorted(warehouse.rows("a_b")) == [(1,), (2,)]
    (warning,) = warnings_of(warehouse)
    assert "A B" in warning
    assert "a-b" in warning
    assert isinstance(warehouse.events[0], Notice)


@pytest.mark.parametrize("folder", ["etl_imports", "ETL Schema-Changes"])
def test_folder_named_like_a_history_table_is_refused(warehouse: Warehouse, folder: str) -> None:
    warehouse.write(f"{folder}/a.xlsx", ONE)
    warehouse.write("other/a.xlsx", ONE)
    results = {result.source.identity: result for result in warehouse.run().results}
    assert f"{folder} would be the table" in warnings_of(warehouse)[0]
    assert results["other/a.xlsx"].outcome is Outcome.LOADED
    failure = results[f"{folder}/a.xlsx"].failure
    assert failure is not None
    assert "table:" in str(failure.hint)
    assert warehouse.query("SELECT table_name FROM etl_imports") == [("other",)]


def test_lock_hidden_and_root_files_are_skipped_and_counted(warehouse: Warehouse) -> None:
    for file in ("a/~$open.xlsx", "a/.hidden.xlsx", ".git/x.xlsx", "top.xlsx", "a/good.xlsx"):
        warehouse.write(file, ONE)
    (warehouse.root / "a" / "notes.txt").write_text("no workbook")
    report = warehouse.load()
    assert [result.source.identity for result in report.results] == ["a/good.xlsx"]
    passed = {name: reason for reason, names in report.ignored.items() for name in names}
    assert passed.keys() == {"a/~$open.xlsx", "a/.hidden.xlsx", ".git/x.xlsx", "top.xlsx", "a/notes.txt"}
    assert "directly in the data root" in passed["top.xlsx"]


def test_a_circle_of_links_ends(warehouse: Warehouse) -> None:
    warehouse.write("a/good.xlsx", ONE)
    (warehouse.root / "a" / "again").symlink_to(warehouse.root, target_is_directory=True)
    report = warehouse.load()
    assert warehouse.tables() - HISTORY == {"a"}
    assert report.ignored


def test_unreadable_folder_fails_the_run_and_others_load(warehouse: Warehouse) -> None:
    warehouse.write("open/a.xlsx", ONE)
    (warehouse.root / "closed").symlink_to("closed")  # root may read any folder, and cannot follow a circle
    report = warehouse.run()
    assert [result.outcome for result in report.results] == [Outcome.LOADED]
    assert report.unreadable == {"closed": "the folder cannot be read: Too many levels of symbolic links"}
    assert report.exit_code == ExitCode.FAILED
    assert report.pause_file is None
    assert "unreadable=closed" in (warehouse.directory / "etl.log").read_text()
    planned = plan(warehouse.config)
    assert planned.unreadable == report.unreadable
    assert planned.exit_code == ExitCode.FAILED


def test_only_folders_that_a_selection_may_mean_must_be_readable(warehouse: Warehouse) -> None:
    warehouse.write("open/a.xlsx", ONE)
    (warehouse.root / "closed").symlink_to("closed")
    assert warehouse.run(warehouse.root / "open").exit_code == ExitCode.OK
    for path in (warehouse.root, warehouse.root / "closed", warehouse.root / "closed" / "a.xlsx"):
        assert warehouse.run(path).unreadable.keys() == {"closed"}
    assert warehouse.run(tables=["open"]).exit_code == ExitCode.FAILED
    assert warehouse.run(tables=["closed"]).exit_code == ExitCode.FAILED


def test_files_in_an_unreadable_folder_do_not_count_as_gone(warehouse: Warehouse) -> None:
    path = warehouse.write("open/a.xlsx", ONE)
    (warehouse.root / "closed").symlink_to("closed")
    stages = Stages(create_plugin_manager())
    for left, unreadable in ((str(warehouse.root / "closed" / "b.xlsx"), {"closed"}), (str(path), set())):
        discovery = find_files(warehouse.config, stages, Selection(locations=(left,)))
        assert discovery.unreadable.keys() == unreadable
        assert not any("is gone" in warning for warning in discovery.warnings)


def test_an_empty_data_root_is_warned_of_with_the_likely_reason(warehouse: Warehouse) -> None:
    report = warehouse.run()
    assert report.exit_code == ExitCode.OK
    (warning,) = report.warnings
    assert "data root is empty" in warning
    assert "probably not mounted" in warning
    assert warnings_of(warehouse) == [warning]
    with pytest.raises(ConfigError, match="probably not mounted"):
        warehouse.run(require_files=True)
    (warehouse.root / "notes.txt").touch()
    (warning,) = warehouse.run().warnings
    assert "has no workbook" in warning
    with pytest.raises(ConfigError, match="has no workbook"):
        plan(warehouse.config.model_copy(update={"require_files": True}))
    warehouse.write("a/a.xlsx", ONE)
    assert warehouse.run(require_files=True).warnings == ()


def test_table_and_schema_of_a_folder_are_where_its_rows_go(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  table: revenue\n  2024:\n    schema: archive\nplain:\n  schema: archive\n")
    warehouse.write("sales/a.xlsx", numbered(1))
    warehouse.write("sales/2024/b.xlsx", numbered(2))
    warehouse.write("plain/c.xlsx", numbered(3))
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE SCHEMA archive")
    warehouse.load()
    assert warehouse.tables() - HISTORY == {"revenue", "archive.revenue", "archive.plain"}
    assert warehouse.rows("revenue", schema="archive") == [(2,)]
    assert [result.outcome for result in warehouse.run().results] == [Outcome.SKIPPED] * 3


def test_missing_schema_of_a_folder_is_created_or_reported(warehouse: Warehouse) -> None:
    warehouse.configure("sales:\n  schema: archive\n")
    warehouse.write("sales/a.xlsx", numbered(1))
    (result,) = warehouse.run().results
    if result.outcome is Outcome.LOADED:
        assert warehouse.rows("sales", schema="archive") == [(1,)]
    else:
        assert "archive" in str(result.failure)


def test_the_schema_of_a_run_is_made_where_it_is_missing(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", numbered(1))
    warehouse.load(schema_name='odd "schema"; --')
    assert warehouse.tables() == {f'odd "schema"; --.{name}' for name in (*HISTORY, "sales")}


def test_first_visible_sheet_is_loaded_by_default(warehouse: Warehouse) -> None:
    sheets: dict[str, Rows] = {"One": numbered(1), "Two": numbered(2), "Three": numbered(3)}
    warehouse.write_sheets("plain/a.xlsx", sheets)
    warehouse.write_sheets("list/a.xlsx", sheets)
    warehouse.write_sheets("glob/a.xlsx", sheets)
    warehouse.write_sheets("name/a.xlsx", sheets)
    warehouse.configure(
        "list:\n  sheet: [Three, One]\nglob:\n  sheet: 'T*'\n  sheet_column: tab\nname:\n  sheet: two\n"
    )
    warehouse.load()
    assert warehouse.rows("plain") == [(1,)]
    assert warehouse.rows("list") == [(3,), (1,)]
    assert warehouse.rows("glob") == [(2, "Two"), (3, "Three")]
    assert warehouse.rows("name") == [(2,)]


def test_sheets_with_different_columns_fill_one_table(warehouse: Warehouse) -> None:
    warehouse.configure("all:\n  sheet: '*'\n")
    warehouse.write_sheets("all/a.xlsx", {"x": [["a", "b"], [1, 2]], "y": [["b", "c"], ["n/a", 3]]})
    warehouse.load()
    assert warehouse.rows("all") == [(1, "2", None), (None, "n/a", 3)]


def test_missing_sheet_fails_the_file_and_lists_its_sheets(warehouse: Warehouse) -> None:
    warehouse.configure("default_sheet: Orders\n")
    warehouse.write_sheets("a/a.xlsx", {"Januar": ONE, "Februar": ONE})
    failure = warehouse.fail().failure
    assert failure is not None
    assert failure.kind == "SheetError"
    assert "'Orders'" in failure.message
    assert "'Januar', 'Februar'" in str(failure.hint)


@pytest.mark.parametrize("name", ["source_file", "load_timestamp", "Source File", "xmin", "a"])
def test_a_sheet_column_whose_name_is_taken_does_no_harm(warehouse: Warehouse, name: str) -> None:
    warehouse.configure(f"t:\n  sheet_column: {name}\n")
    warehouse.write("t/a.xlsx", ONE)
    try:
        (result,) = warehouse.run().results
    except ConfigError as error:
        assert name in str(error)  # noqa: PT017 - either the settings are refused, or the file loads
        return
    assert result.outcome is Outcome.LOADED, result.failure
    assert "Sheet1" in warehouse.rows("t")[0]


# ── selections ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three(warehouse: Warehouse) -> Warehouse:
    for number, file in enumerate(("a/one.xlsx", "a/two.xlsx", "b/c/three.xlsx")):
        warehouse.write(file, numbered(number))
    return warehouse


def identities(warehouse: Warehouse, *paths: Path, tables: tuple[str, ...] = ()) -> list[str]:
    report = warehouse.run(*paths, tables=tables)
    assert all(result.outcome is Outcome.LOADED for result in report.results)
    return [result.source.identity for result in report.results]


def test_paths_choose_files_and_folders(three: Warehouse) -> None:
    assert identities(three, three.root / "a" / "two.xlsx") == ["a/two.xlsx"]
    assert identities(three, three.root / "b") == ["b/c/three.xlsx"]


def test_tables_choose_folders(three: Warehouse) -> None:
    assert identities(three, tables=("B_C",)) == ["b/c/three.xlsx"]
    assert identities(three, tables=("a",)) == ["a/one.xlsx", "a/two.xlsx"]


@pytest.mark.parametrize(("paths", "tables"), [(("a/nine.xlsx",), ()), ((), ("nine",))])
def test_a_selection_of_what_is_not_there_is_an_error(
    three: Warehouse, paths: tuple[str, ...], tables: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError, match="nine"):
        three.run(*(three.root / path for path in paths), tables=tables)
    assert three.tables() == set()
