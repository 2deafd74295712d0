"""Share of this process in the server: a lock that tells which process is the last to use it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.locks import FileLock


@final
class ClientShare:
    """Shared lock on ``clients.lock``.

    A forked child shares the lock with its parent, which may still use the server. So a child takes a lock of its own, and
    closes only its copy of the parent's.

    Args:
        path: The lock file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: FileLock | None = None
        self._owner = 0

    @property
    def open(self) -> bool:
        """Return whether this process or the parent that forked it holds the lock."""
        return self._lock is not None

    @property
    def held(self) -> bool:
        """Return whether this process holds the lock."""
        return self._lock is not None and self._owner == os.getpid()

    def take(self) -> None:
        """Take the lock, under the administration lock.

        Raises:
            DatabaseError: Another process has it exclusively.
        """
        self.leave()
        self._lock, self._owner = FileLock(self._path), os.getpid()
        if not self._lock.try_shared():
            # Other processes take it exclusively only under the administration lock, which this process holds.
            self.leave()
            raise DatabaseError("the embedded server is locked", where=str(self._path))

    def is_only_one(self) -> bool:
        """Return whether all other processes have left; call it under the administration lock."""
        if self._lock is None:
            with FileLock(self._path) as lock:
                return lock.try_exclusive()
        alone = self._lock.try_exclusive()
        self._lock.try_shared()  # no other process can attach meanwhile, since this one holds the administration lock
        return alone

    def leave(self) -> None:
        """Release the lock; a second call has no effect."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
