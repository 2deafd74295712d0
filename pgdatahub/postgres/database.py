"""The target database: the configured server, libpq's own environment, or the embedded server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from psycopg.conninfo import make_conninfo

from pgdatahub.errors import DatabaseError, TransientDatabaseError, UnreachableError
from pgdatahub.model.address import DatabaseAddress
from pgdatahub.postgres.server.engine import Engine, create_engine, transaction
from pgdatahub.system.retry import with_retries

if TYPE_CHECKING:
    from pgdatahub.config import Config, Destination
    from pgdatahub.postgres.embedded import EmbeddedServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that has answered.

    Attributes:
        engine: The factory of its connections.
        conninfo: The connection string for worker processes; may hold a password, so it is not in the repr.
        address: Its address, to compare with others.
        description: Its address and version for messages, without secrets.
        server_version: As ``server_version_num``: 150004 is 15.4.
        embedded: It is on the embedded server.
        shared: It is the database that all projects shared in earlier versions.
        revive: Called after a lost connection, before the retry: restarts the embedded server.
    """

    engine: Engine
    conninfo: str
    address: DatabaseAddress
    description: str
    server_version: int
    embedded: bool = False
    shared: bool = False
    revive: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"Database({self.description!r})"

    def close(self) -> None:
        """Close the connection that is kept open, if any."""
        self.engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIdentity:
    """The identity of a database, independent of its address.

    Attributes:
        database: Its name.
        cluster: The identifier that all servers of one cluster share; empty if the role may not read it.
    """

    database: str
    cluster: str

    def __str__(self) -> str:
        return f"the database {self.database} of the server {self.cluster or '(unknown)'}"


def identify(database: Database) -> ServerIdentity:
    """Return the identity of a database.

    Raises:
        DatabaseError: The database is gone.
    """
    allowed = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
    with transaction(database.engine, read_only=True) as connection:
        name = str(connection.scalar("SELECT current_database()"))
        cluster = ""
        if connection.scalar(allowed):
            cluster = str(connection.scalar("SELECT system_identifier FROM pg_control_system()"))
        return ServerIdentity(database=name, cluster=cluster)


SHARED_REMARK: Final = ", shared with other projects by earlier versions (pgdatahub db move gives this one its own)"
UNMADE: Final = "the embedded server, on which the first run makes a database for this directory"
"""Description of the target while :func:`is_unmade`."""


def embedded_server(config: Config, announce: Callable[[str], None]) -> EmbeddedServer:
    """Return the embedded server of the settings, without creating or starting it.

    Args:
        config: The settings.
        announce: Receives messages for the user, one line at a time.
    """
    from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

    settings = EmbeddedSettings(home=config.pgdatahub_home, bindir=config.pg_bindir, os_user=config.pg_osuser)
    return EmbeddedServer(settings, announce=announce)


def is_unmade(config: Config, announce: Callable[[str], None], *, warned: bool = False) -> bool:
    """Return whether the target is a database of the embedded server that does not exist yet; only a run may make it.

    A project that is unknown at its present place is looked for in the databases of projects that are gone, for which the
    server is started.

    Args:
        config: The settings.
        announce: See :func:`open_database`.
        warned: The caller shows the notices of the settings.

    Raises:
        DatabaseError: The embedded server cannot be started.
    """
    if config.destination.kind != "embedded":
        return False
    if config.ignored_server and not warned:
        announce(f"warning: {config.ignored_server}")
    from pgdatahub.postgres.embedded.projects import ProjectDatabases, directory_of

    server = embedded_server(config, announce)
    if server.status().version is None:
        return True
    if server.registry.find(directory_of(config)) is not None:
        return False
    with server:
        return ProjectDatabases(server=server, config=config, announce=announce).find() is None


