"""``status``, ``history``, ``revert``, ``revert-schema``, ``reset`` and ``db restore`` as a person types them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.undo.conftest import write_workbook

pytestmark = pytest.mark.integration


class Shell:
    """A directory in which commands are typed."""

    def __init__(self, directory: Path, database_url: str) -> None:
        self.directory = directory
        self.environment = {**os.environ, "DATABASE_URL": database_url, "COLUMNS": "80", "ETL_WORKERS": "1"}

    def type(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "pgdatahub", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = json.loads(self.type(*arguments, "--format", "json", code=code).stdout)
        return answer

    @contextmanager
    def on_terminal(self, *arguments: str, stdout: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """Type a command whose input is a terminal; yield its process and the terminal's other end."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "pgdatahub", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=follower,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        os.close(follower)
        yield process, leader
        os.close(leader)

    def answer(self, *arguments: str, says: str) -> tuple[int, str]:
        """Type a command on a terminal and an answer to its question; return its exit code and standard output."""
        with self.on_terminal(*arguments, stdout=subprocess.PIPE) as (process, terminal):
            os.write(terminal, f"{says}\n".encode())
            output, errors = process.communicate(timeout=60)
        assert b"Traceback" not in errors
        return process.returncode, (output + errors).decode()

    def interrupt(self, *arguments: str, at: str) -> tuple[int, str]:
        """Type a command on a terminal, and Ctrl-C at a question; return its exit code and what followed the question."""
        with self.on_terminal(*arguments, stdout=subprocess.DEVNULL) as (process, _):
            assert process.stderr is not None
            shown = b""
            while not shown.decode(errors="ignore").endswith(at):
                one = process.stderr.read(1)
                assert one, shown
                shown += one
            time.sleep(0.3)  # the question is there; its answer is awaited a moment later
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        return process.returncode, errors.decode()


@pytest.fixture
def shell(tmp_path: Path, database_url: str) -> Shell:
    write_workbook(tmp_path / "data/sales/a.xlsx", ["Id", "Amount"], [[1, 10], [2, 20]])
    write_workbook(tmp_path / "data/sales/b.xlsx", ["Id", "Amount", "Note"], [[3, "n/a", "x"]])
    shell = Shell(tmp_path, database_url)
    shell.type("run")
    return shell


def test_status_and_history_tell_what_there_is(shell: Shell) -> None:
    text = shell.type("status").stdout
    assert "sales" in text
    assert "1 table, 3 rows (by the history" in text
    assert max(map(len, text.splitlines()[1:])) <= 80
    assert shell.json("status", "--count")["tables"][0]["rows"] == 3
    text = shell.type("history").stdout
    assert 'sales.amount: INTEGER → TEXT because Sheet1!B2 is "n/a"' in text
    entries = shell.json("history", "--file", "b.xlsx")["entries"]
    assert [entry["kind"] for entry in entries] == ["import", "schema_change", "schema_change"]


def test_revert_shows_does_and_marks(shell: Shell) -> None:
    dry = shell.type("revert", "--source-file", "b.xlsx", "--with-schema", "--dry-run").stdout
    assert "sales/b.xlsx → sales: 1 row" in dry
    assert "column amount: TEXT → INTEGER" in dry
    assert "--hold keeps it out" in dry
    prefix = shell.json("history", "--file", "b.xlsx")["entries"][0]["file_sha256"][:8]
    answer = shell.json("revert", "--hash", prefix, "--hold", "--yes")
    assert (answer["done"], answer["rows"], answer["hold"]) == (True, 1, True)
    assert "reverted, on hold" in shell.type("history").stdout
    assert "1 file on hold" in shell.type("status").stdout
    assert "on hold" in shell.type("run").stderr
    done = shell.json("revert-schema", "--table", "sales", "--source-file", "b.xlsx", "--yes")
    assert [step["change"] for step in done["schema"]] == ["restore_type", "drop_column"]
    assert "1 file loaded" in shell.type("run", "--reload", "data/sales/b.xlsx").stdout


def test_without_a_terminal_nothing_is_done_without_yes(shell: Shell) -> None:
    for command in (("revert", "--source-file", "b.xlsx"), ("reset",)):
        assert "--yes goes on without asking" in shell.type(*command, code=2).stderr
    assert shell.json("status")["rows"] == 3


def test_ctrl_c_at_a_question_exits_with_130(shell: Shell) -> None:
    assert shell.interrupt("revert", "b.xlsx", at="[y/N]:") == (130, "\n")
    assert shell.interrupt("reset", at="to go on:") == (130, "\n")
    assert shell.json("status")["rows"] == 3


def test_refusals_are_one_line_and_exit_code_1(shell: Shell) -> None:
    lines = shell.type("revert-schema", "--table", "sales", "--source-file", "b.xlsx", "--yes", code=1).stderr
    assert "is still loaded (revert it first, or revert --with-schema)" in " ".join(lines.split())
    shell.type("revert", "--hash", "xyz", "--yes", code=2)


def test_a_question_is_asked_on_a_terminal_and_no_means_no(shell: Shell) -> None:
    code, output = shell.answer("revert", "--source-file", "b.xlsx", says="n")
    assert code == 0
    assert "Go on?" in output
    assert "nothing was done" in output
    code, output = shell.answer("revert", "--source-file", "b.xlsx", says="y")
    assert "reverted  " in output
    assert shell.json("status")["rows"] == 2


def test_reset_asks_for_a_name_backs_up_and_loads_again(shell: Shell) -> None:
    name = shell.json("status")["destination"].split()[0]
    code, output = shell.answer("reset", says="yes")
    assert code == 1
    assert f"Type the name of the database ({name})" in output
    code, output = shell.answer("reset", "--backup", says=name)
    assert code == 0, output
    (backup,) = shell.directory.glob("*.dump")
    assert shell.json("status")["tables"] == []
    assert (
        "restored etl_failures, etl_imports, etl_quarantine, etl_schema_changes, etl_tables, sales"
        in shell.type("db", "restore", str(backup)).stdout
    )
    assert shell.json("status", "--count")["rows"] == 3
    assert "2 files loaded" in shell.type("reset", "--yes", "--run").stdout


def test_revert_takes_data_root_and_options_of_the_run(tmp_path: Path, database_url: str) -> None:
    shell = Shell(tmp_path, database_url)
    write_workbook(tmp_path / "there/sales/jan.xlsx", ["id"], [[1]])
    write_workbook(tmp_path / "there/sales/feb.xlsx", ["id"], [[2.5]])
    (tmp_path / "mine.yaml").write_text("sales:\n  views: recreate\n")
    options = ("--data-root", "there", "--config", "mine.yaml")
    shell.type("run", *options)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE VIEW all_sales AS SELECT id FROM sales")
    (tmp_path / "there").rename(tmp_path / "here")
    options = ("--data-root", "here", "--config", "mine.yaml")
    assert shell.json("status", "--data-root", "here")["missing_files"] == []
    shell.type("revert", "here/sales/feb.xlsx", *options, "--yes")
    shell.type("revert-schema", "--table", "sales", "--source-file", "here/sales/feb.xlsx", *options, "--yes")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT pg_typeof(id)::text, id FROM all_sales").fetchall() == [("integer", 1)]
