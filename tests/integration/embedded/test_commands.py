"""`pgdatahub db`, as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from pgdatahub.cli.db import db_app
from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings


@pytest.fixture(autouse=True)
def _working_directory(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGDATAHUB_HOME", str(home))


def _db(*arguments: str) -> Result:
    return CliRunner().invoke(db_app, arguments, catch_exceptions=False)


def test_start_prints_only_the_url_on_stdout_and_stop_stops(home: Path) -> None:
    started = _db("start")
    assert started.exit_code == 0
    assert str(home) in started.stderr
    psycopg.connect(started.stdout.strip()).close()
    assert _db("url").stdout == started.stdout
    stopped = _db("stop")
    assert stopped.stdout == ""
    assert stopped.stderr == "stopped\n"
    assert "not running" in _db("stop").stderr


def test_the_password_is_shown_only_on_request(home: Path) -> None:
    started = _db("start")
    password = (home / "server/password").read_text(encoding="utf-8").strip().split(":")[-1]
    shown = _db("url", "--show-password").stdout.strip()
    hidden = [
        started.output,
        *(_db(*line.split()).output for line in ("url", "status", "status --format json", "stop")),
    ]
    assert password in shown
    assert not any(password in text for text in hidden)


def test_status_tells_machines_and_people(home: Path) -> None:
    before = json.loads(_db("status", "--format", "json").stdout)
    assert before["running"] is False
    assert before["url"] is None
    assert Path(before["data_directory"]) == home / "server/data"
    _db("start")
    after = json.loads(_db("status", "--format", "json").stdout)
    assert after["running"] is True
    assert after["kept"] is True
    assert after["clients"] == 0
    assert int(after["version"].split(".")[0]) >= 14
    text = _db("status").stdout
    assert "running until `db stop`" in text
    assert after["url"] in text


def test_url_of_a_stopped_server_says_how_to_start_it() -> None:
    started = _db("start")
    _db("stop")
    stopped = _db("url")
    assert stopped.stdout == started.stdout
    assert stopped.stderr == "the server is stopped; pgdatahub db start starts it\n"


def test_url_of_a_project_without_a_database_is_an_error() -> None:
    with pytest.raises(DatabaseError, match="no database yet") as refused:
        _db("url")
    assert refused.value.hint == "pgdatahub run makes it"


def test_a_port_outside_the_range_is_a_usage_error() -> None:
    assert _db("start", "--port", "70000").exit_code == 2


def test_psql_gets_arguments_connects_and_leaves_no_server(home: Path) -> None:
    # A process of its own: psql writes to the real standard output.
    done = subprocess.run(
        [sys.executable, "-c", "from pgdatahub.cli.db import db_app; db_app()", "psql", "-At", "-c", "SELECT 6 * 7"],
        env={**os.environ, "PGPASSWORD": "another server's", "PGPORT": "1", "PGDATABASE": "elsewhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")
    assert not EmbeddedServer(EmbeddedSettings(home=home)).status().running


def test_the_exit_code_of_psql_is_passed_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from pgdatahub.cli.db import db_app; db_app()", "psql", "-c", "no such statement"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
