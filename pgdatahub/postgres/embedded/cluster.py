"""One PostgreSQL cluster: create, start, query and stop it with PostgreSQL's own programs."""

from __future__ import annotations

import contextlib
import enum
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from psycopg import conninfo, pq

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import processes
from pgdatahub.postgres.embedded.access import address
from pgdatahub.postgres.embedded.account import Account, is_root
from pgdatahub.postgres.embedded.binaries import Binaries
from pgdatahub.postgres.embedded.configuration import INCLUDE, configuration
from pgdatahub.postgres.embedded.home import Home
from pgdatahub.postgres.embedded.locks import FileLock
from pgdatahub.postgres.embedded.passfile import USER, ensure_password, read_password
from pgdatahub.postgres.embedded.programs import run_program, server_complaint
from pgdatahub.postgres.embedded.record import ServerRecord
from pgdatahub.system.atomic_write import write_file

# Crash recovery replays up to max_wal_size of log; a shutdown writes all dirty buffers. Both can take minutes on a slow
# disk, and the server would continue after an earlier timeout anyway.
_TIMEOUT_SECONDS = 600
# Orphans of a killed postmaster exit within about a second, unless they are busy.
_ORPHANS_SECONDS = 60
_POLL_SECONDS = 0.02
_LOG_BYTES = 10 * 1024 * 1024


class State(enum.Enum):
    """State of the server, determined without a session."""

    RUNNING = "running"
    BUSY = "starting, recovering or stopping"
    GONE = "its processes are there, but nothing answers"
    STOPPED = "stopped"


