"""The loop of a reading process; run as a script, it imports nothing but the standard library until it knows the program.

Arguments are the limit of memory in bytes (0 for none), the limit of processor time in seconds (0 for none), the module
of the program, and the directories to import from. The loop answers requests on standard input, one by one, on standard
output. A message is its length in eight bytes and marshalled plain data, of which nothing is run when read.

When standard input ends, the parent is gone and the process exits, whatever it is doing.
"""

from __future__ import annotations

import importlib
import marshal
import os
import queue
import struct
import sys
import threading
from contextlib import suppress
from typing import IO, Any

_LENGTH = struct.Struct(">Q")
_STDERR_BYTES = 1 << 20


def main() -> None:
    """Answer requests until standard input ends."""
    limit_resources(int(sys.argv[1]), int(sys.argv[2]))
    sys.path[:] = sys.argv[4:]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # other output must not stand between the answers
    requests: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    program = importlib.import_module(sys.argv[3])
    reader = program.Reader()
    while True:
        verb, *arguments = requests.get()
        try:
            answer = ("ok", getattr(reader, verb)(*arguments))
        except BaseException as error:  # noqa: BLE001 - a panic of a library is a BaseException
            answer = ("error", program.describe(error))
        payload = marshal.dumps(answer)
        answers.write(_LENGTH.pack(len(payload)) + payload)
        answers.flush()


def limit_resources(memory: int, processor: int = 0) -> None:
    """Limit the address space and the processor time of this process, where the system can; write no core dump, no file.

    Args:
        memory: Bytes; 0 for no limit.
        processor: Seconds; 0 for no limit.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _STDERR_BYTES)]
    if memory:
        limits.append((resource.RLIMIT_AS, memory))
    if processor:
        limits.append((resource.RLIMIT_CPU, processor))
    for limit, value in limits:
        hard = resource.getrlimit(limit)[1]
        with suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(limit, (value if hard < 0 else min(value, hard), hard))


def _listen(source: IO[bytes], requests: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        requests.put(marshal.loads(source.read(_LENGTH.unpack(head)[0])))  # noqa: S302 - the parent's own messages
    os._exit(0)


if __name__ == "__main__":
    main()
