"""The processors that there are to work with, and what processes of ours are started with on them."""

from __future__ import annotations

import json
import os
import sys
from typing import Final

_KEPT_VARIABLES: Final = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP"}
)


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bare_environment() -> dict[str, str]:
    """Return what programs need of the environment to start, so that no password comes near what a file may do to them."""
    return {name: value for name, value in os.environ.items() if name.upper() in _KEPT_VARIABLES}


def serving_command(module: str, *options: str) -> list[str]:
    """Return the command of a process that runs ``serve()`` of a module of ours, once it was sent :func:`import_path`.

    It is isolated: neither the working directory nor the environment decides what is imported, but our own path.

    Args:
        module: The module's name.
        options: Further options of Python.
    """
    told = "import json, sys; sys.path[:] = json.loads(sys.stdin.buffer.readline())"
    return [sys.executable, "-I", *options, "-X", "utf8", "-c", f"{told}; from {module} import serve; serve()"]


def import_path() -> bytes:
    """Return the line that tells such a process where to import from."""
    return json.dumps(sys.path).encode() + b"\n"
