"""Thread that sends rows to the server, so that both sides work at the same time.

libpq keeps the data that it cannot hand to the socket at once, and sends it only at its next call. While the caller
makes the next batch, a quarter of a second, the server would be idle.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue
from threading import Thread
from typing import Any, Final

from psycopg import Cursor, OperationalError
from psycopg.abc import Buffer
from psycopg.copy import LibpqWriter
from psycopg.generators import copy_to

_PIECE_BYTES: Final = 2**18
_QUEUED_PIECES: Final = 16
"""At most 4 MB are queued, some twenty thousand rows (psycopg's own QueuedLibpqWriter holds 128 MB)."""


class _StoppedError(Exception):
    """The reason that the server is told for the end of a COPY, in any encoding and without a value of a cell."""


class QuietWriter(LibpqWriter):
    """Writer of a COPY that tells the server no text of an error.

    The server would log the text, and a server whose encoding lacks a character of it refuses the text itself; psycopg then
    prints a warning.
    """

    def finish(self, exc: BaseException | None = None) -> None:
        """End the COPY, or stop it because of an error.

        Raises:
            psycopg.Error: The server refused the rows, or is gone.
        """
        super().finish(None if exc is None else _StoppedError("the rows cannot be loaded"))


class BackgroundWriter(QuietWriter):
    """Writer of a COPY that works while the caller goes on; a COPY of few bytes needs no thread.

    Args:
        cursor: The cursor of the COPY; no other code uses its connection until :meth:`finish` has returned.
    """

    def __init__(self, cursor: Cursor[Any]) -> None:
        super().__init__(cursor)
        self._held: list[Buffer] = []
        self._held_bytes = 0
        self._pieces: Queue[memoryview | None] = Queue(_QUEUED_PIECES)
        self._thread: Thread | None = None
        self._given_up = False
        self._error: BaseException | None = None

    def write(self, data: Buffer) -> None:
        """Queue a block; wait only if the queue is full.

        Raises:
            psycopg.Error: An earlier block could not be sent.
        """
        if self._error is not None:
            raise self._error
        if self._thread is None:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes < _PIECE_BYTES:
                return
            # A daemon thread: a server that no longer answers must not keep the process from ending.
            self._thread = Thread(target=self._send, name="copy", daemon=True)
            self._thread.start()
            for held in self._held:
                self._queue(held)
            self._held.clear()
        else:
            self._queue(data)

    def _queue(self, data: Buffer) -> None:
        for piece in _cut(data):
            self._pieces.put(piece)

    def _send(self) -> None:
        try:
            while (piece := self._pieces.get()) is not None:
                if not self._given_up:
                    # Before 3.3.9 psycopg's own writer does not wait on Linux: libpq then holds all that a slow server leaves.
                    self.connection.wait(copy_to(self._pgconn, piece, flush=True))
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it, where it can be handled
            self._error = error
            # The caller would wait forever for space in a full queue.
            while self._pieces.get() is not None:
                pass

    def finish(self, exc: BaseException | None = None) -> None:
        """End the COPY when all blocks are sent; after an error, at once.

        Raises:
            psycopg.Error: The server refused the rows, or is gone.
        """
        self._given_up = exc is not None
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
        elif self._held and exc is None:
            super().write(b"".join(self._held))
        if self._error is not None and exc is None:
            raise self._error
        try:
            super().finish(exc)
        except ValueError as error:
            # psycopg unpacks one result, and PgBouncer adds an error of its own to that of a server that goes away.
            raise OperationalError("the server closed the connection while it received rows") from error


def _cut(data: Buffer) -> Iterator[memoryview]:
    view = memoryview(data)
    return (view[start : start + _PIECE_BYTES] for start in range(0, len(view), _PIECE_BYTES))
