"""A database that exists for the length of a block; for the tests of this project and of plugins."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgdatahub.postgres.server.connect import open_connection
from pgdatahub.postgres.server.engine import translated_errors

PREFIX = "pgdatahub_test_"
"""Prefix of the name of every such database, which identifies a database that a killed test left behind."""
FORCE_VERSION = 130000
"""``server_version_num`` from which ``DROP DATABASE`` can end the sessions of a database itself."""


@contextmanager
def temporary_database(server: str | Mapping[str, str]) -> Iterator[str]:
    """Create an empty database, yield its connection string (``key=value`` pairs), and drop it even if it is in use.

    Args:
        server: A connection string, a URL, or the keywords of either, of any database of the server, with a role that
            may create databases.

    Raises:
        DatabaseError: The server does not answer, or the role may not create databases.
    """
    if not isinstance(server, str):
        server = make_conninfo(**server)
    name = PREFIX + secrets.token_hex(6)
    _execute(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        drop_database(server, name)


def drop_database(server: str, name: str) -> None:
    """Drop a database and end the sessions in it.

    Raises:
        DatabaseError: The server does not answer, or the role may not drop it.
    """
    with translated_errors(), open_connection(server) as connection:
        connection.autocommit = True
        force = connection.info.server_version >= FORCE_VERSION
        if not force:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        statement = sql.SQL("DROP DATABASE {} WITH (FORCE)" if force else "DROP DATABASE {}")
        connection.execute(statement.format(sql.Identifier(name)))


def _execute(server: str, statement: sql.Composed) -> None:
    # Neither statement may run in a transaction.
    with translated_errors(), open_connection(server) as connection:
        connection.autocommit = True
        connection.execute(statement)
