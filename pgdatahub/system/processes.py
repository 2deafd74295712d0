"""Processor count, and the command of worker processes."""

from __future__ import annotations

import json
import os
import sys


def available_processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serving_command(module: str, *options: str) -> list[str]:
    """Return the command of a process that reads :func:`import_path` from its standard input and runs ``serve()`` of a module.

    Python runs isolated: it imports from that path only, not from the working directory or from paths of the environment.

    Args:
        module: The module's name.
        options: Additional options of Python.
    """
    bootstrap = "import json, sys; sys.path[:] = json.loads(sys.stdin.buffer.readline())"
    return [sys.executable, "-I", *options, "-X", "utf8", "-c", f"{bootstrap}; from {module} import serve; serve()"]


def import_path() -> bytes:
    """Return the line with this process's import path, for :func:`serving_command`."""
    return json.dumps(sys.path).encode() + b"\n"
