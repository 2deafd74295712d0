"""Inflating in a thread, a bounded number of pieces ahead of the reader."""

from __future__ import annotations

from collections.abc import Generator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final, Protocol

from pgdatahub.readers.packages.markup import Stream

_AHEAD: Final = 3
"""Pieces that wait: enough for both sides never to wait long, in 3 MB."""
_WORTH_A_THREAD: Final = 2
"""Pieces of a part from which on a thread is worth its start."""
_TIMEOUT: Final = 0.1
"""Seconds after which a waiting side looks whether the other one is still there."""


class SizedStream(Stream, Protocol):
    """A part that is open for reading and tells its size."""

    @property
    def size(self) -> int:
        """The bytes that the part claims to have."""


def read_ahead(stream: Stream, piece_bytes: int) -> Generator[bytes, None, None]:
    """Yield the pieces of a part, which a thread inflates meanwhile; closing the iterator ends the thread.

    Raises:
        CorruptError: The part is damaged; raised where its piece would have come.
    """
    pieces: Queue[bytes | BaseException] = Queue(_AHEAD)
    stopped = Event()

    def put(piece: bytes | BaseException) -> bool:
        while not stopped.is_set():
            try:
                pieces.put(piece, timeout=_TIMEOUT)
            except Full:
                continue
            return True
        return False

    def inflate() -> None:
        try:
            while put(data := stream.read(piece_bytes)) and data:
                pass
        except BaseException as error:  # noqa: BLE001 - raised in the reader's thread
            put(error)

    thread = Thread(target=inflate, name="pgdatahub-inflate", daemon=True)
    thread.start()
    try:
        while True:
            piece = pieces.get()
            if isinstance(piece, BaseException):
                raise piece
            if not piece:
                return
            yield piece
    finally:
        stopped.set()
        while True:
            try:
                pieces.get_nowait()
            except Empty:
                break
        thread.join()


def pieces_of(stream: SizedStream, piece_bytes: int) -> Generator[bytes, None, None]:
    """Yield the pieces of a part, inflated by a thread if the part is worth it; close the iterator to end the thread.

    Raises:
        CorruptError: The part is damaged.
    """
    if stream.size > _WORTH_A_THREAD * piece_bytes:
        yield from read_ahead(stream, piece_bytes)
        return
    while data := stream.read(piece_bytes):
        yield data
