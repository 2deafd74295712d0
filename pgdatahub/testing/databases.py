"""A database for a test: on the server that TEST_DATABASE_URL names, else on the embedded one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_VARIABLE = "TEST_DATABASE_URL"


@contextmanager
def temporary_database() -> Iterator[str]:
    """Yield the connection string of a new and empty database, which is dropped at the end.

    It is what ``DATABASE_URL`` and :class:`~pgdatahub.config.Config` take, and libpq. It may hold a password. The server is
    the one that ``TEST_DATABASE_URL`` names, with a role that may create databases; else the embedded one (of
    ``PGDATAHUB_HOME``, if that is set), which is started if need be. No other database of the server is touched.

    Raises:
        DatabaseError: There is no such server, or the role may not create databases.
    """
    # Here, so that tests without a database do without its driver.
    from pgdatahub.postgres.temporary import temporary_database as made_on

    given = os.environ.get(SERVER_VARIABLE)
    if given:
        from pgdatahub.config.urls import conninfo

        with made_on(conninfo(given)) as database:
            yield database
        return
    from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

    with (
        EmbeddedServer(EmbeddedSettings.from_environment()) as server,
        # Parameters and not a URL: they hold against variables of the environment that mean other servers.
        made_on(server.libpq_parameters()) as database,
    ):
        yield database
