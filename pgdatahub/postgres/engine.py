"""Connections and transactions: how the database is reached, and how its errors become ours.

An engine keeps no connection, or one for the length of a run. This is the only place where a driver's error is translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy import create_engine as create_sqlalchemy_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from pgdatahub.errors import (
    ContentionError,
    DatabaseError,
    LoadError,
    PgDataHubError,
    PrivilegeError,
    SchemaError,
    TransientDatabaseError,
)
from pgdatahub.postgres.dialects import describe, refusal

_PINNED = {
    # Text means one thing: no setting of the server, the database or the role may change how a value is written.
    "extra_float_digits": "1",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    # A client whose machine is lost would keep its locks until TCP gives up, two hours by default.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

_PIN = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _PINNED.items())
"""As one text: with parameters it takes each transaction five times as long."""

_CONNECTION = {
    "application_name": "pgdatahub",
    # A lost machine would keep its locks until TCP gives up, two hours by default.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "connect_timeout": 10,
}

_CONTENTION_STATES = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout."""
_TRANSIENT_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "53300"})
"""Shutdowns, start-up, idle timeouts, too many connections
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def create_engine(conninfo: str, *, keep_connection: bool = False) -> Engine:
    """Return an engine for a libpq connection string or URL; nothing is connected yet.

    Args:
        conninfo: What ``psycopg.connect`` takes: a URL, ``key=value`` pairs, or nothing for libpq's environment.
        keep_connection: Keep one connection open between transactions, until the engine is disposed of: connecting
            takes 16 to 20 ms, more than loading a small file. Before it is used again it is asked whether it still is.
    """
    recognised: list[bool] = []  # asked once, not with every connection

    def connect() -> psycopg.Connection[Any]:
        given = psycopg.conninfo.conninfo_to_dict(conninfo)
        defaults = {key: value for key, value in _CONNECTION.items() if key not in given}
        connection = psycopg.connect(conninfo, **cast("dict[str, Any]", defaults))
        if not recognised:
            try:
                _recognise(connection)
            except BaseException:
                connection.close()
                raise
            recognised.append(True)
        return connection

    url = "postgresql+psycopg://"
    if keep_connection:
        engine = create_sqlalchemy_engine(url, creator=connect, poolclass=QueuePool, pool_size=1, pool_pre_ping=True)
    else:
        engine = create_sqlalchemy_engine(url, creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def pin(connection: Connection) -> None:
        connection.exec_driver_sql(_PIN)

    return engine


def _recognise(connection: psycopg.Connection[Any]) -> None:
    """Refuse a server that cannot keep what is promised.

    Raises:
        DatabaseError: It is one; the message says why.
    """
    connection.autocommit = True
    refused = refusal(describe(connection))
    connection.autocommit = False
    if refused is not None:
        raise refused


@contextmanager
def transaction(engine: Engine, *, read_only: bool = False) -> Iterator[Connection]:
    """Yield a connection in a transaction; COMMIT at the end, ROLLBACK on any error.

    Raises:
        DatabaseError: No connection, or it was lost (then a TransientDatabaseError).
    """
    with translated_errors(), engine.connect() as connection:
        try:
            with connection.begin():
                if read_only:
                    connection.execute(text("SET TRANSACTION READ ONLY"))
                yield connection
        except BaseException:
            # COPY and DDL go past SQLAlchemy, which therefore cannot know what state the connection is in.
            connection.invalidate()
            raise


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Take back what the block did, and nothing else, if it raises.

    Raises:
        DatabaseError: The connection was lost (then a TransientDatabaseError).
    """
    with translated_errors(), connection.begin_nested(), translated_errors():
        yield


def driver_connection(connection: Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection beneath, which is in the same transaction; for COPY and composed DDL."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn an error of the driver into one of ours; let ours pass."""
    try:
        yield
    except PgDataHubError:
        raise
    except DBAPIError as error:
        original = error.orig if isinstance(error.orig, psycopg.Error) else None
        raise (translate(original) if original else DatabaseError(_one_line(str(error.orig)))) from error
    except psycopg.Error as error:
        raise translate(error) from error


def translate(error: psycopg.Error) -> PgDataHubError:
    """Return the error of ours that says what ``error`` means to a user."""
    state = error.sqlstate or getattr(getattr(error, "diag", None), "sqlstate", None)
    message = _one_line(error.diag.message_primary or str(error))
    if state is None:
        return _translate_connection(error, message)
    if state in _CONTENTION_STATES:
        return ContentionError(message, hint="another session is in the way; nothing of the file was kept")
    if state in _TRANSIENT_STATES or state.startswith("08"):
        return TransientDatabaseError(message, hint="try again; nothing of the file was kept")
    for prefixes, kind, hint in _MEANINGS:
        if state.startswith(prefixes):
            return kind(message, where=_where(error), hint=hint)
    return LoadError(f"{message} (SQLSTATE {state})", where=_where(error), hint=error.diag.message_hint)


_MEANINGS: tuple[tuple[tuple[str, ...], type[PgDataHubError], str | None], ...] = (
    (("28",), DatabaseError, "check the user and the password in DATABASE_URL"),
    (("3D000",), DatabaseError, "create the database, or correct its name in DATABASE_URL"),
    (("42501",), PrivilegeError, "grant the role what it lacks, or use another role or ETL_SCHEMA"),
    (("25006",), DatabaseError, "this server is a standby or read-only; connect to the primary"),
    (("53100", "53200"), DatabaseError, "the server is out of disk space or memory"),
    (
        ("54",),
        SchemaError,
        "a limit of PostgreSQL: a table has at most 1,600 columns, and a row 8 kB beside long texts",
    ),
    (("2BP01", "0A000"), SchemaError, "something depends on the column"),
    (("23502",), LoadError, "the table has a column that must not be empty, and the file has no value for it"),
    (("23",), LoadError, "the table has a constraint that the file breaks"),
    (("22",), LoadError, "the column's type is the table's own and cannot hold the value"),
)
"""SQLSTATE prefixes → what they mean here."""


def _translate_connection(error: psycopg.Error, message: str) -> PgDataHubError:
    lowered = message.lower()
    if "password authentication failed" in lowered or "no password supplied" in lowered:
        return DatabaseError(message, hint="check the user and the password in DATABASE_URL")
    if "does not exist" in lowered and "database" in lowered:
        return DatabaseError(message, hint="create the database, or correct its name in DATABASE_URL")
    if "could not translate host name" in lowered or "failed to resolve host" in lowered:
        return DatabaseError(message, hint="check the host in DATABASE_URL")
    if "refused" in lowered or "timeout" in lowered or "no such file" in lowered:
        return TransientDatabaseError(message, hint="is the server running, and are host and port right?")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return TransientDatabaseError(message, hint="the connection was lost; nothing of the file was kept")
    return DatabaseError(message)


def _where(error: psycopg.Error) -> str | None:
    parts = []
    with suppress(AttributeError):
        if error.diag.table_name:
            parts.append(f"table {error.diag.table_name}")
        if error.diag.column_name:
            parts.append(f"column {error.diag.column_name}")
    return " › ".join(parts) or None


def _one_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    # libpq tries every address of a host and says the same of each.
    return "; ".join(dict.fromkeys(lines[:3])).rstrip(".") if lines else "unknown error"
