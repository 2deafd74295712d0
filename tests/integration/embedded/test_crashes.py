"""Whatever is killed, the next process that attaches finds a whole server with all that was committed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.postgres.embedded.processes import is_server

if TYPE_CHECKING:
    from tests.integration.embedded.conftest import StartClient


def _server(home: Path) -> EmbeddedServer:
    return EmbeddedServer(EmbeddedSettings(home=home))


def _postmaster(home: Path) -> int:
    return int((home / "server/data/postmaster.pid").read_text(encoding="utf-8").splitlines()[0])


def _wait_until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _usable(server: EmbeddedServer) -> bool:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def _kill_server(home: Path) -> None:
    """Start the server and kill it, so that its lock files stay."""
    server = _server(home)
    server.attach()
    os.kill(_postmaster(home), signal.SIGKILL)
    server.release(stop_if_last=False)


def _forget_postmaster(home: Path, process_id: int) -> None:
    """Have the lock files name another process, as after a crash and a reuse of the number."""
    for path in (home / "server/data/postmaster.pid", home / "server/s/.s.PGSQL.5432.lock"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join([f"{process_id}\n", *lines[1:]]), encoding="utf-8")


def test_two_processes_make_one_server_together(place: Path, start_client: StartClient) -> None:
    home = place / "home"
    clients = [start_client(home), start_client(home)]
    urls = {client.attached() for client in clients}
    assert len(urls) == 1
    said = [clients[0].release()]
    assert _server(home).status().running
    said.append(clients[1].release())
    assert "".join(said).count("made a private PostgreSQL") == 1
    assert not _server(home).status().running


def test_many_processes_come_and_go(home: Path, start_client: StartClient) -> None:
    for _ in range(2):
        clients = [start_client(home) for _ in range(4)]
        for client in clients:
            client.attached()
        for client in clients:
            client.release()
        assert not _server(home).status().running


def test_server_of_a_killed_client_is_stopped_by_the_next(home: Path, start_client: StartClient) -> None:
    client = start_client(home)
    client.attached()
    postmaster = _postmaster(home)
    client.kill()
    server = _server(home)
    server.attach()
    assert _postmaster(home) == postmaster
    server.release()
    assert not server.status().running


def test_a_killed_postmaster_is_replaced_and_commits_survive(home: Path) -> None:
    server = _server(home)
    server.attach()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS survivors (n int)")
        connection.execute("INSERT INTO survivors VALUES (1)")
        os.kill(_postmaster(home), signal.SIGKILL)
        with _server(home) as second, psycopg.connect(second.url()) as again:
            rows = again.execute("SELECT n FROM survivors").fetchall()
    assert (1,) in rows
    server.release()
    assert not server.status().running


def test_client_and_postmaster_killed_together_leave_no_blocker(home: Path, start_client: StartClient) -> None:
    client = start_client(home)
    client.attached()
    os.kill(_postmaster(home), signal.SIGKILL)
    client.kill()
    with _server(home) as server:
        assert _usable(server)


def test_stale_process_id_of_another_program_does_not_block(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            _kill_server(home)
            _forget_postmaster(home, other.pid)
            with _server(home) as server:
                assert _usable(server)
            assert other.poll() is None, "the other program must be left alone"
        finally:
            other.kill()


def test_a_stale_process_id_of_a_zombie_is_no_obstacle(home: Path) -> None:
    with subprocess.Popen(["true"]) as zombie:
        _wait_until(lambda: ") Z" in Path(f"/proc/{zombie.pid}/stat").read_text(encoding="utf-8"))
        _kill_server(home)
        _forget_postmaster(home, zombie.pid)
        with _server(home) as server:
            assert _usable(server)


def test_stop_does_not_signal_another_program_with_its_id(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            _kill_server(home)
            _forget_postmaster(home, other.pid)
            _server(home).stop(force=True)
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.parametrize("delay", [0.05, 0.4])
def test_server_creation_that_was_killed_is_done_by_the_next(
    place: Path, start_client: StartClient, delay: float
) -> None:
    home = place / "home"
    client = start_client(home)
    # The client imports for a while before it begins.
    _wait_until(lambda: any((home / "server").glob("init-*")))
    time.sleep(delay)
    client.kill()
    with _server(home) as server:
        assert _usable(server)
    _wait_until(lambda: not any((home / "server").glob("init-*")))


def test_killed_while_the_server_starts_the_next_process_uses_it(home: Path, start_client: StartClient) -> None:
    for _ in range(3):
        client = start_client(home)
        _wait_until(lambda: (home / "server/data/postmaster.pid").exists())
        client.kill()
        with _server(home) as server:
            assert _usable(server)
        assert not _server(home).status().running


def test_lost_record_of_a_running_server_starts_no_second_one(home: Path) -> None:
    server = _server(home)
    server.attach()
    postmaster = _postmaster(home)
    (home / "server/server.json").unlink()
    assert not server.status().running
    assert is_server(postmaster, home / "server/data")
    assert server.stop(force=True)
    # It may be a zombie for a while, which os.kill(…, 0) would find.
    assert not is_server(postmaster, home / "server/data")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"port": "x"}', ""])
def test_a_damaged_record_is_removed_by_a_stop_of_the_server(content: str, home: Path) -> None:
    server = _server(home)
    server.attach()
    postmaster = _postmaster(home)
    record = home / "server/server.json"
    record.write_text(content)
    with pytest.raises(DatabaseError, match="db stop removes it"):
        server.status()
    assert server.stop()
    assert not is_server(postmaster, home / "server/data")
    assert not server.status().running
    assert not record.exists()


def test_server_that_does_not_start_is_explained_by_its_log(home: Path) -> None:
    broken = EmbeddedSettings(home=home, parameters={"shared_buffers": "many"})
    with pytest.raises(DatabaseError, match="did not start") as failed:
        EmbeddedServer(broken).attach()
    assert failed.value.hint is not None
    assert 'invalid value for parameter "shared_buffers"' in failed.value.hint
    with _server(home) as server:
        assert _usable(server)


def test_data_of_another_major_version_gives_instructions(home: Path) -> None:
    version = home / "server/data/PG_VERSION"
    before = version.read_text(encoding="ascii")
    version.write_text("11\n", encoding="ascii")
    try:
        with pytest.raises(DatabaseError, match="data needs PostgreSQL 11") as refused:
            _server(home).attach()
    finally:
        version.write_text(before, encoding="ascii")
    assert refused.value.hint is not None
    assert "PGDATAHUB_PG_BINDIR" in refused.value.hint
    assert "pg_dumpall" in refused.value.hint


def test_a_home_that_was_copied_does_not_lead_to_the_original(home: Path, place: Path) -> None:
    with _server(home) as original:
        subprocess.run(["cp", "-a", str(home), str(place / "copy")], check=True)
        copy = _server(place / "copy")
        assert not copy.status().running
        assert str(place / "copy") in copy.libpq_parameters()["host"]
        assert original.status().running
    with copy:
        assert str(place / "copy") in copy.libpq_parameters()["host"]


def test_client_ended_by_an_exception_releases_the_server(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings\n"
        "with EmbeddedServer(EmbeddedSettings(home=Path(sys.argv[1]))): raise SystemExit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home)], check=False)
    assert done.returncode == 7
    assert not _server(home).status().running