@contextmanager
def open_database(config: Config, announce: Callable[[str], None]) -> Iterator[Database]:
    """Yield the database that the settings name; keep the embedded server running at least until the end of the block.

    On the embedded server, the project's database is made if it is missing; see :func:`is_unmade`.

    Args:
        config: The settings.
        announce: Receives messages for the user about the embedded server, one line at a time.

    Raises:
        DatabaseError: The database does not exist, or refuses access.
    """
    destination = config.destination
    if destination.kind != "embedded":
        with closing(_connect_configured(destination)) as database:
            yield database
        return
    from pgdatahub.postgres.embedded.projects import ProjectDatabases

    with ExitStack() as servers:

        def revive() -> None:
            # Attaching again starts the server if it is not running.
            servers.enter_context(embedded_server(config, announce))

        server = servers.enter_context(embedded_server(config, announce))
        project = ProjectDatabases(server=server, config=config, announce=announce).ensure()
        conninfo = make_conninfo(**server.libpq_parameters(project.database))
        with closing(
            connect(conninfo, embedded=True, shared=project.shared, keep_connection=True, revive=revive)
        ) as database:
            yield database


def connect_embedded(server: EmbeddedServer, name: str) -> Database:
    """Connect to a database of a running embedded server; the caller closes it."""
    return connect(make_conninfo(**server.libpq_parameters(name)), embedded=True)


def _connect_configured(destination: Destination) -> Database:
    try:
        return connect(destination.conninfo, keep_connection=True)
    except DatabaseError as error:
        if not destination.place:
            raise
        # "from None": the same error, with its place.
        raise error.located(destination.place) from None


@contextmanager
def keep_running(config: Config, announce: Callable[[str], None]) -> Iterator[None]:
    """Keep the embedded server running until the end of the block, if the settings name no other server.

    Args:
        config: The settings.
        announce: See :func:`open_database`.

    Raises:
        DatabaseError: The embedded server cannot be started.
    """
    if config.skip_db or config.destination.kind != "embedded":
        yield
        return
    with embedded_server(config, announce):
        yield


def _wait() -> None:
    """Do nothing: pgdatahub cannot restart a server that it does not manage."""


def connect(
    conninfo: str,
    *,
    embedded: bool = False,
    shared: bool = False,
    keep_connection: bool = False,
    revive: Callable[[], None] = _wait,
) -> Database:
    """Return the database at ``conninfo`` after it has answered.

    Args:
        conninfo: See :func:`~pgdatahub.postgres.server.engine.create_engine`.
        embedded: It is on the embedded server.
        shared: See :class:`Database`.
        keep_connection: Keep one connection open until the database is closed.
        revive: See :class:`Database`.

    Raises:
        DatabaseError: The database does not answer or refuses access.
    """
    engine = create_engine(conninfo, keep_connection=keep_connection)
    try:
        info = _ask(engine)
    except UnreachableError:
        raise  # a retry does not help: most likely the address is wrong
    except TransientDatabaseError:
        # The server was there, and the connection was lost.
        info = with_retries(partial(_ask, engine), lambda _error: revive())
    version = f"PostgreSQL {info.server_version // 10000}.{info.server_version % 10000}"
    if embedded:
        address = DatabaseAddress(database=info.dbname, embedded=True)
    else:
        address = DatabaseAddress(database=info.dbname, host=info.host, port=info.port, user=info.user)
    return Database(
        engine=engine,
        conninfo=conninfo,
        address=address,
        description=address.describe(version) + (SHARED_REMARK if shared else ""),
        server_version=info.server_version,
        embedded=embedded,
        shared=shared,
        revive=revive,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """Facts about the server; libpq knows them only while the connection is open."""

    server_version: int
    dbname: str
    host: str
    port: int
    user: str


def _ask(engine: Engine) -> _Answer:
    with transaction(engine, read_only=True) as connection:
        info = connection.info
        return _Answer(
            server_version=info.server_version, dbname=info.dbname, host=info.host, port=info.port, user=info.user
        )
