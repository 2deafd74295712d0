"""Locks that serialize changes of a table, and the order in which they are taken.

First comes the advisory lock on the table's name. Only pgdatahub takes it, and a load waits for it as long as another
load needs. Then comes, under ``lock_timeout``, the table's own lock, which also blocks manual changes.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from psycopg import sql

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection

LOCK_TIMEOUT_SECONDS = 20
"""Maximum time for which a load waits for another session's query before it fails; the load is retried."""


def lock_key(table: TableName) -> int:
    """Return the advisory lock's key for a table: a signed 64-bit number, the same on every machine."""
    digest = sha256(f"pgdatahub table {table.schema}.{table.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def file_lock_key(schema: str, identity: str) -> int:
    """Return the advisory lock's key for a file that can have several tables; taken before the keys of tables.

    Args:
        schema: The schema of the metadata tables.
        identity: The path of the file below the data root.
    """
    digest = sha256(f"pgdatahub file {schema} {identity}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def metadata_lock_key(schema: str) -> int:
    """Return the advisory lock's key for the creation of the metadata tables of a schema."""
    digest = sha256(f"pgdatahub metadata {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def wait_for_turn(connection: Connection, key: int) -> None:
    """Take an advisory lock until the end of the transaction; without a timeout, since waiting is not an error.

    A limit from :func:`limit_lock_waits` ends here.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%(key)s) FROM set_config('lock_timeout', '0', true)", {"key": key})


def take_turn_and_limit_waits(connection: Connection, key: int, seconds: int = LOCK_TIMEOUT_SECONDS) -> None:
    """Do the work of :func:`wait_for_turn` and :func:`limit_lock_waits` in one statement."""
    # The server evaluates the calls in order: the wait for the turn has no limit.
    query = (
        "SELECT pg_advisory_xact_lock(%(key)s), set_config('lock_timeout', %(value)s, true)"
        " FROM set_config('lock_timeout', '0', true)"
    )
    connection.execute(query, {"key": key, "value": f"{seconds}s"})


def take_turns_and_limit_waits(
    connection: Connection, keys: Collection[int], seconds: int = LOCK_TIMEOUT_SECONDS
) -> None:
    """Take several advisory locks in ascending order, then limit later waits.

    All sessions take locks in this order, so no two of them wait for each other.
    """
    first, *others = sorted(keys)
    if not others:
        take_turn_and_limit_waits(connection, first, seconds)
        return
    query = """
        SELECT count(pg_advisory_xact_lock(key)) FROM set_config('lock_timeout', '0', true), unnest(%(keys)s::bigint[]) key
    """
    connection.execute(query, {"keys": [first, *others]})
    limit_lock_waits(connection, seconds)


def take_turn(connection: Connection, key: int) -> bool:
    """Take an advisory lock until the end of the transaction if it is free; return whether it was taken."""
    return bool(connection.scalar("SELECT pg_try_advisory_xact_lock(%(key)s)", {"key": key}))


def limit_lock_waits(connection: Connection, seconds: int = LOCK_TIMEOUT_SECONDS) -> None:
    """Limit every later wait for a table's lock to ``seconds``; a longer wait raises an error."""
    connection.execute("SELECT set_config('lock_timeout', %(value)s, true)", {"value": f"{seconds}s"})


def lock_table(connection: Connection, table: TableName, *, exclusively: bool = False, wait: bool = True) -> None:
    """Lock a table against changes by other sessions; readers go on unless ``exclusively``."""
    mode = sql.SQL("ACCESS EXCLUSIVE" if exclusively else "SHARE ROW EXCLUSIVE")
    name = sql.Identifier(table.schema, table.name)
    statement = sql.SQL("LOCK TABLE {} IN {} MODE {}").format(name, mode, sql.SQL("" if wait else "NOWAIT"))
    driver_connection(connection).execute(statement)
