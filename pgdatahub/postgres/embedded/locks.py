"""Advisory file locks, which the kernel releases when their holder exits.

Three locks coordinate the processes of one server. A process holds ``admin.lock`` while it creates, starts or stops the
server. Every client process shares ``clients.lock`` while it uses the server. All processes of the server hold
``server.lock``. No list of process ids exists that could become stale.
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
    """An advisory lock on a file, created if missing; :meth:`close` or the end of the process releases it.

    Args:
        path: The file; its directory must exist.
    """

    __slots__ = ("_path", "descriptor")

    def __init__(self, path: Path) -> None:
        self._path = path
        # O_NOFOLLOW: never lock or create the target of a link.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self.descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise DatabaseError(f"cannot open the lock file: {error.strerror}", where=str(path)) from error

    def try_shared(self) -> bool:
        """Try to take the lock shared, without waiting; return whether it succeeded."""
        return self._try(exclusive=False)

    def try_exclusive(self) -> bool:
        """Try to take the lock exclusively, without waiting; return whether it succeeded.

        On failure a shared lock of the same object is lost: the kernel does not convert locks atomically.
        """
        return self._try(exclusive=True)

    def exclusive(self, *, timeout: float, waiting: Callable[[], None] | None = None) -> bool:
        """Take the lock exclusively, waiting for other holders.

        Args:
            timeout: Seconds to wait at most.
            waiting: Called once after two seconds of waiting.

        Returns:
            True if the lock was taken before the timeout.
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
        """Close the file; a child that inherited the descriptor keeps the lock."""
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
        import fcntl  # not on Windows, where this package must still be importable

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
