"""Main program of a child process; :mod:`pgdatahub.system.child_process` has the rules.

It imports only the standard library until it knows its limits, its import path and its module.
"""

from __future__ import annotations

import importlib
import marshal
import os
import queue
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import IO

_LENGTH = struct.Struct(">Q")


class Channel:
    """Messages from and to the parent process."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._messages = os.fdopen(os.dup(1), "wb")
        source = os.fdopen(os.dup(0), "rb")
        # Other output must not mix with the messages, and no program may read them.
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        threading.Thread(target=self._listen, args=(source,), daemon=True).start()

    def receive(self) -> bytes:
        """Wait for a message; an empty message asks the process to exit."""
        return self._requests.get()

    def send(self, message: bytes) -> None:
        """Send a message; an empty one is a heartbeat."""
        try:
            with self._sending:
                self._messages.write(_LENGTH.pack(len(message)) + message)
                self._messages.flush()
        except BrokenPipeError:
            os._exit(1)

    def beat(self, seconds: float) -> None:
        """Send heartbeats."""
        while True:
            time.sleep(seconds)
            self.send(b"")

    def _listen(self, source: IO[bytes]) -> None:
        request = None
        while request != b"":
            head = source.read(_LENGTH.size)
            size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 1
            request = source.read(size)
            if len(request) < size:
                os._exit(1)  # the parent is dead
            self._requests.put(request)


def main() -> None:
    """Run ``serve`` of the module that the first argument names; the other arguments are its own."""
    channel = Channel()
    sys.path[:], limits, beat_seconds = marshal.loads(channel.receive())  # noqa: S302 - from the parent
    for name, value in limits.items():
        _limit(name, value)
    if beat_seconds:
        threading.Thread(target=channel.beat, args=(beat_seconds,), daemon=True).start()
    importlib.import_module(sys.argv[1]).serve(channel, *sys.argv[2:])


def _limit(name: str, value: int) -> None:
    """Limit a resource of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    with suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
        resource.setrlimit(number, (value if hard < 0 else min(value, hard), hard))


if __name__ == "__main__":
    main()
