"""Back to the beginning: what goes, what stays, what stands in the way, and the backup."""

from __future__ import annotations

import io
import stat
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psycopg
import pytest

from pgdatahub.cli import reset as reset_screen
from pgdatahub.errors import ConfigError, DatabaseError, UndoError
from pgdatahub.postgres.dump import find_dump_programs
from pgdatahub.postgres.tables import locks
from pgdatahub.undo.backup import backup, restore
from pgdatahub.undo.reset import ResetPlan, reset
from tests.integration.undo.conftest import Hub


@pytest.fixture
def loaded(hub: Hub) -> Hub:
    hub.execute("CREATE TABLE mine (id integer, note text)")
    hub.execute("INSERT INTO mine VALUES (1, 'stays')")
    hub.write("sales/a.xlsx", ["Id", "Amount"], [[1, 10], [2, "n/a"]])
    hub.write("stock/s.xlsx", ["Part"], [["p"]])
    hub.write("mine/m.xlsx", ["Id", "More"], [[0.5, True], [7, None]])
    hub.load()
    return hub


def test_reset_drops_what_pgdatahub_made_and_keeps_the_rest(loaded: Hub) -> None:
    plans: list[ResetPlan] = []

    def confirm(plan: ResetPlan) -> bool:
        plans.append(plan)
        return True

    assert reset(loaded.config(), confirm=confirm).done
    shown = {str(one.table): (one.rows, None if one.undo is None else one.undo.rows) for one in plans[0].tables}
    assert shown == {"mine": (3, 2), "sales": (2, None), "stock": (1, None)}
    assert plans[0].database == psycopg.conninfo.conninfo_to_dict(loaded.database_url)["dbname"]
    assert loaded.state() == {"mine": ({"id": "integer", "note": "text"}, [("1", "stays")])}
    assert loaded.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'etl%%'") == [(0,)]
    loaded.load()
    assert loaded.tables() == {"mine", "sales", "stock"}


@pytest.mark.parametrize("on_bad", ["quarantine", "blank"])
def test_reset_counts_rows_in_quarantine(
    loaded: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, on_bad: str
) -> None:
    loaded.write("bad/b.xlsx", ["n", "m"], [[1, "x"], ["x", "y"], [2, "z"]])
    loaded.configure(f"bad:\n  on_bad: {on_bad}\n  columns: {{n: {{type: integer}}}}\n")
    loaded.load()
    result = reset(loaded.config(), confirm=lambda _: False)
    assert result.plan.quarantined == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert not reset_screen._ask(result.plan)
    assert "1 row in quarantine and the history of all imports are dropped too" in capsys.readouterr().err


def test_reset_does_nothing_on_no_or_if_nothing_was_loaded(loaded: Hub, hub: Hub) -> None:
    before = loaded.state()
    assert not reset(loaded.config(), confirm=lambda _: False).done
    assert loaded.state() == before
    assert reset(hub.config()).done
    assert reset(hub.config()).plan.nothing


