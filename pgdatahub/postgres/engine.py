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

from pgdatahub.errors import DatabaseError, LoadError, PgDataHubError, TransientDatabaseError
from pgdatahub.postgres.connect import open_connection
from pgdatahub.postgres.dialects import describe, refusal
from pgdatahub.postgres.sqlstates import meaning, one_line

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


def create_engine(conninfo: str, *, keep_connection: bool = False) -> Engine:
    """Return an engine for a libpq connection string or URL; nothing is connected yet.

    Args:
        conninfo: What ``psycopg.connect`` takes: a URL, ``key=value`` pairs, or nothing for libpq's environment.
        keep_connection: Keep one connection open between transactions, until the engine is disposed of: connecting
            takes 16 to 20 ms, more than loading a small file. Before it is used again it is asked whether it still is.
    """
    recognised: list[bool] = []  # asked once, not with every connection

    def connect() -> psycopg.Connection[Any]:
        connection = open_connection(conninfo)
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
        raise (translate(original) if original else DatabaseError(one_line(str(error.orig)))) from error
    except psycopg.Error as error:
        raise translate(error) from error


def translate(error: psycopg.Error) -> PgDataHubError:
    """Return the error of ours that says what ``error``, raised within a session, means to a user."""
    message = one_line(error.diag.message_primary or str(error))
    state = error.sqlstate or error.diag.sqlstate
    if state is not None:
        found = meaning(state, message, where=_where(error))
        return found or LoadError(f"{message} (SQLSTATE {state})", where=_where(error), hint=error.diag.message_hint)
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
