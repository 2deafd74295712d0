"""Access to the server: libpq parameters, URLs, and the supervisor's own sessions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import psycopg
from psycopg import conninfo, sql

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.passfile import USER, read_password
from pgdatahub.postgres.embedded.record import ServerRecord

MAINTENANCE = "postgres"
"""The database of the supervisor's own sessions; every server has it."""
SHARED = "pgdatahub"
"""The database that all projects of an account shared in earlier versions."""
Session: TypeAlias = "psycopg.Connection[tuple[object, ...]]"
# The server lists a closed session for a few milliseconds more.
_CLOSING_SECONDS = 0.5


def address(record: ServerRecord) -> dict[str, str]:
    """Return libpq parameters of the socket, which override variables of the environment for other servers.

    Empty values mean "as if unset": without them, libpq would use ``PGHOSTADDR`` and others.
    """
    return {
        "host": str(record.socket_directory),
        "hostaddr": "",
        "port": str(record.port),
        "user": USER,
        "sslmode": "disable",
        "gssencmode": "disable",
        "channel_binding": "disable",
        "requirepeer": "",
        "target_session_attrs": "any",
    }


def parameters(record: ServerRecord, passfile: Path, *, database: str = MAINTENANCE) -> dict[str, str]:
    """Return libpq parameters that connect to a database of the server."""
    # With an empty password libpq reads the file even if PGPASSWORD is set.
    return {**address(record), "dbname": database, "passfile": str(passfile), "password": ""}


def url(record: ServerRecord, passfile: Path, *, database: str, password: bool, tcp: bool) -> str:
    """Return a URL of a database.

    Args:
        record: The server's record, with its socket and port.
        passfile: The password file.
        database: The database.
        password: Put the password into the URL, instead of the file's name.
        tcp: Use the port on 127.0.0.1, instead of the socket.
    """
    secret = f":{quote(read_password(passfile), safe='')}" if password else ""
    place = f"127.0.0.1:{record.port}" if tcp else ""
    options = {} if tcp else {"host": str(record.socket_directory), "port": str(record.port)}
    if not password:
        options["passfile"] = str(passfile)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"postgresql://{USER}{secret}@{place}/{quote(database, safe='')}" + (f"?{query}" if query else "")


@contextlib.contextmanager
def session(record: ServerRecord, passfile: Path, *, database: str = MAINTENANCE) -> Iterator[Session]:
    """Connect in autocommit mode for the duration of a ``with`` block.

    Raises:
        DatabaseError: An error of the server or of libpq, in one line.
    """
    read_password(passfile)  # raises a precise error; libpq would only report "no password supplied"
    target = conninfo.make_conninfo(**parameters(record, passfile, database=database), connect_timeout="30")
    try:
        with psycopg.connect(target, autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        said = " | ".join(line.strip() for line in str(error).splitlines() if line.strip())
        raise DatabaseError(f"cannot use the embedded server: {said}", where=str(record.socket_directory)) from error


def answers(record: ServerRecord, passfile: Path, database: str) -> bool:
    """Return whether a database exists and takes connections."""
    with contextlib.suppress(DatabaseError), session(record, passfile, database=database):
        return True
    return False


def ensure_database(record: ServerRecord, passfile: Path, database: str, *, comment: str | None = None) -> None:
    """Create a database if it is missing, while the caller holds the administration lock.

    Args:
        record: The server's record.
        passfile: The password file.
        database: The database.
        comment: The comment of a new database.

    Raises:
        DatabaseError: The database is missing and cannot be created.
    """
    with session(record, passfile) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            if comment is not None:
                set_comment(connection, database, comment)
    with session(record, passfile, database=database):
        pass


def set_comment(connection: Session, database: str, comment: str | None) -> None:
    """Set or remove the comment of a database."""
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(comment))
    connection.execute(statement)


def drop_database(connection: Session, database: str) -> None:
    """Drop a database without sessions."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(database)))


def rename_database(connection: Session, database: str, name: str) -> None:
    """Rename a database without sessions."""
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (database, name))))


def copy_database(connection: Session, database: str, name: str) -> None:
    """Copy a database without sessions."""
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, database))))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database of the server: its comment, its size in bytes, and the number of its sessions besides the asker's."""

    comment: str | None
    bytes: int
    sessions: int


def databases(connection: Session) -> dict[str, DatabaseFacts]:
    """Return the databases of the server by name, without templates and the supervisor's own."""
    rows = connection.execute(
        """
        SELECT d.datname, shobj_description(d.oid, 'pg_database'), pg_database_size(d.oid),
               (SELECT count(*)::int FROM pg_stat_activity a WHERE a.datid = d.oid AND a.pid <> pg_backend_pid())
          FROM pg_database d WHERE NOT d.datistemplate AND d.datname <> %s
        """,
        [MAINTENANCE],
    ).fetchall()
    return {
        str(name): DatabaseFacts(
            comment=None if comment is None else str(comment), bytes=int(str(size)), sessions=int(str(sessions))
        )
        for name, comment, size, sessions in rows
    }


def server_version(connection: Session) -> str:
    """Return the server's version, such as ``18.6``."""
    number = connection.info.server_version  # such as 180006
    return f"{number // 10_000}.{number % 10_000}"


def count_sessions(connection: Session) -> int:
    """Return the number of open sessions besides this one."""
    row = connection.execute(
        "SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchone()
    return int(str(row[0])) if row else 0


def sessions_remain(record: ServerRecord, passfile: Path) -> bool:
    """Return whether other sessions are open, such as those of a user's tool, which holds no lock."""
    started = time.monotonic()
    try:
        with session(record, passfile) as connection:
            while count_sessions(connection):
                if time.monotonic() - started > _CLOSING_SECONDS:
                    return True
                time.sleep(0.02)
    except DatabaseError:
        # A server that does not answer has no usable session.
        return False
    return False
