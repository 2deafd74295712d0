"""Rows on their way to the server in a thread of their own, so that both sides work at the same time.

What libpq cannot hand to the socket at once it keeps, and sends only when it is called again: while the next batch is being
made, a quarter of a second, the server would have nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue
from threading import Thread
from typing import Any, Final

from psycopg import Cursor
from psycopg.abc import Buffer
from psycopg.copy import LibpqWriter

_PIECE_BYTES: Final = 2**18
_QUEUED_PIECES: Final = 16
"""4 MB wait at most, some twenty thousand rows (psycopg's own QueuedLibpqWriter holds 128 MB)."""


class BackgroundWriter(LibpqWriter):
    """Writes to a COPY while whoever calls goes on; with a single block there is nothing to go on with, and no thread.

    Args:
        cursor: That which copies; nobody else uses its connection until :meth:`finish` has returned.
    """

    def __init__(self, cursor: Cursor[Any]) -> None:
        super().__init__(cursor)
        self._first: Buffer | None = None
        self._pieces: Queue[memoryview | None] = Queue(_QUEUED_PIECES)
        self._thread: Thread | None = None
        self._given_up = False
        self._error: BaseException | None = None

    def write(self, data: Buffer) -> None:
        """Take a block, waiting only if too many are on their way.

        Raises:
            psycopg.Error: An earlier one could not be sent.
        """
        if self._error is not None:
            raise self._error
        if self._thread is None:
            if self._first is None:
                self._first = data
                return
            # A daemon: a server that no longer answers must not keep the process from ending.
            self._thread = Thread(target=self._send, name="copy", daemon=True)
            self._thread.start()
            self._queue(self._first)
        self._queue(data)

    def _queue(self, data: Buffer) -> None:
        for piece in _cut(data):
            self._pieces.put(piece)

    def _send(self) -> None:
        try:
            while (piece := self._pieces.get()) is not None:
                if not self._given_up:
                    super().write(piece)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody can do something about it
            self._error = error
            # Whoever puts something into a full queue would wait for ever.
            while self._pieces.get() is not None:
                pass

    def finish(self, exc: BaseException | None = None) -> None:
        """End the COPY when all is sent; or, after an error, at once.

        Raises:
            psycopg.Error: The server refused the rows, or is gone.
        """
        self._given_up = exc is not None
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
        elif self._first is not None and exc is None:
            super().write(self._first)
        if self._error is not None and exc is None:
            raise self._error
        super().finish(exc)


def _cut(data: Buffer) -> Iterator[memoryview]:
    view = memoryview(data)
    return (view[start : start + _PIECE_BYTES] for start in range(0, len(view), _PIECE_BYTES))
