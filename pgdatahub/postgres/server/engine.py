"""Connections, transactions, and the translation of the driver's errors to pgdatahub's errors.

An engine keeps no connection, or one for the length of a run. Only this module translates the driver's errors.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.pq import TransactionStatus

from pgdatahub.errors import DatabaseError, LoadError, PgDataHubError, PrivilegeError, TransientDatabaseError
from pgdatahub.postgres.server.alchemy import Bridge
from pgdatahub.postgres.server.connect import open_connection
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.dialects import describe, refusal
from pgdatahub.postgres.server.pins import adapt_session
from pgdatahub.postgres.server.sqlstates import FOREIGN_KEY, ROW_SECURITY, ROW_SECURITY_HINT, meaning, one_line

if TYPE_CHECKING:
    import sqlalchemy

_TRUSTED_SECONDS: Final = 1.0
"""A connection that was used within this time is used again without a check: the check takes a twentieth of a small
file's time. The first statement fails on a lost connection, and the work is retried."""


class Engine:
    """Factory of connections to one database; see :func:`create_engine`."""

    def __init__(self, conninfo: str, *, keep_connection: bool) -> None:
        self._conninfo = conninfo
        self._keep_connection = keep_connection
        self._recognised = False  # checked once, not for every connection
        self._kept: deque[tuple[psycopg.Connection[Any], float]] = deque()
        self.bridge = Bridge()

    def take(self) -> psycopg.Connection[Any]:
        """Return a connection in autocommit mode, which the caller gives back or closes.

        Raises:
            psycopg.Error: The server does not answer or refuses the user.
            DatabaseError: The server cannot keep the promises of a load.
        """
        while self._kept:
            connection, used = self._kept.pop()
            if time.monotonic() - used < _TRUSTED_SECONDS or _is_alive(connection):
                return connection
            connection.close()
        return self._connect()

    def give_back(self, connection: psycopg.Connection[Any]) -> None:
        """Keep a connection for the next transaction if the engine keeps one, else close it."""
        if self._keep_connection and not self._kept and not connection.closed:
            self._kept.append((connection, time.monotonic()))
        else:
            connection.close()

    def dispose(self) -> None:
        """Close the connection that is kept open, if any."""
        while self._kept:
            self._kept.pop()[0].close()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = open_connection(self._conninfo)
        if not self._recognised:
            try:
                _recognise(connection)
            except BaseException:
                connection.close()
                raise
            self._recognised = True
        adapt_session(connection)
        return connection


def create_engine(conninfo: str, *, keep_connection: bool = False) -> Engine:
    """Return an engine for a libpq connection string or URL, without connecting.

    Args:
        conninfo: As for ``psycopg.connect``: a URL, ``key=value`` pairs, or empty for libpq's environment.
        keep_connection: Keep one connection open between transactions, until the engine is disposed of: connecting
            takes 16 to 20 ms, more than loading a small file.
    """
    return Engine(conninfo, keep_connection=keep_connection)


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("")
    except psycopg.Error:
        return False
    return True


def _recognise(connection: psycopg.Connection[Any]) -> None:
    """Refuse a server that cannot keep the promises of a load.

    Raises:
        DatabaseError: The server is refused; the message gives the reason.
    """
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        raise DatabaseError(
            "the database's encoding is SQL_ASCII, which keeps bytes of any encoding and knows no text",
            hint="load into a database with ENCODING 'UTF8'",
        )
    refused = refusal(describe(connection))
    if refused is not None:
        raise refused


@contextmanager
def transaction(engine: Engine, *, read_only: bool = False) -> Iterator[Connection]:
    """Yield a connection in a transaction; COMMIT at the end, ROLLBACK on any error.

    Raises:
        DatabaseError: The connection failed, or was lost (then a TransientDatabaseError).
    """
    with translated_errors():
        driver = engine.take()
        connection = Connection(driver, engine.bridge, read_only=read_only)
        try:
            yield connection
            connection.commit()
        except BaseException as error:
            with suppress(psycopg.Error):
                connection.leave()
            if isinstance(error, Exception) and _rolled_back(driver):
                engine.give_back(driver)
            else:
                # The server rolls back in any state of the connection.
                driver.close()
            raise
        engine.give_back(driver)