class Cluster:
    """The cluster in a home.

    Args:
        home: The home directory.
        announce: Receives lines for the waiting user.
    """

    def __init__(self, home: Home, announce: Callable[[str], None]) -> None:
        self._home = home
        self._announce = announce

    def state(self, record: ServerRecord | None) -> State:
        """Return the server's state.

        The answer comes from the server's protocol and from the lock that its processes hold. The process id in
        ``postmaster.pid`` proves nothing: it outlives the server, and can belong to a zombie or another program.

        Args:
            record: The record of the last start.
        """
        if record is None:
            return self._unanswered()
        answer = pq.PGconn.ping(conninfo.make_conninfo(**address(record), connect_timeout="10").encode())
        if answer == pq.Ping.OK:
            return State.RUNNING
        if answer == pq.Ping.REJECT:
            return State.BUSY
        if answer == pq.Ping.NO_ATTEMPT:
            raise DatabaseError("libpq refuses to connect", hint="check the PG… variables in the environment")
        return self._unanswered()

    def settle(self, record: ServerRecord | None) -> State:
        """Wait until the server is running or stopped, and return that state.

        Raises:
            DatabaseError: The server reaches neither state before the timeout.
        """
        started = time.monotonic()
        announced = False
        while (state := self.state(record)) not in {State.RUNNING, State.STOPPED}:
            waited = time.monotonic() - started
            if waited > (_TIMEOUT_SECONDS if state is State.BUSY else _ORPHANS_SECONDS):
                raise DatabaseError(
                    f"the embedded server does not answer ({state.value})",
                    where=str(self._home.log),
                    hint="pgdatahub db stop --force",
                )
            if waited > 2 and not announced:
                self._announce(f"waiting for the embedded server ({state.value})")
                announced = True
            time.sleep(_POLL_SECONDS)
        return state

    def initialize(self, binaries: Binaries, account: Account) -> None:
        """Create the cluster under a temporary name, and rename it when it is complete.

        Raises:
            DatabaseError: initdb failed; the hint is its output.
        """
        home = self._home
        home.remove_unfinished()
        ensure_password(home.password)
        unfinished = home.server / f"init-{secrets.token_hex(8)}"
        password = unfinished.with_suffix(".password")
        try:
            write_file(password, read_password(home.password).encode() + b"\n", mode=0o600)
            os.chown(password, account.uid, account.gid)
            unfinished.mkdir(mode=0o700)
            os.chown(unfinished, account.uid, account.gid)
            arguments: list[str | Path] = [
                "-D",
                unfinished,
                "-U",
                USER,
                "-E",
                "UTF8",
                "--auth=scram-sha-256",
                f"--pwfile={password}",
            ]
            arguments += ["--no-instructions", "--data-checksums", *_locale(binaries)]
            run_program(binaries.directory / "initdb", arguments, account=account)
            self._include(unfinished)
            unfinished.rename(home.data)
        except OSError as error:
            raise DatabaseError(
                f"cannot create the embedded server's data directory: {error}", where=str(home.server)
            ) from error
        finally:
            home.remove_unfinished()

    def start(
        self, binaries: Binaries, account: Account, record: ServerRecord, *, parameters: Mapping[str, str]
    ) -> None:
        """Start the server, which must be stopped, and wait until it answers.

        Raises:
            DatabaseError: The server did not start; the hint is the end of its log.
        """
        home = self._home
        # The server's account must read root's configuration, which holds no secret.
        text = configuration(record, parameters)
        write_file(home.configuration, os.fsencode(text), mode=0o644 if is_root() else 0o600)
        self._include(home.data)
        self._discard_stale_files(record)
        record.write(home.record)
        with contextlib.suppress(FileNotFoundError):
            if home.log.stat().st_size > _LOG_BYTES:
                home.log.replace(home.log.with_name("postgres.log.1"))
        log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        before = os.fstat(log).st_size
        try:
            with FileLock(home.server_lock) as lock:
                # All server processes inherit the lock and hold it until the last one exits. A status command of another
                # process can hold it for a moment.
                if not lock.exclusive(timeout=10):
                    raise DatabaseError("processes of the embedded server are still running", where=str(home.data))
                # The data directory goes into a variable, since pg_ctl passes arguments to a shell.
                run_program(
                    binaries.directory / "pg_ctl",
                    ["start", "-w", "-s", "-t", str(_TIMEOUT_SECONDS)],
                    account=account,
                    environment={"PGDATA": str(home.data)},
                    output=log,
                    inherited=[lock.descriptor],
                )
        except DatabaseError as error:
            with home.log.open("rb") as file:
                file.seek(before)
                why = server_complaint(file.read().decode(errors="replace"))
            raise DatabaseError(
                "the embedded server did not start", where=str(home.log), hint=why or error.hint or error.message
            ) from error
        finally:
            os.close(log)

    def stop(self) -> None:
        """End all sessions, stop the server, and wait until its last process has exited.

        Raises:
            DatabaseError: The server did not stop.
        """
        postmaster = self._postmaster()
        if postmaster is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster, signal.SIGINT)  # PostgreSQL's "fast" shutdown
        started = time.monotonic()
        while self._locked() or (postmaster is not None and processes.is_server(postmaster, self._home.data)):
            if time.monotonic() - started > _TIMEOUT_SECONDS:
                raise DatabaseError("the embedded server does not stop", where=str(self._home.log))
            time.sleep(_POLL_SECONDS)

    def _unanswered(self) -> State:
        return State.GONE if self._locked() or self._postmaster() is not None else State.STOPPED

    def _locked(self) -> bool:
        if not self._home.server_lock.exists():
            return False
        with FileLock(self._home.server_lock) as lock:
            # A shared lock, so that two processes that check at once do not mistake each other for the server.
            return not lock.try_shared()

    def _postmaster(self) -> int | None:
        process_id = processes.read_process_id(self._home.data / "postmaster.pid")
        return process_id if process_id is not None and processes.is_server(process_id, self._home.data) else None

    def _discard_stale_files(self, record: ServerRecord) -> None:
        """Remove stale lock files that would keep PostgreSQL from starting.

        PostgreSQL refuses to start while the process id in a lock file is in use, even by another program or by a zombie
        that a container's first process never reaps. PostgreSQL handles all other cases itself, and then also checks its
        shared memory for survivors.
        """
        socket = record.socket_directory / f".s.PGSQL.{record.port}.lock"
        for path in (self._home.data / "postmaster.pid", socket):
            process_id = processes.read_process_id(path)
            if process_id is None or not processes.exists(process_id):
                continue
            if not processes.is_server(process_id, self._home.data):
                path.unlink(missing_ok=True)

    @staticmethod
    def _include(data: Path) -> None:
        """Add the include of ``pgdatahub.conf`` to ``postgresql.conf``, unless it is there."""
        path = data / "postgresql.conf"
        # O_NOFOLLOW: the server's account owns the directory, and root must not follow its links.
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "r+b") as file:
            if INCLUDE.encode() not in file.read():
                file.write(f"\n{INCLUDE}\n".encode())
                file.flush()
                os.fsync(descriptor)


def _locale(binaries: Binaries) -> list[str]:
    # The built-in provider sorts text by code point on every system, independent of the C library. Before PostgreSQL 17, C is
    # the only locale of every system.
    if binaries.major >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C"]
