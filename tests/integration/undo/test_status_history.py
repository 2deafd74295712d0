"""Commands status and history."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.errors import ConfigError
from pgdatahub.model.imports import ChangeRow, ImportRow
from pgdatahub.runs.history import history
from pgdatahub.runs.status import status
from tests.integration.undo.conftest import Hub


@pytest.fixture
def told(hub: Hub) -> Hub:
    hub.write("sales/a.xlsx", ["Id", "Amount"], [[1, 10], [2, 20]])
    hub.write("stock/s.xlsx", ["Part"], [["p"]])
    hub.load()
    hub.write("sales/b.xlsx", ["Id", "Amount", "Note"], [[3, "n/a", "x"]])
    hub.load()
    return hub


def test_status_names_tables_rows_imports_last_load_and_size(told: Hub) -> None:
    found = status(told.config())
    assert [(str(one.table), one.rows, one.imports, one.exists) for one in found.tables] == [
        ("sales", 3, 2, True),
        ("stock", 1, 1, True),
    ]
    assert [one.last_load for one in found.tables] == [
        max(past.imported_at for past in told.imports() if past.table.name == name) for name in ("sales", "stock")
    ]
    assert all(one.bytes >= 8192 for one in found.tables)
    assert (found.rows, found.counted, found.pause_file) == (4, False, None)


def test_status_counts_rows_of_ones_own_only_if_asked(told: Hub) -> None:
    told.execute("INSERT INTO stock VALUES ('mine')")
    assert status(told.config()).rows == 4
    counted = status(told.config(), count=True)
    assert (counted.rows, counted.counted) == (5, True)


def test_status_names_held_files_dropped_tables_and_paused_run(told: Hub) -> None:
    told.revert(source_file="b.xlsx", hold=True)
    told.execute("DROP TABLE stock")
    (told.directory / ".etl_pause.json").write_text("{}")
    found = status(told.config())
    assert [(str(one.table), one.exists, one.held) for one in found.tables] == [("sales", True, 1), ("stock", False, 0)]
    assert found.pause_file == str(told.directory / ".etl_pause.json")


def test_status_of_an_empty_database_says_so_and_writes_nothing(hub: Hub) -> None:
    assert status(hub.config()).tables == ()
    assert hub.history() == ()
    assert hub.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_table_that_an_undo_dropped_is_not_listed(told: Hub) -> None:
    told.revert(source_file="s.xlsx", schema=True)
    assert [str(one.table) for one in status(told.config()).tables] == ["sales"]


def test_history_puts_each_change_after_its_import(told: Hub) -> None:
    told.revert(source_file="b.xlsx", schema=True)
    entries = told.history(table="sales")
    lines = [
        f"{entry.change_type} {entry.column}" if isinstance(entry, ChangeRow) else entry.identity for entry in entries
    ]
    assert lines == [
        "sales/a.xlsx",
        "create_table None",
        *(f"create_table {name}" for name in ("id", "amount", "source_file", "load_timestamp")),
        "sales/b.xlsx",
        "alter_type amount",
        "add_column note",
        "restore_type amount",
        "drop_column note",
    ]
    (widened,) = [one for one in entries if isinstance(one, ChangeRow) and one.change_type == "alter_type"]
    assert (widened.cell, widened.sample) == ("Sheet1!B2", "n/a")
    statuses = [entry.status for entry in entries if isinstance(entry, ImportRow)]
    assert statuses == ["loaded", "reverted"]


def test_history_of_a_file_and_since_a_moment(told: Hub) -> None:
    assert {entry.source_file for entry in told.history(file="b.xlsx")} == {str(told.root / "sales/b.xlsx")}
    last = told.imports()[-1].imported_at
    assert [past.identity for past in told.history(since=last) if isinstance(past, ImportRow)] == ["sales/b.xlsx"]
    assert told.history(since=last + timedelta(seconds=1)) == ()
    with pytest.raises(ConfigError, match="knows no table 'sale'"):
        told.history(table="sale")


@pytest.mark.parametrize("written", ["./data/sales/b.xlsx", "data/../data/sales/b.xlsx", "b.xlsx", "sales/b.xlsx"])
def test_history_finds_a_file_by_each_form_of_its_path(
    written: str, told: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(told.directory)
    entries = told.history(file=written)
    assert [past.identity for past in entries if isinstance(past, ImportRow)] == ["sales/b.xlsx"]
    assert len([change for change in entries if isinstance(change, ChangeRow)]) == 2


def test_history_may_be_limited_to_the_latest_imports(told: Hub) -> None:
    timeline = history(told.config(), limit=1)
    assert [past.identity for past in timeline.entries if isinstance(past, ImportRow)] == ["sales/b.xlsx"]
    assert {change.column for change in timeline.entries if isinstance(change, ChangeRow)} == {"amount", "note"}
    assert timeline.left_out == 2
    assert history(told.config(), limit=9).left_out == 0


def test_status_may_be_limited_to_a_table(told: Hub) -> None:
    assert [str(one.table) for one in status(told.config(), tables=["stock"]).tables] == ["stock"]
    with pytest.raises(ConfigError, match=r"knows no table 'stoc' \(did you mean stock\?\)"):
        status(told.config(), tables=["stoc"])


def test_status_of_a_table_has_only_its_failures(told: Hub) -> None:
    (told.root / "bad").mkdir()
    (told.root / "bad/x.xlsx").write_bytes(b"")
    told.run()
    assert [row.identity for row in status(told.config()).failures] == ["bad/x.xlsx"]
    assert status(told.config(), tables=["stock"]).failures == ()
    assert [row.identity for row in status(told.config(), tables=["bad"]).failures] == ["bad/x.xlsx"]


def command(hub: Hub, *arguments: str) -> str:
    environment = {"DATABASE_URL": hub.database_url, "ETL_DATA_ROOT": str(hub.root), "COLUMNS": "200"}
    done = CliRunner().invoke(create_app(only=arguments[0]), list(arguments), env=environment)
    assert done.exit_code == 0, done.output
    return done.output


def test_counted_rows_that_differ_from_the_history_are_named(told: Hub) -> None:
    assert "by hand" not in command(told, "status", "--count")
    told.execute("INSERT INTO stock VALUES ('mine')")
    assert "stock: 2 rows, and 1 by the history; rows were changed by hand" in command(told, "status", "--count")


def test_history_names_types_as_a_run_does(told: Hub) -> None:
    told.write("sales/c.xlsx", ["Id", "Moment"], [[4, datetime(2025, 3, 1, 12, 30)]])  # noqa: DTZ001 - as in a sheet
    told.load()
    assert "sales.moment: new column, TIMESTAMP because" in command(told, "history")


def test_history_without_a_fitting_entry_does_not_call_it_empty(told: Hub) -> None:
    assert "the history has no such entry" in command(told, "history", "--file", "nope.xlsx")


def test_revert_takes_the_file_as_its_argument(told: Hub) -> None:
    assert "reverted   sales/b.xlsx" in command(told, "revert", "b.xlsx", "--yes")