def _rolled_back(driver: psycopg.Connection[Any]) -> bool:
    """Roll back if the connection is between two statements; return whether it can be used again."""
    if driver.info.transaction_status is TransactionStatus.ACTIVE:
        return False
    with suppress(psycopg.Error):
        driver.rollback()
    return driver.info.transaction_status is TransactionStatus.IDLE


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Run a block in a savepoint; if the block raises, roll back its changes and nothing more.

    Raises:
        DatabaseError: The connection was lost (then a TransientDatabaseError).
    """
    with translated_errors(), connection.driver.transaction(), translated_errors():
        yield


def driver_connection(connection: Connection | sqlalchemy.Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection of the same transaction, for COPY and composed DDL."""
    return Connection.beneath(connection).driver


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate the driver's errors to pgdatahub's errors; let pgdatahub's own errors pass."""
    try:
        yield
    except PgDataHubError:
        raise
    except psycopg.Error as error:
        raise translate(error) from error
    except Exception as error:
        # SQLAlchemy wraps the driver's errors; without its import, no error is wrapped.
        exceptions = sys.modules.get("sqlalchemy.exc")
        if exceptions is None or not isinstance(error, exceptions.DBAPIError):
            raise
        original = getattr(error, "orig", None)
        if isinstance(original, psycopg.Error):
            raise translate(original) from error
        raise DatabaseError(one_line(str(original))) from error


def translate(error: psycopg.Error) -> PgDataHubError:
    """Return pgdatahub's error with the meaning of ``error``, which was raised within a session."""
    message = one_line(error.diag.message_primary or str(error))
    state = error.sqlstate or error.diag.sqlstate
    if state in FOREIGN_KEY:
        return LoadError(message, where=_where(error), hint=_refusing_key(error))
    if error.diag.source_function == ROW_SECURITY:
        return PrivilegeError(f"row-level security hides rows from this role: {message}", hint=ROW_SECURITY_HINT)
    if state is not None:
        found = None if _is_of_another_connection(error) else meaning(state, message, where=_where(error))
        hint = error.diag.message_hint or (_RAISED if is_raised_by_function(error) else None)
        return found or LoadError(f"{message} (SQLSTATE {state})", where=_where(error), hint=hint)
    # Without a state, an InternalError is psycopg's: a pooler answers COMMIT twice if its server is gone.
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError):
        return TransientDatabaseError(message, hint="the connection was lost; nothing of the file was kept")
    return DatabaseError(message)


_RAISE: Final = frozenset({"exec_stmt_raise", "exec_stmt_assert"})
"""Functions of the server that run RAISE and ASSERT of PL/pgSQL, whatever SQLSTATE they give."""
_RAISED: Final = "a trigger or function of the database raised it: meet its rule, or have it changed or disabled"
_OF_THE_SERVER: Final = ("08", "40", "53", "55", "57")


def cause_of(error: BaseException) -> psycopg.Error | None:
    """Return the driver's error that a translated error comes from, if any."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, psycopg.Error):
        cause = cause.__cause__
    return cause


def is_raised_by_function(error: psycopg.Error) -> bool:
    """Return whether a function or trigger in the database raised the error, so that its words can be any.

    The context of other errors is empty, or the line of COPY, whose word is the same in all languages; those of locks, shutdowns
    and timeouts name places that the server had reached.
    """
    state = error.sqlstate or ""
    if state.startswith("P0") or error.diag.source_function in _RAISE or _is_of_another_connection(error):
        return True
    context = (error.diag.context or "").splitlines()
    return not state.startswith(_OF_THE_SERVER) and any(not line.startswith("COPY ") for line in context)


def _is_of_another_connection(error: psycopg.Error) -> bool:
    """Return whether a function, such as one of dblink, raised the error for a connection of its own; this one goes on.

    The server ends a session with severity FATAL; 08P01 is of a pooler too, which gives it any severity.
    """
    state = error.sqlstate or ""
    return state.startswith("08") and state != "08P01" and error.diag.severity_nonlocalized == "ERROR"


def _refusing_key(error: psycopg.Error) -> str:
    """Return the fix for a foreign key violation; on a delete, the error names the table that refers to the rows."""
    return (
        f"the foreign key {error.diag.constraint_name} of the table {error.diag.table_name} refuses it: load what it refers to"
        " first, or change the rows that refer to rows that go"
    )


def _where(error: psycopg.Error) -> str | None:
    parts = []
    with suppress(AttributeError):
        if error.diag.table_name:
            parts.append(f"table {error.diag.table_name}")
        if error.diag.column_name:
            parts.append(f"column {error.diag.column_name}")
    return " › ".join(parts) or None
