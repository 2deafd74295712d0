"""Lifecycle of the private server, shared by several processes.

A process that changes the server holds ``admin.lock``; every process that uses the server shares ``clients.lock``. The last
process to release the server stops it, unless ``db start`` keeps it running. The kernel releases the locks of a killed process;
the next process uses the idle server and stops it later.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import final

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import access
from pgdatahub.postgres.embedded.administration import LockedError, administration
from pgdatahub.postgres.embedded.clients import ClientShare
from pgdatahub.postgres.embedded.cluster import Cluster, State
from pgdatahub.postgres.embedded.home import Home
from pgdatahub.postgres.embedded.passfile import read_password
from pgdatahub.postgres.embedded.record import KeepMarker, ServerRecord
from pgdatahub.postgres.embedded.registry import Registry
from pgdatahub.postgres.embedded.settings import EmbeddedSettings, ServerStatus
from pgdatahub.postgres.embedded.start import start_server

# Longer than a start with crash recovery, during which another process holds the lock.
_ADMIN_SECONDS = 900
_RELEASE_SECONDS = 30

_LOGGER = logging.getLogger(__name__)


@final
class EmbeddedServer:
    """The private PostgreSQL server of this user, shared by all processes that attach to it.

    The superuser is named ``pgdatahub``. Each project has its own database (:mod:`pgdatahub.postgres.embedded.projects`). As a context
    manager it attaches at the start and releases at the end.

    Args:
        settings: The settings.
        announce: Receives lines for the user, without a newline, about creation, copies and waits. By default they are
            logged as warnings.
    """

    def __init__(self, settings: EmbeddedSettings, *, announce: Callable[[str], None] = _LOGGER.warning) -> None:
        if os.name != "posix":
            raise DatabaseError(
                "no database is configured, and this system cannot run the embedded server",
                hint="set DATABASE_URL",
            )
        self._settings = settings
        self._announce = announce
        self._home = Home(settings.home)
        self._cluster = Cluster(self._home, announce)
        self._clients = ClientShare(self._home.clients_lock)

    def attach(self, *, port: int | None = None) -> None:
        """Use the server until :meth:`release`: create and start it if necessary.

        Args:
            port: Also listen on this port of 127.0.0.1 (1 to 65535); None keeps the present port.

        Raises:
            DatabaseError: The server cannot be created, started or reached.
        """
        if self._clients.held and port is None:
            return
        self._home.prepare()
        with self.administration():
            self._attach(port)

    def release(self, *, stop_if_last: bool = True) -> None:
        """Stop using the server; do nothing in a process that does not use it.

        Args:
            stop_if_last: Stop the server if no other process uses it, it has no open session, and ``db start`` does not keep it
                running.

        Raises:
            DatabaseError: The server does not stop.
        """
        try:
            # A forked child must not stop the server that its parent still uses.
            if self._clients.held and stop_if_last:
                # A process that holds the administration lock for so long uses the server, and will stop it.
                with contextlib.suppress(LockedError), self.administration(timeout=_RELEASE_SECONDS):
                    if (
                        self._clients.is_only_one()
                        and not self._kept()
                        and not access.sessions_remain(self._record(), self._home.password)
                    ):
                        self._cluster.stop()
        finally:
            self._clients.leave()

    def start_detached(self, *, port: int | None = None) -> None:
        """Start the server and keep it running until :meth:`stop`, also after this process ends.

        After a restart of the machine the next process that attaches starts the server, with the same port.

        Args:
            port: Also listen on this port of 127.0.0.1 (1 to 65535); None keeps the present port.

        Raises:
            DatabaseError: As for :meth:`attach`.
        """
        self._home.prepare()
        with self.administration():
            attached = self._clients.open
            self._attach(port)
            record = self._record()
            KeepMarker(port=record.port if record.tcp else None).write(self._home.keep)
            if not attached:
                self._clients.leave()

    def stop(self, *, force: bool = False) -> bool:
        """Stop the server, also if ``db start`` keeps it running.

        Args:
            force: End other processes' sessions; without it, a server in use is not stopped.

        Returns:
            True if the server was running.

        Raises:
            DatabaseError: The server is in use, or does not stop.
        """
        if not self._home.exists():
            return False
        self._home.check()
        with self.administration():
            # A damaged record must not keep a server running: its processes are found by their lock.
            record = ServerRecord.read_if_sound(self._home.record)
            state = self._cluster.state(record)
            if state is not State.STOPPED:
                if not force:
                    self._refuse_if_used()
                self._cluster.stop()
            self._home.keep.unlink(missing_ok=True)
            if record is None:
                self._home.record.unlink(missing_ok=True)
            self._clients.leave()
            return state is not State.STOPPED

    def status(self) -> ServerStatus:
        """Return the server's status without creating or starting anything."""
        home = self._home
        record, version, clients, running = None, None, None, False
        if home.exists():
            home.check()
            record = ServerRecord.read(home.record)
            running = self._cluster.state(record) is State.RUNNING
            major = home.data_major()
            version = str(major) if major is not None else None
        if running and record is not None:
            with access.session(record, home.password) as connection:
                version = access.server_version(connection)
                clients = access.count_sessions(connection)
        return ServerStatus(
            running=running,
            kept=self._kept(),
            version=version,
            data_directory=home.data,
            log_file=home.log,
            socket_directory=record.socket_directory if record else None,
            port=record.port if record else None,
            tcp=record.tcp if record else False,
            clients=clients,
            url=self.url() if running else None,
        )

    def url(self, *, database: str = access.MAINTENANCE, password: bool = False, tcp: bool = False) -> str:
        """Return a PostgreSQL URL of a database, also if the server is stopped.

        Args:
            database: The database.
            password: Include the password; else the URL names the password file (``passfile=``), which libpq reads.
            tcp: Use the port on 127.0.0.1 instead of the socket.

        Raises:
            DatabaseError: The server has not been started yet, or does not listen on that port.
        """
        record = self._record()
        if tcp and not record.tcp:
            raise DatabaseError(
                "the embedded server listens on its socket only", hint="pgdatahub db stop, then db start --port N"
            )
        return access.url(record, self._home.password, database=database, password=password, tcp=tcp)

    def libpq_parameters(self, database: str = access.MAINTENANCE) -> dict[str, str]:
        """Return keyword arguments for ``psycopg.connect``: socket, user, database and password file.

        They override variables of the environment for other servers (``PGPASSWORD``, ``PGHOSTADDR`` …), unlike a URL.

        Raises:
            DatabaseError: The server has not been started yet.
        """
        return access.parameters(self._record(), self._home.password, database=database)

    def session(self, database: str = access.MAINTENANCE) -> AbstractContextManager[access.Session]:
        """Connect to a database of the running server in autocommit mode, for the duration of a ``with`` block.

        Raises:
            DatabaseError: An error of the server or of libpq, in one line.
        """
        return access.session(self._record(), self._home.password, database=database)

    def ensure_database(self, database: str, *, comment: str | None = None) -> None:
        """Create a database on the running server if it is missing, with a comment; not under :meth:`administration`.

        Raises:
            DatabaseError: The database is missing and cannot be created.
        """
        record = self._record()
        if not access.answers(record, self._home.password, database):
            # Two processes may find the database missing at once.
            with self.administration():
                access.ensure_database(record, self._home.password, database, comment=comment)

    @property
    def registry(self) -> Registry:
        """The projects with a database on the server."""
        return Registry(self._home.projects)

    def programs(self) -> Path:
        """Return the directory of the server's programs, ``psql`` among them.

        Raises:
            DatabaseError: The server has not been started yet.
        """
        return self._record().binaries

    def __enter__(self) -> EmbeddedServer:
        self.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @contextlib.contextmanager
    def administration(self, *, timeout: float = _ADMIN_SECONDS) -> Iterator[None]:
        """Keep other processes from starting or stopping the server, and from making or moving databases of projects.

        Raises:
            DatabaseError: Another process holds the lock for too long.
        """
        with administration(self._home, self._announce, timeout=timeout):
            yield

    def _attach(self, port: int | None) -> None:
        """Attach under the administration lock."""
        newly = not self._clients.held
        if newly:
            self._clients.take()
        try:
            record = ServerRecord.read(self._home.record)
            state = self._cluster.settle(record)
            elsewhere = port is not None and record is not None and (record.port, record.tcp) != (port, True)
            if state is State.RUNNING and elsewhere:
                self._refuse_if_used()
                self._cluster.stop()
                state = State.STOPPED
            if state is not State.RUNNING:
                start_server(self._cluster, self._home, self._settings, last=record, port=port, announce=self._announce)
            read_password(self._home.password)  # a precise error; libpq would only report "no password supplied"
        except BaseException:
            if newly:
                self._clients.leave()
            raise

    def _refuse_if_used(self) -> None:
        """Raise DatabaseError if another process uses the server or has a session open on it."""
        record = ServerRecord.read_if_sound(self._home.record)
        alone = self._clients.is_only_one()
        if not alone or (record is not None and access.sessions_remain(record, self._home.password)):
            raise DatabaseError(
                "the embedded server is in use by other processes or open sessions",
                where=str(self._home.server),
                hint="wait for them, or end them with pgdatahub db stop --force",
            )

    def _kept(self) -> bool:
        return os.path.lexists(self._home.keep)

    def _record(self) -> ServerRecord:
        record = ServerRecord.read(self._home.record)
        if record is None:
            raise DatabaseError(
                "the embedded server has not been started yet", where=str(self._home.server), hint="pgdatahub db start"
            )
        return record
