"""Start, sharing and stop of the embedded server."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psycopg
import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings


def _server(home: Path) -> EmbeddedServer:
    return EmbeddedServer(EmbeddedSettings(home=home))


def _show(server: EmbeddedServer, name: str) -> str:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_first_client_makes_and_names_server_and_last_stops_it(place: Path) -> None:
    said: list[str] = []
    server = EmbeddedServer(EmbeddedSettings(home=place / "home"), announce=said.append)
    assert not server.status().running
    assert not (place / "home").exists(), "looking must not make anything"
    with server:
        status = server.status()
        assert status.running
        assert not status.kept
        with psycopg.connect(**server.libpq_parameters()) as connection:  # type: ignore[arg-type] # any libpq parameter
            row = connection.execute("SELECT current_user::text, current_database()::text").fetchone()
        assert row == ("pgdatahub", "postgres")
    assert any(str(status.data_directory) in line and "pgdatahub db psql" in line for line in said)
    assert not server.status().running


def test_what_is_committed_survives_stop_and_start(home: Path) -> None:
    with _server(home) as server, psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with _server(home) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_server_is_durable_private_and_without_network(home: Path) -> None:
    with _server(home) as server:
        assert _show(server, "fsync") == "on"
        assert _show(server, "full_page_writes") == "on"
        assert _show(server, "synchronous_commit") == "on"
        assert _show(server, "data_checksums") == "on"
        assert _show(server, "listen_addresses") == ""
        assert _show(server, "unix_socket_permissions") == "0700"
        assert _show(server, "wal_level") == "minimal"
        assert _show(server, "server_encoding") == "UTF8"
        with psycopg.connect(server.url()) as connection:
            rows = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert rows == [("scram-sha-256",)]


def test_nothing_of_the_server_is_open_to_other_users(home: Path) -> None:
    with _server(home):
        for path in (home / "server").iterdir():
            mode = path.lstat().st_mode & 0o777
            # Root's server runs as another account, which must read its parameters; they hold no secret.
            allowed = 0o644 if path.name == "pgdatahub.conf" and os.geteuid() == 0 else 0o700
            assert mode & ~allowed == 0, f"{path}: {mode:o}"


def test_the_password_is_in_no_command_line(home: Path) -> None:
    with _server(home) as server:
        password = server.url(password=True).split(":")[2].split("@")[0]
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert len(password) > 30
    assert not any(password.encode() in line for line in lines)


def test_without_the_password_nobody_connects(home: Path) -> None:
    with _server(home) as server:
        wrong = server.libpq_parameters() | {"password": "wrong"}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(**wrong)  # type: ignore[arg-type] # any libpq parameter


def test_second_client_shares_the_server_and_last_stops_it(home: Path) -> None:
    first, second = _server(home), _server(home)
    first.attach()
    second.attach()
    first.release()
    assert second.status().running
    second.release()
    assert not second.status().running


def test_attaching_twice_is_attaching_once(home: Path) -> None:
    server = _server(home)
    server.attach()
    server.attach()
    server.release()
    assert not server.status().running
    server.release()


def test_session_of_another_tool_keeps_the_server_running(home: Path) -> None:
    server = _server(home)
    server.attach()
    with psycopg.connect(server.url()) as tool:
        server.release()
        assert tool.execute("SELECT 1").fetchone() == (1,)
        assert server.status().clients == 1
    with server:
        pass
    assert not server.status().running


def test_a_forked_child_does_not_stop_its_parents_server(home: Path) -> None:
    with _server(home) as server:
        child = os.fork()
        if child == 0:
            # Not a pytest process from here on: whatever happens, it must end here.
            try:
                server.release()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert server.status().running
        with pytest.raises(DatabaseError, match="in use"):
            _server(home).stop()


def test_started_to_stay_it_stays_until_it_is_stopped(home: Path) -> None:
    server = _server(home)
    server.start_detached()
    with _server(home):
        pass
    assert server.status().running
    assert server.status().kept
    assert server.stop()
    assert not server.status().running
    assert not server.status().kept
    assert not server.stop()


def test_a_server_in_use_is_stopped_by_force_only(home: Path) -> None:
    with _server(home) as user:
        with pytest.raises(DatabaseError, match="in use") as refused:
            _server(home).stop()
        assert refused.value.hint is not None
        assert "--force" in refused.value.hint
        assert user.status().running
        assert _server(home).stop(force=True)
        assert not user.status().running


def test_port_is_opened_only_on_request_and_only_on_loopback(home: Path) -> None:
    port = _free_port()
    server = _server(home)
    server.start_detached(port=port)
    assert _show(server, "listen_addresses") == "127.0.0.1"
    with psycopg.connect(server.url(tcp=True)) as connection:
        assert connection.info.host == "127.0.0.1"
        assert connection.info.port == port
    with pytest.raises(psycopg.OperationalError, match=r"no password|password authentication"):
        psycopg.connect(f"postgresql://pgdatahub@127.0.0.1:{port}/postgres?passfile=/dev/null")
    server.stop()
    with server, pytest.raises(DatabaseError, match="socket only"):
        server.url(tcp=True)


def test_port_request_restarts_only_an_idle_server(home: Path) -> None:
    port = _free_port()
    server = _server(home)
    server.start_detached()
    with _server(home) as user:
        with pytest.raises(DatabaseError, match="in use"):
            server.start_detached(port=port)
        assert not user.status().tcp
    server.start_detached(port=port)
    assert (server.status().port, server.status().tcp) == (port, True)
    psycopg.connect(server.url(tcp=True)).close()


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DatabaseError, match=f"port {port}: address already in use"):
            _server(home).start_detached(port=port)
    assert not _server(home).status().kept


def test_port_is_kept_over_a_restart_and_given_up_if_taken(home: Path) -> None:
    port = _free_port()
    said: list[str] = []
    server = EmbeddedServer(EmbeddedSettings(home=home), announce=said.append)
    server.start_detached(port=port)
    server._cluster.stop()  # as if the machine had gone down
    with server:
        assert server.status().tcp
    server._cluster.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with server:
            assert not server.status().tcp
    assert any(str(port) in line for line in said)


def test_the_server_starts_without_the_clients_terminal(home: Path) -> None:
    # A session of its own: Ctrl-C in the terminal reaches the client and not the server.
    with _server(home):
        postmaster = int((home / "server/data/postmaster.pid").read_text().splitlines()[0])
        assert os.getsid(postmaster) != os.getsid(0)
