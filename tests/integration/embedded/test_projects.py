"""Each project directory has its own database on the embedded server, also after a move, a crash and an upgrade."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.postgres.embedded.registry import Project, Registry

SCRIPT = Path(sys.executable).with_name("pgdatahub")
SHARED = "shared with other projects by earlier versions"


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account with a home of the embedded server, and directories of projects."""

    home: Path
    place: Path
    server: EmbeddedServer

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PGDATAHUB_HOME": str(self.home), "ETL_WORKERS": "1", **more}

    def type(self, project: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, *arguments],
            cwd=self.place / project,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, project: str, *arguments: str, **environment: str) -> Any:
        done = self.type(project, *arguments, "--format", "json", **environment)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def write(self, project: str, file: str, *values: object) -> Path:
        path = self.place / project / "data" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("Sheet1")
            sheet.write_column(0, 0, ["Value", *values])
        return path

    def load(self, project: str) -> list[str]:
        """Run; return the outcome of each file."""
        report = self.json(project, "run")
        assert report["exit_code"] == 0, report
        return [file["outcome"] for file in report["files"]]

    def databases(self) -> dict[str, str | None]:
        """Return directory → database, by the names of the directories."""
        listed = self.json(".", "db", "list")
        return {Path(one["directory"] or one["kind"]).name: one["database"] for one in listed}

    def values(self, database: str, table: str = "sales") -> list[Any]:
        with psycopg.connect(self.server.url(database=database)) as connection:
            return [row[0] for row in connection.execute(f"SELECT value FROM {table} ORDER BY 1".encode())]

    def execute(self, database: str, *statements: str) -> None:
        with psycopg.connect(self.server.url(database=database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def load_as_earlier_version(self, project: str) -> None:
        """Load into the database that all projects shared."""
        self.server.ensure_database("pgdatahub")
        done = self.type(project, "run", "-q", DATABASE_URL=self.server.url(database="pgdatahub"))
        assert done.returncode == 0, done.stderr


@pytest.fixture
def account(movable_home: Path, place: Path) -> Iterator[Account]:
    """An account whose server has only the supervisor's database."""
    # Nothing here outlives the test, so nothing need survive the machine.
    parameters = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    server = EmbeddedServer(EmbeddedSettings(home=movable_home, parameters=parameters))
    account = Account(home=movable_home, place=place / "work", server=server)
    account.place.mkdir()
    with server:
        _forget_projects(server, movable_home)
        yield account
    with server:
        _forget_projects(server, movable_home)


def _forget_projects(server: EmbeddedServer, home: Path) -> None:
    """Drop the databases of projects; tests share the home."""
    with server.session() as session:
        names = session.execute("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
        for (name,) in names.fetchall():
            session.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
    shutil.rmtree(home / "server/projects", ignore_errors=True)


def test_two_projects_have_databases_of_their_own(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1, 2)
    account.write("two", "sales/a.xlsx", 1, 2)
    shutil.copy(account.place / "one/data/sales/a.xlsx", account.place / "two/data/sales/a.xlsx")
    assert account.load("one") == ["loaded"]
    assert account.load("two") == ["loaded"]
    assert account.databases() == {"one": "one", "two": "two"}
    first = account.type("two", "run").stderr.splitlines()[0]
    assert first.endswith("database two")


def test_reset_drops_only_the_project_of_the_directory(account: Account) -> None:
    for project in ("one", "two"):
        account.write(project, "sales/a.xlsx", 1, 2)
        account.load(project)
    assert account.type("two", "reset", "--yes").returncode == 0
    assert account.load("one") == ["skipped"]
    assert account.load("two") == ["loaded"]


def test_directories_of_one_name_have_different_databases(account: Account) -> None:
    for project in ("a/coffee", "b/coffee", "c/Coffee!", "d/postgres", "e/日本"):
        account.write(project, "sales/a.xlsx", 1)
        assert account.load(project) == ["loaded"]
    names = [one["database"] for one in account.json(".", "db", "list")]
    assert sorted(names)[:3] == ["coffee", "coffee_2", "coffee_3"]
    assert "postgres_2" in names
    assert len(set(names)) == 5


def test_a_link_to_the_directory_is_the_same_project(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    (account.place / "link").symlink_to(account.place / "one")
    assert account.load("link") == ["skipped"]


def test_a_renamed_directory_keeps_its_database(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    (account.place / "one").rename(account.place / "uno")
    done = account.type("uno", "run")
    assert f"this project was {account.place / 'one'}, and keeps its database one" in done.stderr
    assert account.load("uno") == ["skipped"]
    assert account.databases() == {"uno": "one"}


def test_status_recognises_a_renamed_directory_too(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    (account.place / "one").rename(account.place / "uno")
    assert [table["table"] for table in account.json("uno", "status")["tables"]] == ["sales"]
    assert account.type("uno", "db", "url").stdout.startswith("postgresql://pgdatahub@/one?")


def test_a_copied_directory_is_another_project(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    shutil.copytree(account.place / "one", account.place / "copy")
    assert account.load("copy") == ["loaded"]
    assert account.databases() == {"one": "one", "copy": "copy"}


def test_a_directory_moved_without_files_is_reported(account: Account) -> None:
    path = account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    path.unlink()
    (account.place / "one").rename(account.place / "uno")
    account.write("uno", "sales/b.xlsx", 2)
    done = account.type("uno", "run")
    assert "pgdatahub db move --from" in done.stderr
    assert "gives it its database one" in done.stderr
    refused = account.type("uno", "db", "move", "--from", str(account.place / "one"))
    assert refused.returncode == 2
    assert "has loaded files into its own database already: uno" in refused.stderr
    assert account.type("uno", "reset", "--yes").returncode == 0
    assert account.type("uno", "db", "move", "--from", str(account.place / "one")).returncode == 0
    assert account.databases() == {"uno": "one"}
    assert account.load("uno") == ["loaded"]
    assert account.values("one") == [1, 2]


def test_a_lost_registry_is_made_again(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    shutil.rmtree(account.home / "server/projects")
    assert account.load("one") == ["skipped"]
    assert account.databases() == {"one": "one"}


def test_a_damaged_registry_file_is_an_error_of_its_project(account: Account) -> None:
    for project in ("one", "two"):
        account.write(project, "sales/a.xlsx", 1)
        account.load(project)
    registry = Registry(account.home / "server/projects")
    (damaged,) = (path for path in (account.home / "server/projects").iterdir() if "/one" in path.read_text())
    damaged.write_text("{")
    done = account.type("one", "run")
    assert (done.returncode, "damaged" in done.stderr) == (3, True)
    assert account.load("two") == ["skipped"]
    damaged.unlink()
    assert account.load("one") == ["skipped"]
    assert len(registry.all()) == 2


def test_a_dropped_database_is_made_again(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    account.execute("postgres", "DROP DATABASE one")
    assert account.load("one") == ["loaded"]


def test_two_first_runs_at_once_share_one_database(account: Account) -> None:
    for number in range(4):
        account.write("one", f"sales/{number}.xlsx", number)
    reports: list[Any] = []
    threads = [threading.Thread(target=lambda: reports.append(account.json("one", "run"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report["exit_code"] for report in reports] == [0, 0, 0]
    assert account.databases() == {"one": "one"}
    assert account.values("one") == [0, 1, 2, 3]


def test_looking_makes_no_database(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    (account.place / "new/data").mkdir(parents=True)
    for command in (["status"], ["history"], ["db", "list"], ["db", "status"], ["reset", "--yes"]):
        assert account.type("new", *command).returncode == 0, command
    assert account.type("new", "plan").returncode == 0
    assert account.type("new", "status", "--check").returncode == 3
    assert account.type("new", "db", "url").returncode == 3
    assert account.type("new", "revert", "--import-id", "1", "--yes").returncode == 1
    assert account.databases() == {"one": "one"}


def test_url_of_a_stopped_server_names_the_database(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    account.server.release()
    done = account.type("one", "db", "url")
    assert done.returncode == 0
    assert done.stdout.startswith("postgresql://pgdatahub@/one?host=")
    assert "db start" in done.stderr
    with account.server, psycopg.connect(done.stdout.strip()) as connection:
        assert connection.execute("SELECT count(*) FROM sales").fetchone() == (1,)


def test_psql_connects_to_the_database_of_the_project(account: Account) -> None:
    for project in ("one", "two"):
        account.write(project, "sales/a.xlsx", 1)
        account.load(project)
        done = account.type(project, "db", "psql", "-At", "-c", "SELECT current_database()")
        assert done.stdout == f"{project}\n"


def test_registry_files_are_private(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    directory = account.home / "server/projects"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert sorted(path.name for path in (account.place / "one").iterdir()) == ["data", "etl.log"]


# ── the shared database of earlier versions ───────────────────────────────────────────────────────────────────────────


def test_an_older_project_goes_on_in_the_shared_database(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load_as_earlier_version("one")
    account.write("one", "sales/b.xlsx", 2)
    done = account.type("one", "run")
    assert SHARED in done.stderr.splitlines()[0]
    assert "pgdatahub db move" in done.stderr.splitlines()[0]
    assert account.values("pgdatahub") == [1, 2]
    assert account.databases() == {"one": "pgdatahub"}


def test_a_new_project_does_not_use_the_shared_database(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load_as_earlier_version("one")
    shutil.copytree(account.place / "one", account.place / "two")
    assert account.load("two") == ["loaded"]
    assert account.databases() == {"shared": "pgdatahub", "two": "two"}


def test_a_project_moved_since_an_earlier_version_is_recognised(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load_as_earlier_version("one")
    (account.place / "one").rename(account.place / "uno")
    assert account.load("uno") == ["skipped"]
    assert account.databases() == {"uno": "pgdatahub"}


def test_a_rename_in_the_shared_database_leaves_no_old_entry(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load_as_earlier_version("one")
    assert account.load("one") == ["skipped"]
    (account.place / "one").rename(account.place / "uno")
    done = account.type("uno", "run")
    assert done.stderr.startswith(f"this project was {account.place / 'one'}, and goes on in the shared database\n")
    assert account.databases() == {"uno": "pgdatahub"}
    shutil.copytree(account.place / "uno", account.place / "une")  # as over file systems: another inode
    shutil.rmtree(account.place / "uno")
    assert account.load("une") == ["skipped"]
    assert account.type("une", "db", "move").returncode == 0
    assert account.databases() == {"une": "une"}


def test_move_of_the_only_project_renames_the_database(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load_as_earlier_version("one")
    account.execute("pgdatahub", "CREATE VIEW mine AS SELECT * FROM sales")
    done = account.type("one", "db", "move")
    assert done.stdout == "moved 1 table from pgdatahub to one\n", done.stderr
    assert account.databases() == {"one": "one"}
    assert account.values("one", "mine") == [1]
    assert account.load("one") == ["skipped"]


def test_move_separates_projects_that_share_a_table(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.write("one", "stock/a.xlsx", 1)
    account.write("two", "sales/b.xlsx", "n/a", 2)
    account.write("two", "orders/b.xlsx", 7)
    account.load_as_earlier_version("one")
    account.load_as_earlier_version("two")
    refused = account.type("one", "reset", "--yes")
    assert refused.returncode == 1
    assert "files of other projects" in refused.stderr
    done = account.type("one", "db", "move")
    assert done.stdout == "moved 2 tables from pgdatahub to one; pgdatahub keeps the other projects\n", done.stderr
    assert account.values("one") == [1]  # an INTEGER again: the other project's text is gone
    assert account.values("one", "stock") == [1]
    assert sorted(account.values("pgdatahub")) == ["2", "n/a"]
    assert account.values("pgdatahub", "orders") == [7]
    for missing, database in (("orders", "one"), ("stock", "pgdatahub")):
        with pytest.raises(psycopg.errors.UndefinedTable):
            account.values(database, missing)
    assert account.load("one") == ["skipped", "skipped"]
    assert account.load("two") == ["skipped", "skipped"]
    assert account.databases() == {"one": "one", "two": "pgdatahub"}
    assert {entry.get("file") for entry in account.json("one", "history")["entries"] if entry["kind"] == "import"} == {
        "sales/a.xlsx",
        "stock/a.xlsx",
    }
    assert account.type("two", "db", "move").returncode == 0
    assert account.databases() == {"one": "one", "two": "two"}


def test_move_of_a_project_with_its_own_database_is_refused(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load("one")
    done = account.type("one", "db", "move")
    assert done.returncode == 2
    assert "has its own database already: one" in done.stderr


def test_move_that_a_view_blocks_changes_nothing(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.write("two", "orders/b.xlsx", 7)
    account.load_as_earlier_version("one")
    account.load_as_earlier_version("two")
    account.execute("pgdatahub", "CREATE VIEW mine AS SELECT * FROM orders")
    done = account.type("one", "db", "move")
    assert done.returncode == 1
    assert "nothing was moved: view mine depends on it" in done.stderr
    assert account.load("one") == ["skipped"]
    assert account.values("pgdatahub") == [1]
    account.execute("pgdatahub", "DROP VIEW mine")
    assert account.type("one", "db", "move").returncode == 0


@pytest.mark.parametrize("point", ["move copied", "move divided", "move done"])
def test_a_killed_move_is_finished_or_forgotten(account: Account, point: str, tmp_path: Path) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.write("two", "sales/b.xlsx", 2)
    account.load_as_earlier_version("one")
    account.load_as_earlier_version("two")
    killed = account.type("one", "db", "move", PGDATAHUB_FAULT=f"{point}:kill:1:{tmp_path}")
    assert killed.returncode == -signal.SIGKILL
    assert account.load("one") == ["skipped"]
    assert account.load("two") == ["skipped"]
    if point == "move done":
        assert account.databases() == {"one": "one", "two": "pgdatahub"}
        assert account.values("one") == [1]
        return
    assert account.values("pgdatahub") == [1, 2]
    assert account.type("one", "db", "move").returncode == 0
    assert (account.values("one"), account.values("pgdatahub")) == ([1], [2])


def test_a_move_waits_for_no_open_session(account: Account) -> None:
    account.write("one", "sales/a.xlsx", 1)
    account.load_as_earlier_version("one")
    with psycopg.connect(account.server.url(database="pgdatahub")):
        done = account.type("one", "db", "move")
    assert done.returncode == 3
    assert "in use" in done.stderr
    assert account.load("one") == ["skipped"]


def test_a_paused_run_must_end_before_a_move(account: Account) -> None:
    for name in "abc":
        account.write("one", f"sales/{name}.xlsx", name)
    (account.place / "one/data/sales/b.xlsx").write_bytes(b"no workbook")
    account.server.ensure_database("pgdatahub")
    url = account.server.url(database="pgdatahub")
    account.type("one", "run", "-q", "--on-error", "stop", DATABASE_URL=url)
    account.write("one", "sales/b.xlsx", "b")
    refused = account.type("one", "db", "move")
    assert refused.returncode == 4


def test_the_registry_reads_what_it_wrote(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "projects")
    assert registry.all() == ()
    project = Project(directory="/a/\udce9 \n", database="a", shared=True, moving_to="b", inode=(1, 2))
    registry.write(project)
    assert registry.find("/a/\udce9 \n") == project
    assert registry.all() == (project,)
    registry.remove(project)
    assert registry.find("/a/\udce9 \n") is None


def test_a_registry_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.write(Project(directory="/a", database="a"))
    (file,) = tmp_path.iterdir()
    file.write_text("[]")
    with pytest.raises(DatabaseError, match="damaged"):
        registry.find("/a")
