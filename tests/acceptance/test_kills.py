"""``kill -9`` while a file is on its way into its table: nothing of it is there, and the next run brings all of it, once."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

pytestmark = pytest.mark.integration

ROWS = 12_000
KILLS = 2


_PROGRESS = "SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database() AND bytes_processed > 0"
_ACTIVITY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY %'"


def _copying(connection: psycopg.Connection[tuple[int]]) -> bool:
    """Return whether a session is copying into a table of the database, from PostgreSQL 14 on whether it has sent a part."""
    has_progress = connection.info.server_version >= 140000
    row = connection.execute(_PROGRESS if has_progress else _ACTIVITY).fetchone()
    return bool(row and row[0])


def _kill_while_copying(place: Place) -> bool:
    """Start a run and kill it in the midst of its COPY; return whether it was."""
    assert place.url is not None
    with psycopg.connect(place.url, autocommit=True) as watching:
        process = subprocess.Popen(
            place.command("run", "--force"),
            cwd=place.directory,
            env=place.variables(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while process.poll() is None and not _copying(watching):
                time.sleep(0.001)
        finally:
            process.kill()
            process.wait()
        # The server notices that its client is gone when it next reads from it.
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        while watching.execute(query.encode()).fetchone() != (0,):
            time.sleep(0.01)
    return process.returncode == -signal.SIGKILL


def test_run_killed_during_copy_leaves_nothing_next_loads_once(
    place: Place,
) -> None:
    place.write(
        "a/big.xlsx", [["n", *(f"text {n}" for n in range(9))], *([n, *["word " * 8] * 9] for n in range(ROWS))]
    )
    killed = sum(_kill_while_copying(place) for _ in range(KILLS))
    assert killed == KILLS
    assert place.query("SELECT to_regclass('a')") == [(None,)]
    assert place.query("SELECT count(*) FROM etl_imports") == [(0,)]
    done = place.run("run", "--format", "json")
    assert done.code == 0, done.err
    assert place.query("SELECT count(*), count(DISTINCT n), min(n), max(n) FROM a") == [(ROWS, ROWS, 0, ROWS - 1)]
    assert place.query("SELECT count(*), sum(row_count) FROM etl_imports WHERE status = 'loaded'") == [(1, ROWS)]
    assert [file["outcome"] for file in place.run("run", "--format", "json").json["files"]] == ["skipped"]
