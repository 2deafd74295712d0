"""Servers and poolers that tests start from given binaries: another version, another language, PgBouncer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.systems import is_root

PASSWORD = "pw-of-the-tests"
_ACCOUNTS = ("pgdatahub", "postgres", "nobody")  # first the embedded server's, whose socket is closed to others


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """PostgreSQL's programs.

    Attributes:
        bin: Directory of ``initdb``, ``pg_ctl`` and ``postgres``.
        lib: Directory of their libraries; None if they find them themselves.
    """

    bin: Path
    lib: Path | None = None

    def variables(self) -> dict[str, str]:
        return {} if self.lib is None else {"LD_LIBRARY_PATH": str(self.lib)}


def debian_binaries() -> Binaries | None:
    """Return the newest PostgreSQL of Debian's packages, which has translated messages; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return Binaries(bin=found[-1].parent) if found else None


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _account() -> str | None:
    """Return the account for a server, which refuses to run as root; None for the caller's own."""
    if not is_root():
        return None
    import pwd

    for name in _ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("no account for a server")


def _group(account: str) -> int:
    import pwd

    return pwd.getpwnam(account).pw_gid


def _run(command: list[str | Path], variables: Mapping[str, str]) -> None:
    subprocess.run(
        list(map(str, command)),
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **variables},
        user=_account(),
        group=None if _account() is None else _group(str(_account())),
        extra_groups=None if _account() is None else [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=120,
    )


@contextmanager
def open_directory() -> Iterator[Path]:
    """Yield a temporary directory that belongs to the account of servers."""
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-server-"))
    if (account := _account()) is not None:
        shutil.chown(directory, account, _group(account))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def running_server(
    binaries: Binaries,
    *,
    variables: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    encoding: str = "UTF8",
) -> Iterator[str]:
    """Start a server that asks for passwords (SCRAM), yield its superuser's URL, and stop it.

    Args:
        binaries: Its programs.
        variables: Variables of its environment, such as ``LANGUAGE``.
        parameters: Server parameters.
        encoding: Encoding of its databases.
    """
    given = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", **(parameters or {})}
    environment = {**binaries.variables(), **(variables or {})}
    with open_directory() as directory:
        data, passfile, port = directory / "data", directory / "pw", free_port()
        passfile.write_text(PASSWORD)
        passfile.chmod(0o644)
        _run(
            [
                *(binaries.bin / "initdb", "-D", data, "-U", "postgres", "-E", encoding, "--locale=C"),
                *("-A", "scram-sha-256", f"--pwfile={passfile}", "--no-sync"),
            ],
            environment,
        )
        options = {
            **given,
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(directory),
        }
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        control: list[str | Path] = [binaries.bin / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-l", directory / "log", "start"], environment)
        try:
            yield f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], environment)


@contextmanager
def as_standby(binaries: Binaries, url: str) -> Iterator[None]:
    """Restart a server as a standby that follows none, and promote it at the end."""
    with psycopg.connect(url) as connection:
        (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    signal = Path(data, "standby.signal")
    signal.touch()
    if (account := _account()) is not None:
        shutil.chown(signal, account)
    _run([binaries.bin / "pg_ctl", "-D", data, "-w", "-m", "fast", "restart"], binaries.variables())
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")


def pgbouncer_program() -> str | None:
    """Return the path of PgBouncer; None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


@contextmanager
def pgbouncer(server_url: str, mode: str, *, pool_size: int = 3) -> Iterator[str]:
    """Start PgBouncer in front of a server, yield the URL of its pool, and stop it.

    Args:
        server_url: URL or keywords of a database; the pool has that database's name.
        mode: ``session`` or ``transaction``.
        pool_size: Connections to the server; fewer than the clients, so that they share them.
    """
    program = pgbouncer_program()
    assert program is not None
    with psycopg.connect(server_url) as connection:
        info = connection.info
        host, to_port, dbname, user = info.host, info.port, info.dbname, info.user
        password = info.password or _from_passfile(server_url)
    port = free_port()
    with open_directory() as directory:
        (directory / "users").write_text(f'"{user}" "{password}"\n')
        (directory / "ini").write_text(
            f"[databases]\n{dbname} = host={host} port={to_port} dbname={dbname}\n* = host={host} port={to_port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = plain\n"
            f"auth_file = {directory / 'users'}\npool_mode = {mode}\ndefault_pool_size = {pool_size}\n"
            "unix_socket_dir =\nignore_startup_parameters = extra_float_digits\nmax_client_conn = 100\n"
        )
        for name in ("users", "ini"):
            (directory / name).chmod(0o644)
        account = _account()
        with subprocess.Popen(
            [program, "-q", str(directory / "ini")], user=account, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                url = f"postgresql://{user}:{secrets_free(password)}@127.0.0.1:{port}/{dbname}"
                _wait_for(url)
                yield url
            finally:
                process.terminate()


def through_pooler(url: str) -> str:
    """Return the URL or keywords by which the product reaches a database: by the pooler that ``TEST_POOLER`` (host:port) names.

    Tests look at the database without it. A server other than that of ``TEST_DATABASE_URL`` has no pooler.
    """
    pooler, server = os.environ.get("TEST_POOLER"), os.environ.get("TEST_DATABASE_URL")
    if not pooler or not server:
        return url
    given, behind = (psycopg.conninfo.conninfo_to_dict(text) for text in (url, server))
    if any(given.get(name) != behind.get(name) for name in ("host", "port", "user")):
        return url
    host, _, port = pooler.partition(":")
    return psycopg.conninfo.make_conninfo(url, host=host, port=port, hostaddr="127.0.0.1")


def secrets_free(password: str) -> str:
    """Return a password percent-encoded for a URL."""
    from urllib.parse import quote

    return quote(password, safe="")


def _from_passfile(server_url: str) -> str:
    passfile = psycopg.conninfo.conninfo_to_dict(server_url).get("passfile")
    assert passfile
    return Path(str(passfile)).read_text().strip().rpartition(":")[2]


def _wait_for(url: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def cutting_proxy(server_url: str, cut_at: bytes) -> Iterator[str]:
    """Forward TCP connections to a server, and cut the first that sends ``cut_at``, once.

    Args:
        server_url: URL of a database.
        cut_at: A part of a statement.
    """
    with psycopg.connect(server_url) as connection:
        info = connection.info
        host, to_port, dbname, user = info.host, info.port, info.dbname, info.user
        password = info.password or _from_passfile(server_url)
    address = f"{host}/.s.PGSQL.{to_port}" if host.startswith("/") else (host, to_port)
    family = socket.AF_UNIX if host.startswith("/") else socket.AF_INET
    cut = threading.Event()

    def forward(source: socket.socket, target: socket.socket, *, watched: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if watched and cut_at in data and not cut.is_set():
                    cut.set()
                    break
                target.sendall(data)
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(family)
                opened.extend((client, server))
                server.connect(address)
                for source, target, watched in ((client, server, True), (server, client, False)):
                    threads.append(threading.Thread(target=forward, args=(source, target), kwargs={"watched": watched}))
                    threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=serve, args=(listener,))
        accepting.start()
        port = listener.getsockname()[1]
        try:
            yield f"postgresql://{user}:{secrets_free(password)}@127.0.0.1:{port}/{dbname}?sslmode=disable"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for side in opened:
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for side in opened:
                side.close()
    assert cut.is_set()
