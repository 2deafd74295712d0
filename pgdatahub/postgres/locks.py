"""Locks: who may change a table, and in which order locks are taken.

First the advisory lock on the table's name, which only pgdatahub takes and which may be waited for as long as another
load needs; then, under ``lock_timeout``, the table's own lock, which also keeps hand-made changes out.
"""

from __future__ import annotations

from hashlib import sha256

from psycopg import sql

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.engine import driver_connection

LOCK_TIMEOUT_SECONDS = 20
"""How long a load waits for somebody else's query before it gives way; the load is tried again."""


def lock_key(table: TableName) -> int:
    """Return the advisory lock's key for a table: a signed 64-bit number, the same on every machine."""
    digest = sha256(f"pgdatahub table {table.schema}.{table.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def metadata_lock_key(schema: str) -> int:
    """Return the advisory lock's key for the creation of the metadata tables of a schema."""
    digest = sha256(f"pgdatahub metadata {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def wait_for_turn(connection: Connection, key: int) -> None:
    """Take an advisory lock until the end of the transaction; waiting is no fault, so without a timeout.

    A limit that :func:`limit_lock_waits` has set ends here.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%(key)s) FROM set_config('lock_timeout', '0', true)", {"key": key})


def take_turn_and_limit_waits(connection: Connection, key: int, seconds: int = LOCK_TIMEOUT_SECONDS) -> None:
    """Do what :func:`wait_for_turn` and :func:`limit_lock_waits` do, in one statement."""
    # The server evaluates one after the other: the wait for the turn has no limit.
    query = (
        "SELECT pg_advisory_xact_lock(%(key)s), set_config('lock_timeout', %(value)s, true)"
        " FROM set_config('lock_timeout', '0', true)"
    )
    connection.execute(query, {"key": key, "value": f"{seconds}s"})


def take_turn(connection: Connection, key: int) -> bool:
    """Take an advisory lock until the end of the transaction if nobody has it; tell whether that is so."""
    return bool(connection.scalar("SELECT pg_try_advisory_xact_lock(%(key)s)", {"key": key}))


def limit_lock_waits(connection: Connection, seconds: int = LOCK_TIMEOUT_SECONDS) -> None:
    """Let every later wait for a table's lock end with an error after ``seconds``."""
    connection.execute("SELECT set_config('lock_timeout', %(value)s, true)", {"value": f"{seconds}s"})


def lock_table(connection: Connection, table: TableName, *, exclusively: bool = False, wait: bool = True) -> None:
    """Keep others from changing a table; readers go on unless ``exclusively``."""
    mode = sql.SQL("ACCESS EXCLUSIVE" if exclusively else "SHARE ROW EXCLUSIVE")
    name = sql.Identifier(table.schema, table.name)
    statement = sql.SQL("LOCK TABLE {} IN {} MODE {}").format(name, mode, sql.SQL("" if wait else "NOWAIT"))
    driver_connection(connection).execute(statement)
