"""Clients and server are killed at random while others work: whatever was confirmed is there.

PGDATAHUB_STRESS_SECONDS makes it longer than the few seconds of the default.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.postgres.embedded.processes import is_server, read_process_id

_SECONDS = float(os.environ.get("PGDATAHUB_STRESS_SECONDS", "4"))
_WORKER = """
import sys
from pathlib import Path
import psycopg
from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

server = EmbeddedServer(EmbeddedSettings(home=Path(sys.argv[1])), announce=lambda line: None)
while True:
    # A server that is killed while it starts, or while it is used, is not the fault of a client.
    try:
        with server, psycopg.connect(**server.libpq_parameters(), autocommit=True) as connection:
            print(connection.execute("INSERT INTO stress DEFAULT VALUES RETURNING n").fetchone()[0], flush=True)
    except (psycopg.Error, DatabaseError):
        pass
"""


def test_what_was_confirmed_survives_any_kill(place: Path, home: Path) -> None:
    chance = random.Random(4711)  # noqa: S311 (not for secrets)
    with EmbeddedServer(EmbeddedSettings(home=home)) as server, psycopg.connect(server.url()) as connection:
        connection.execute("DROP TABLE IF EXISTS stress")
        connection.execute("CREATE TABLE stress (n serial PRIMARY KEY)")
    workers: list[subprocess.Popen[bytes]] = []
    names = itertools.count()

    def work() -> subprocess.Popen[bytes]:  # each into a file of its own: not every file system appends atomically
        with (place / f"confirmed-{next(names)}").open("wb") as output:
            return subprocess.Popen([sys.executable, "-c", _WORKER, str(home)], stdout=output)

    def confirmed() -> set[int]:
        return {
            int(line) for path in place.glob("confirmed-*") for line in path.read_text(encoding="ascii").splitlines()
        }

    def kill_server() -> None:
        postmaster = read_process_id(home / "server/data/postmaster.pid")
        if postmaster is not None and is_server(postmaster, home / "server/data"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster, signal.SIGKILL)

    try:
        workers += [work() for _ in range(3)]
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.05, 0.9))
            if chance.random() < 0.5:
                victim = chance.randrange(len(workers))
                workers[victim].kill()
                workers[victim].wait()
                workers[victim] = work()
            else:
                kill_server()
        # On a busy machine, no worker may have lived long enough to write: then one more kill follows its first row.
        latest = time.monotonic() + 120
        while not confirmed() and time.monotonic() < latest:
            time.sleep(0.1)
        kill_server()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    numbers = confirmed()
    with EmbeddedServer(EmbeddedSettings(home=home)) as server, psycopg.connect(server.url()) as connection:
        there = {row[0] for row in connection.execute("SELECT n FROM stress")}
    assert numbers, "nothing was done at all"
    assert numbers <= there
    assert not server.status().running
