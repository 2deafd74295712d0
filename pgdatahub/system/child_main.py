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

_LENGTH = struct.Struct(">Q")


class Channel:
    """Messages from and to the parent process."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._source = os.fdopen(os.dup(0), "rb")
        self._messages = os.fdopen(os.dup(1), "wb")
        # Other output must not mix with the messages, and no program may read them.
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

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

    def read(self) -> bytes:
        """Read the next message, before the process listens; exit if the parent is dead."""
        head = self._source.read(_LENGTH.size)
        size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 1
        message = self._source.read(size)
        if len(message) < size:
            os._exit(1)
        return message

    def listen(self) -> None:
        """Read messages until one asks the process to exit."""
        while message := self.read():
            self._requests.put(message)
        self._requests.put(message)

    def beat(self, seconds: float) -> None:
        """Send heartbeats."""
        while True:
            time.sleep(seconds)
            self.send(b"")


def main() -> None:
    """Run ``serve`` of the module that the first argument names; the other arguments are its own."""
    channel = Channel()
    sys.path[:], limits, beat_seconds = marshal.loads(channel.read())  # noqa: S302 - from the parent
    # Before the first thread, which would reserve 64 MiB of the address space.
    for name, value in limits.items():
        _limit(name, value)
    threading.Thread(target=channel.listen, daemon=True).start()
    if beat_seconds:
        threading.Thread(target=channel.beat, args=(beat_seconds,), daemon=True).start()
    importlib.import_module(sys.argv[1]).serve(channel, *sys.argv[2:])


def _limit(name: str, value: int) -> None:
    """Limit a resource of this process, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    with suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
        resource.setrlimit(number, (value if hard < 0 else min(value, hard), hard))


if __name__ == "__main__":
    main()
