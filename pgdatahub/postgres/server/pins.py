"""Settings that every transaction fixes, so that roles, databases and servers cannot change its effects.

The list results from a review of ``pg_settings`` of PostgreSQL 17. ``default_transaction_read_only`` keeps its value,
since a read-only role is meant to be read-only. Only a superuser can set ``session_replication_role`` and
``lc_messages``.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import pq

_PINNED: Final = {
    # Each value has one text form, for writing and for reading.
    "extra_float_digits": "1",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "array_nulls": "on",
    "transform_null_equals": "off",
    # A load may take any time; timeouts are for interactive users. Waiting for another load is not an error: the limit
    # for waits begins when the load has its turn (locks.limit_lock_waits).
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # Code within a savepoint expects errors and must go on.
    "exit_on_error": "off",
    # Rows that a policy hides must raise an error, not be absent.
    "row_security": "off",
    # The server would keep the locks of a lost machine until TCP gives up, two hours by default.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_SINCE_17: Final = {"transaction_timeout": "0"}

_PATH: Final = (
    # The catalog comes before any user schema with a pg_class; the rest of the path, which triggers use, stays.
    "pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog',"
    " nullif(pg_catalog.current_setting('search_path'), '')), true)"
)


_ATTEMPTS: Final = 100
_PREPARE_AFTER: Final = 5
"""Executions of a statement after which it is prepared."""


def begin(connection: psycopg.Connection[Any], *, read_only: bool) -> None:
    """Begin a transaction with fixed settings.

    BEGIN and the settings go to the server together, so that no timeout of an idle transaction can come between.

    Args:
        connection: A connection in autocommit mode, outside of a transaction.
        read_only: The transaction must not write.
    """
    pooled = connection.prepare_threshold is None  # adapt_session() lifted the timeouts of other sessions
    statements = _begin_statements(connection.info.server_version, read_only=read_only, lift_timeouts=pooled)
    if connection.pgconn.pipeline_status != pq.PipelineStatus.OFF:
        # psycopg reads times as the last reported DateStyle has them, and the server reports a change at the end of a pipeline.
        with nullcontext() if _reads_as_pinned(connection) else connection.pipeline():
            for statement in statements:
                connection.execute(statement)
        return
    execute_despite_timeout(connection, b"; ".join(statements))


def execute_despite_timeout(connection: psycopg.Connection[Any], statement: bytes) -> psycopg.Cursor[Any]:
    """Execute a short message whose session may still have a ``statement_timeout`` of a millisecond.

    On a busy machine such a timeout cancels any message now and then; then the message is sent again.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return connection.execute(statement)
        except psycopg.errors.QueryCanceled:
            connection.rollback()
    return connection.execute(statement)


def _reads_as_pinned(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the session has the fixed forms of times and intervals already, as by the server's defaults."""
    style = connection.info.parameter_status("DateStyle") or ""
    return style.startswith("ISO") and connection.info.parameter_status("IntervalStyle") == _PINNED["IntervalStyle"]


@lru_cache(maxsize=8)
def _begin_statements(server_version: int, *, read_only: bool, lift_timeouts: bool) -> tuple[bytes, ...]:
    # Under a lock, a query must see the commits of the lock's last holder, whatever the role's isolation level is.
    mode = "ISOLATION LEVEL READ COMMITTED" + (" READ ONLY" if read_only else "")
    # SET LOCAL takes a hundredth of a millisecond, the other settings a tenth: too long for the shortest timeouts.
    names = _timeouts(server_version) if lift_timeouts else ()
    timeouts = (f"SET LOCAL {name} = 0".encode() for name in names)
    return f"BEGIN {mode}".encode(), *timeouts, pin_statement(server_version).encode()


def _timeouts(server_version: int) -> tuple[str, ...]:
    return ("statement_timeout", *(_SINCE_17 if server_version >= 170000 else ()))


def adapt_session(connection: psycopg.Connection[Any]) -> None:
    """Lift the timeouts of a session and let it prepare statements, unless a pooler is in between.

    Behind a pooler the next transaction may have another server, without the prepared statements, and session settings would
    stay with this one. A statement that is sent again and again takes the server a third of its time once it is prepared.
    """
    version = connection.info.server_version
    timeouts = (*_timeouts(version), "idle_in_transaction_session_timeout")
    timeouts += ("idle_session_timeout",) if version >= 140000 else ()  # a file is read between two transactions
    calls = ", ".join(f"pg_catalog.set_config('{name}', '0', false)" for name in timeouts)
    # libpq knows the process id of the server, or an invented one of the pooler.
    direct = f"pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) {connection.info.backend_pid}"
    query = f"SELECT CASE WHEN {direct} THEN ROW({calls}) END".encode()
    answer = execute_despite_timeout(connection, query).fetchone()
    if answer is not None and answer[0] is not None:
        connection.prepare_threshold = _PREPARE_AFTER


def pin_statement(server_version: int) -> str:
    """Return the statement that fixes the settings of a transaction.

    The values are part of its text: parameters would make each transaction take five times as long.

    Args:
        server_version: As ``server_version_num``.
    """
    pinned = _PINNED | _SINCE_17 if server_version >= 170000 else _PINNED
    calls = (f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in pinned.items())
    return f"SELECT {', '.join(calls)}, {_PATH}"
