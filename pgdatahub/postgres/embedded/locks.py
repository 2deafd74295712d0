"""Advisory file locks that the kernel gives back, however their holder ends.

Three of them order everything that processes do with one server: ``admin.lock`` is held while the server is made,
started or stopped; every client process shares ``clients.lock`` while it uses the server; the server itself, all its
processes, hold ``server.lock``. No list of process ids is kept, so none can be stale.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import final

from pgdatahub.errors import DatabaseError

_POLL_SECONDS = 0.02


@final
class FileLock:
    """An advisory lock on a file, which is made when absent; released by :meth:`close` or the end of the process.

    Args:
        path: The file; its directory must exist.
    """

    __slots__ = ("_path", "descriptor")

    def __init__(self, path: Path) -> None:
        self._path = path
        # O_NOFOLLOW: never lock, or make, what a link leads to.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self.descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise DatabaseError(f"cannot open the lock file: {error.strerror}", where=str(path)) from error

    def try_shared(self) -> bool:
        """Take the lock together with others, or give up at once; says whether it was had."""
        return self._try(exclusive=False)

    def try_exclusive(self) -> bool:
        """Take the lock alone, or give up at once; says whether it was had.

        A shared lock that the same object holds is lost if this fails: the kernel does not convert atomically.
        """
        return self._try(exclusive=True)

    def exclusive(self, *, timeout: float, waiting: Callable[[], None] | None = None) -> bool:
        """Take the lock alone, waiting for others.

        Args:
            timeout: Seconds to wait at most.
            waiting: Called once if it takes longer than two seconds.

        Returns:
            Whether the lock was had in time.
        """
        started = time.monotonic()
        while not self.try_exclusive():
            waited = time.monotonic() - started
            if waited > timeout:
                return False
            if waiting is not None and waited > 2:
                waiting()
                waiting = None
            time.sleep(_POLL_SECONDS)
        return True

    def close(self) -> None:
        """Close the file; a child that inherited the descriptor goes on holding the lock."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _try(self, *, exclusive: bool) -> bool:
        import fcntl  # absent on Windows, where this package must still be importable

        try:
            fcntl.flock(self.descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise DatabaseError(
                f"the file system cannot lock files: {error.strerror}",
                where=str(self._path),
                hint="set PGDATAHUB_HOME to a directory on a local disk",
            ) from error
        return True
