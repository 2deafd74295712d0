"""The server that all contestants load into: the embedded one, reached over TCP, and what it costs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def _free_port() -> str:
    """Return a port without a listener: two benchmarks may run on one machine, though neither should."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is only used by the benchmarks.

    Attributes:
        url: Where it is, with the password.
        psql: The client that came with it.
    """

    url: str
    psql: Path

    def ask(self, query: str) -> str:
        """Return the only value that a query has, as text; empty for a statement that has none."""
        command = [str(self.psql), self.url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", query]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def number(self, query: str) -> int:
        """Return the only value that a query has, a whole number."""
        return int(self.ask(query))

    def busy_seconds(self) -> float:
        """Return the processor time of the server so far: its main process, and all it ever had, as the system counts it.

        To be asked while no client is connected: a process is counted when it is there or has ended.
        """
        # The checkpointer is always there, and its parent is the main process.
        checkpointer = self.number("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        time.sleep(0.1)  # psql's own backend has gone by then
        main = int(_statistics(checkpointer)[1])
        ticks = sum(
            map(int, _statistics(main)[11:15])
        )  # its own and those of children that have ended, user and system
        for task in Path(f"/proc/{main}/task").iterdir():
            for child in (task / "children").read_text().split():
                ticks += sum(map(int, _statistics(int(child))[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def _statistics(pid: int) -> list[str]:
    """Return the fields of a process from its state on: what is before may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@contextmanager
def embedded_server(home: Path) -> Iterator[Server]:
    """Run an embedded server that all peers reach over TCP."""
    environment = {**os.environ, "PGDATAHUB_HOME": str(home)}

    def pgdatahub(*arguments: str) -> str:
        command = [sys.executable, "-m", "pgdatahub", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    pgdatahub("db", "start", "--port", _free_port())
    try:
        from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

        embedded = EmbeddedServer(EmbeddedSettings(home=home))
        server = Server(url=embedded.url(password=True, tcp=True), psql=embedded.programs() / "psql")
        # Its workers come when they like, and would slow one peer by chance.
        server.ask("ALTER SYSTEM SET autovacuum = off")
        server.ask("SELECT pg_reload_conf()")
        yield server
    finally:
        pgdatahub("db", "stop", "--force")
