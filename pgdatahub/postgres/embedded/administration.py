"""The lock that a process holds while it changes the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.home import Home
from pgdatahub.postgres.embedded.locks import FileLock


class LockedError(DatabaseError):
    """The administration lock was not free before the timeout."""


@contextmanager
def administration(home: Home, announce: Callable[[str], None], *, timeout: float) -> Iterator[None]:
    """Hold the administration lock.

    Raises:
        LockedError: Another process holds it for too long.
    """
    with FileLock(home.admin_lock) as lock:
        if not lock.exclusive(
            timeout=timeout,
            waiting=lambda: announce("waiting for another process that starts or stops the embedded server"),
        ):
            raise LockedError("another process keeps the embedded server locked", where=str(home.server))
        yield