@pytest.mark.parametrize("table", ["sales", "etl_imports"])
def test_a_query_that_does_not_end_stops_a_reset(loaded: Hub, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    before = loaded.state()
    monkeypatch.setattr(locks.limit_lock_waits, "__defaults__", (1,))
    with psycopg.connect(loaded.database_url) as reader:
        reader.execute(f"SELECT FROM {table}".encode())
        with ThreadPoolExecutor() as pool:
            resetting = pool.submit(reset, loaded.config())
            wait([resetting], timeout=30)
            reader.rollback()  # else a reset without a limit would never end
            error = resetting.exception()
    assert isinstance(error, DatabaseError)
    assert table in str(error)
    assert loaded.state() == before
    assert reset(loaded.config()).done


def test_what_depends_on_a_table_is_named_and_nothing_is_done(loaded: Hub) -> None:
    loaded.execute("CREATE VIEW totals AS SELECT count(*) FROM sales")
    before = loaded.state()
    with pytest.raises(UndoError, match="view totals depends on it"):
        reset(loaded.config())
    assert loaded.state() == before


def test_tables_changed_after_the_listing_are_not_dropped(loaded: Hub) -> None:
    def confirm(_: ResetPlan) -> bool:
        loaded.execute("INSERT INTO sales (id) VALUES (99)")
        return True

    with pytest.raises(UndoError, match="the tables changed after they were shown"):
        reset(loaded.config(), confirm=confirm)
    assert loaded.tables() == {"mine", "sales", "stock"}


def test_a_backup_brings_everything_back(loaded: Hub) -> None:
    before = loaded.state(), loaded.history()
    result = reset(loaded.config(), backup=True)
    assert result.backup is not None
    assert stat.S_IMODE(result.backup.stat().st_mode) == 0o600
    assert result.backup.parent == loaded.directory
    restored = restore(loaded.config(), result.backup)
    assert {str(table) for table in restored.tables} == {
        "mine",
        "sales",
        "stock",
        "etl_imports",
        "etl_schema_changes",
        "etl_failures",
        "etl_tables",
        "etl_quarantine",
    }
    assert (loaded.state(), loaded.history()) == before
    # It goes on as if nothing had been: all is known, and an undo works.
    assert all("already loaded" in reason for _, reason in loaded.load().values())
    assert loaded.revert(source_file="a.xlsx", schema=True).done


def test_a_restore_that_cannot_be_done_changes_nothing(loaded: Hub) -> None:
    backup = reset(loaded.config(), backup=True).backup
    assert backup is not None
    loaded.load()
    loaded.execute("CREATE VIEW totals AS SELECT count(*) FROM sales")
    before = loaded.state()
    with pytest.raises(UndoError, match="nothing was restored"):
        restore(loaded.config(), backup)
    assert loaded.state() == before
    broken = loaded.directory / "broken.dump"
    broken.write_bytes(backup.read_bytes()[:200])
    with pytest.raises(UndoError, match="not a backup"):
        restore(loaded.config(), broken)
    with pytest.raises(ConfigError, match="not found"):
        restore(loaded.config(), loaded.directory / "none.dump")


def test_without_a_backup_nothing_is_dropped(loaded: Hub, tmp_path: Path) -> None:
    before = loaded.state()
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="directory for the backup is not found"):
        reset(loaded.config(state_dir=str(tmp_path / "file")), backup=True)
    assert loaded.state() == before


def test_a_program_older_than_the_server_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr("pgdatahub.postgres.dump.program_directories", lambda bindir: iter([bindir]))
    with pytest.raises(DatabaseError, match=r"can read a server of version 18 \(found: 9 in "):
        find_dump_programs(180000, tmp_path)
    assert find_dump_programs(90603, tmp_path).major == 9


def test_no_password_is_in_an_argument(loaded: Hub, tmp_path: Path) -> None:
    parameters = psycopg.conninfo.conninfo_to_dict(loaded.database_url)
    password = parameters.pop("password", None)
    passfile = parameters.pop("passfile", None)
    if passfile:
        password = Path(str(passfile)).read_text().strip().rpartition(":")[2]
    assert password
    number = int(loaded.execute("SHOW server_version_num")[0][0])
    real = find_dump_programs(number, None).directory
    log = tmp_path / "arguments"
    for name in ("pg_dump", "pg_restore", "psql"):
        script = f'#!/bin/sh\n[ "$1" = --version ] || echo "$@" >> {log}\nexec {real / name} "$@"\n'
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    database_url = psycopg.conninfo.make_conninfo("", **parameters, password=password)
    config = loaded.config(pg_bindir=str(tmp_path), database_url=database_url)
    backup = reset(config, backup=True).backup
    assert backup is not None
    restore(config, backup)
    written = log.read_text()
    assert "--file=" in written
    assert "--single-transaction" in written
    assert str(password) not in written


def test_a_backup_has_what_restore_brings_back(loaded: Hub) -> None:
    before = loaded.state()
    written = backup(loaded.config(), loaded.directory / "all.dump")
    assert sorted(map(str, written.tables)) == ["mine", "sales", "stock"]
    assert stat.S_IMODE(written.file.stat().st_mode) & 0o077 == 0
    loaded.execute("DELETE FROM sales")
    restore(loaded.config(), written.file)
    assert loaded.state() == before


def test_a_backup_does_not_replace_a_file(loaded: Hub) -> None:
    (loaded.directory / "there.dump").write_text("mine")
    with pytest.raises(ConfigError, match="already exists"):
        backup(loaded.config(), loaded.directory / "there.dump")
    assert (loaded.directory / "there.dump").read_text() == "mine"


def test_a_backup_of_nothing_is_refused(hub: Hub) -> None:
    with pytest.raises(UndoError, match="nothing was loaded yet"):
        backup(hub.config(), hub.directory / "all.dump")
