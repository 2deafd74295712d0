"""Homes for servers of the tests' own, and client processes that can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

_CLIENT = """
import sys
from pathlib import Path
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

def announce(line):
    print(line, file=sys.stderr, flush=True)

home = Path(sys.argv[1]) if sys.argv[1] else None
server = EmbeddedServer(EmbeddedSettings(home=home), announce=announce)
server.attach()
import psycopg
with psycopg.connect(**server.libpq_parameters()) as connection:
    connection.execute("SELECT 1")
print("attached", server.url(), flush=True)
sys.stdin.readline()
server.release()
"""


def _python_of(user: int | None) -> str:
    """Return an interpreter that the user can run, to be used with our ``sys.path``."""
    if user is None:
        return sys.executable
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, system):
        try:
            done = subprocess.run(
                [program, "-c", "import pgdatahub.postgres.embedded"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                user=user,
                group=user,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return program
    pytest.skip("no Python with pgdatahub that another user can run")


class Client:
    """A process that attaches, reports it, and releases when told."""

    def __init__(self, home: Path | None, *, environment: Mapping[str, str], user: int | None) -> None:
        self.process = subprocess.Popen(
            [_python_of(user), "-c", _CLIENT, str(home or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment, **({"PYTHONPATH": os.pathsep.join(sys.path)} if user else {})},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
        )

    def attached(self) -> str:
        """Wait until it has attached; return the URL."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("attached "):
            pytest.fail(f"the client did not attach: {self.process.communicate()[1]}")
        return line.split()[1]

    def release(self) -> str:
        """Let it release and end; return what it said on standard error."""
        _, errors = self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0, errors
        return errors

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


StartClient = Callable[..., Client]


@pytest.fixture
def python_of() -> Callable[[int | None], str]:
    """A function that finds an interpreter that a user can run."""
    return _python_of


@pytest.fixture
def start_client() -> Iterator[StartClient]:
    """A function that starts a client process of a home."""
    clients: list[Client] = []

    def start(home: Path | None, *, environment: Mapping[str, str] | None = None, user: int | None = None) -> Client:
        clients.append(Client(home, environment=environment or {}, user=user))
        return clients[-1]

    yield start
    for client in clients:
        if client.process.poll() is None:
            client.kill()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory, empty, with a short path that the server's account reaches; servers below it are stopped at the end."""
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-test-"))
    if os.geteuid() == 0:
        directory.chmod(0o711)
    yield directory
    for server in directory.rglob("server"):
        if (server / "admin.lock").exists() and server.stat().st_uid == os.geteuid():
            EmbeddedServer(EmbeddedSettings(home=server.parent)).stop(force=True)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def _template() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-test-"))
    if os.geteuid() == 0:
        directory.chmod(0o711)
    with EmbeddedServer(EmbeddedSettings(home=directory / "home")):
        pass
    yield directory / "home"
    shutil.rmtree(directory)


@pytest.fixture
def home(_template: Path) -> Iterator[Path]:
    """The home of a server that was used before and is stopped; the tests share it, one after the other."""
    yield _template
    EmbeddedServer(EmbeddedSettings(home=_template)).stop(force=True)


@pytest.fixture
def movable_home(place: Path, home: Path) -> Iterator[Path]:
    """The same home, moved to where a test may rename it: moving is free, where making or copying costs a second."""
    moved = place / "home"
    home.rename(moved)
    yield moved
    (moved,) = (server.parent for server in place.rglob("server"))
    EmbeddedServer(EmbeddedSettings(home=moved)).stop(force=True)
    moved.rename(home)
