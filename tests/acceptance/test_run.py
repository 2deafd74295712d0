"""``pgdatahub run`` as people meet it: the quickstart, running again, choosing, looking only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Finished, Place

pytestmark = pytest.mark.integration

ROWS = {
    "customers": 160,
    "finance_payments": 180,
    "plant_roaster_log": 300,
    "products": 32,
    "sales_2024": 210,
    "sales_2025": 600,
    "stock_counts": 330,
}


# ── the quickstart ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_quickstart_loads_into_tables(first_run: Finished, quickstart_place: Place) -> None:
    assert first_run.code == 0, first_run.err
    counts = {
        table: quickstart_place.query(f"SELECT count(*), count(DISTINCT source_file) FROM {table}")[0] for table in ROWS
    }
    assert {table: rows for table, (rows, _) in counts.items()} == ROWS
    assert quickstart_place.query("SELECT count(*), sum(row_count) FROM etl_imports") == [(14, sum(ROWS.values()))]


def test_the_first_line_of_a_run_names_where_the_rows_go(first_run: Finished, quickstart_place: Place) -> None:
    (database,) = quickstart_place.query("SELECT current_database()")[0]
    first, *_ = first_run.err.splitlines()
    assert database in first
    assert "PostgreSQL" in first
    assert "16 files" in first
    assert database in first_run.out.splitlines()[-1]


def test_run_has_a_line_for_each_file_and_explains_new_types(
    first_run: Finished,
) -> None:
    lines = first_run.err.splitlines()
    assert sum(line.startswith("loaded ") for line in lines) == 14
    assert [line for line in lines if line.startswith("skipped 2 files of sales_2025: ")]
    assert any("po_number: INTEGER → TEXT because" in line and 'Orders!G3 is "n/a"' in line for line in lines)
    assert any("discount_percent: new column" in line for line in lines)


def test_summary_on_stdout_has_a_line_for_each_table(
    first_run: Finished,
) -> None:
    assert all(any(line.split()[:1] == [table] for line in first_run.out.splitlines()) for table in ROWS)
    assert "14 files loaded, 1,812 rows, 2 skipped" in first_run.out
    assert "~$Leipzig week 11.xlsx" in first_run.out


def test_colours_and_movement_are_for_terminals_only(first_run: Finished) -> None:
    assert "\x1b" not in first_run.out + first_run.err
    assert "\r" not in first_run.out + first_run.err


def test_a_second_run_loads_nothing_and_says_why_for_each_file(
    second_run: Finished,
) -> None:
    assert second_run.code == 0
    report = second_run.json
    assert {file["outcome"] for file in report["files"]} == {"skipped"}
    reasons = {file["file"]: file["reason"] for file in report["files"]}
    assert len(reasons) == 16
    assert reasons["sales/2025/orders 2025-02_copy.xlsx"].startswith("is the same file as sales/2025/orders 2025-02")
    assert reasons["sales/2025/orders 2025-01_saved again.xlsx"].startswith("has the same content as sales/2025/")
    others = [reason for name, reason in reasons.items() if "_" not in name.rsplit("/", 1)[-1]]
    assert all(reason.startswith("already loaded 20") for reason in others)


def test_json_is_all_that_stands_on_standard_output(second_run: Finished) -> None:
    report = second_run.json
    assert report["exit_code"] == 0
    assert "PostgreSQL" in report["destination"]
    assert report["ignored"] == {"a lock file: the workbook is open in Excel": ["stock/counts/~$Leipzig week 11.xlsx"]}


# ── results and exit codes ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def mixed(place: Place) -> Place:
    """A good file, a broken one, an empty one."""
    place.write("good/a.xlsx", [["a", "b"], [1, "x"], [2, "y"]])
    place.write("empty/a.xlsx", [])
    (place.directory / "data" / "bad").mkdir()
    (place.directory / "data" / "bad" / "a.xlsx").write_bytes(b"a;b\n1;2\n")
    return place


def test_a_bad_file_costs_that_file_only_and_the_run_ends_with_1(mixed: Place) -> None:
    done = mixed.run("run")
    assert done.code == 1
    assert mixed.query("SELECT a, b FROM good ORDER BY a") == [(1, "x"), (2, "y")]
    assert mixed.query("SELECT count(*) FROM etl_imports") == [(1,)]
    assert "Traceback" not in done.err
    (line,) = [line for line in done.err.splitlines() if line.startswith("failed")]
    assert "bad/a.xlsx" in line
    assert "CSV" in line or "text" in line
    assert "1 file failed; nothing of it is in the tables" in done.out.splitlines()
    assert any("empty/a.xlsx" in line and "empty" in line for line in done.err.splitlines())


def test_quiet_says_nothing_but_what_went_wrong(mixed: Place) -> None:
    done = mixed.run("run", "--quiet")
    assert done.code == 1
    assert "good" not in done.out + done.err
    assert "bad/a.xlsx" in done.out + done.err
    (mixed.directory / "data" / "bad" / "a.xlsx").unlink()
    again = mixed.run("run", "-q")
    assert (again.code, again.out, again.err) == (0, "", "")


def test_quiet_json_is_json_alone(mixed: Place) -> None:
    done = mixed.run("run", "--quiet", "--format", "json")
    assert done.code == 1
    outcomes = {file["file"]: file["outcome"] for file in done.json["files"]}
    assert outcomes == {
        "good/a.xlsx": "loaded",
        "empty/a.xlsx": "skipped",
        "bad/a.xlsx": "failed",
    }
    failure = next(file["failure"] for file in done.json["files"] if file["failure"])
    assert failure["kind"] == "NotAWorkbookError"


def test_a_folder_that_cannot_be_read_is_named_and_ends_with_1(place: Place) -> None:
    place.write("open/a.xlsx", [["a"], [1]])
    (place.directory / "data" / "closed").symlink_to("closed")
    for command in (("run",), ("plan",)):
        done = place.run(*command)
        assert done.code == 1
        assert "not read: closed: the folder cannot be read" in done.out
        assert "1 folder could not be read" in done.out
        quiet = place.run(*command, "--quiet", "--format", "json")
        assert quiet.code == 1
        assert "closed: the folder cannot be read" in quiet.err
        assert quiet.json["unreadable"].keys() == {"closed"}
    assert place.query("SELECT a FROM open") == [(1,)]


def test_a_data_root_without_files_may_be_made_an_error(place: Place) -> None:
    (place.directory / "data").mkdir()
    done = place.run("run")
    assert done.code == 0
    assert "warning: data: the data root is empty; if a network share" in done.err
    for done in (place.run("run", "--require-files"), place.run("run", ETL_REQUIRE_FILES="1")):
        assert done.code == 2
        assert "data: the data root is empty" in done.error


def test_etl_is_another_name_of_run(place: Place) -> None:
    place.write("good/a.xlsx", [["a"], [1]])
    assert place.run("etl", "-q").code == 0
    assert place.query("SELECT a FROM good") == [(1,)]


def test_a_data_root_without_files_is_no_failure(place: Place) -> None:
    (place.directory / "data").mkdir()
    done = place.run("run")
    assert done.code == 0
    assert "0 files" in done.out


# ── part of it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_relative_paths_and_tables_select_the_files_loaded(
    place: Place,
) -> None:
    for name in ("a/one.xlsx", "a/two.xlsx", "b/three.xlsx", "c/four.xlsx"):
        place.write(name, [["a"], [name]])
    done = place.run("run", "data/a/two.xlsx", "data/b", "--format", "json")
    assert [file["file"] for file in done.json["files"]] == [
        "a/two.xlsx",
        "b/three.xlsx",
    ]
    done = place.run("run", "--table", "c", "--table", "A", "--format", "json")
    outcomes = {file["file"]: file["outcome"] for file in done.json["files"]}
    assert outcomes == {
        "a/one.xlsx": "loaded",
        "a/two.xlsx": "skipped",
        "c/four.xlsx": "loaded",
    }


@pytest.mark.parametrize("arguments", [("data/nine",), ("--table", "nine")])
def test_what_is_not_there_is_a_mistake_of_the_command(place: Place, arguments: tuple[str, ...]) -> None:
    place.write("a/one.xlsx", [["a"], [1]])
    done = place.run("run", *arguments)
    assert done.code == 2
    assert "nine" in done.error


def test_the_data_root_and_the_schema_can_be_options(place: Place) -> None:
    place.write("a/one.xlsx", [["a"], [1]])
    (place.directory / "data").rename(place.directory / "other")
    assert place.run("run", "-q", "--data-root", "other", "--schema", "Two Words").code == 0
    assert place.query('SELECT a FROM "Two Words".a') == [(1,)]


# ── looking only ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("arguments", [("run", "--dry-run"), ("run",)])
def test_dry_run_reads_all_writes_nothing_starts_no_server(unserved: Place, arguments: tuple[str, ...]) -> None:
    unserved.write("good/a.xlsx", [["a"], [1], [2]])
    done = unserved.run(*arguments, SKIP_DB=None if "--dry-run" in arguments else "1")
    assert done.code == 0, done.err
    assert "nowhere" in done.err.splitlines()[0]
    assert "read    good/a.xlsx → good: 2 rows" in done.err
    assert "nothing was written" in done.out
    assert not (unserved.directory / "home").exists()
    assert {path.name for path in unserved.directory.iterdir()} <= {"data", "etl.log"}


def test_a_dry_run_leaves_the_database_as_it_was(mixed: Place) -> None:
    done = mixed.run("run", "--dry-run", "--format", "json")
    assert done.code == 1
    assert {file["outcome"] for file in done.json["files"]} == {
        "read",
        "skipped",
        "failed",
    }
    assert mixed.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


def test_inspect_asks_no_database(unserved: Place) -> None:
    path = unserved.write("good/a.xlsx", [["Größe", "Name"], [1.5, "x"], ["n/a", "y"]])
    done = unserved.run("inspect", path)
    assert done.code == 0
    assert "groesse" in done.out or "grosse" in done.out
    assert 'Sheet1!A3 is "n/a"' in done.out
    sheet = json.loads(unserved.run("inspect", path, "--format", "json").out)["sheets"][0]
    assert [column["type"] for column in sheet["columns"]] == ["text", "text"]
    assert not (unserved.directory / "home").exists()


def test_inspect_says_if_a_run_would_not_find_its_sheet(unserved: Place) -> None:
    path = unserved.write("good/a.xlsx", [["name"], ["x"]])
    folder_options = unserved.directory / "config" / "etl_config.yaml"
    folder_options.parent.mkdir(exist_ok=True)
    folder_options.write_text("good:\n  sheet: Kunden\n", encoding="utf-8")
    done = unserved.run("inspect", path)
    assert "a run would load no sheet: no sheet 'Kunden' (the sheets are: 'Sheet1')" in done.out
    assert json.loads(unserved.run("inspect", path, "--format", "json").out)["failure"] == "no sheet 'Kunden'"


def test_inspect_of_what_is_no_workbook_is_one_line(unserved: Place) -> None:
    (unserved.directory / "a.xlsx").write_bytes(b"a;b\n1;2\n")
    done = unserved.run("inspect", "a.xlsx")
    assert done.code == 1
    assert "a.xlsx" in done.error
    assert unserved.run("inspect", "gone.xlsx").code == 2


def test_plugins_lists_the_stages(unserved: Place) -> None:
    done = unserved.run("plugins", "--format", "json")
    assert done.code == 0
    plugins = {plugin["name"]: plugin for plugin in done.json}
    assert "pgdatahub_read" in plugins["read_xlsx"]["hooks"]
    left_out = unserved.run("plugins", "--format", "json", PGDATAHUB_DISABLE_PLUGINS="read_calamine")
    assert {plugin["name"] for plugin in left_out.json if plugin["disabled"]} == {"read_calamine"}


# ── the embedded server ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("server_url")
def test_without_any_setting_the_rows_go_to_the_embedded_server(place: Place) -> None:
    # The server of this test run is the one in PGDATAHUB_HOME, which the environment names; only the schema is ours.
    place.write("good/a.xlsx", [["a"], [1]])
    (schema,) = place.query("SELECT current_database()")[0]
    try:
        done = place.run("run", "--schema", schema, DATABASE_URL=None)
        assert done.code == 0
        first = next(line for line in done.err.splitlines() if "file" in line)
        assert "1 file" in first
        assert "the embedded server" in first
        shown = place.run(
            "db",
            "psql",
            "--",
            "-Atc",
            f"SELECT a FROM {schema}.good",
            DATABASE_URL=None,
        )
        assert shown.out.split() == ["1"]
    finally:
        place.run(
            "db",
            "psql",
            "--",
            "-qc",
            f"DROP SCHEMA {schema} CASCADE",
            DATABASE_URL=None,
        )
