"""Temporary databases for tests, on the server in TEST_DATABASE_URL, else on the embedded server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_VARIABLE = "TEST_DATABASE_URL"


@contextmanager
def temporary_database() -> Iterator[str]:
    """Yield the connection string of a new empty database, which is dropped at the end.

    ``DATABASE_URL``, :class:`~pgdatahub.config.Config` and libpq accept the string, which may hold a password. The server is
    the one in ``TEST_DATABASE_URL``, whose role must be allowed to create databases; else the embedded server (of
    ``PGDATAHUB_HOME``, if set), which is started if it is not running. Other databases of the server are not touched.

    Raises:
        DatabaseError: The server does not answer, or the role may not create databases.
    """
    # Imported here: tests without a database do not need the driver.
    from pgdatahub.postgres.server.temporary import temporary_database as made_on

    given = os.environ.get(SERVER_VARIABLE)
    if given:
        from pgdatahub.config.urls import conninfo

        with made_on(conninfo(given)) as database:
            yield database
        return
    from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

    with (
        EmbeddedServer(EmbeddedSettings.from_environment()) as server,
        # Parameters, not a URL: they override environment variables that name other servers.
        made_on(server.libpq_parameters()) as database,
    ):
        yield database
