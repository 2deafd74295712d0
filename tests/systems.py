"""Differences between operating systems, for tests that run on macOS and Windows too."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Final

import pgdatahub

_POSIX_MODULES: Final = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"})
_TESTS: Final = Path(__file__).parent
_PACKAGE: Final = Path(pgdatahub.__file__).parent


def is_root() -> bool:
    """Return whether this process may do everything; False on Windows."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def peak_kilobytes() -> int:
    """Return the largest amount of memory that this process had."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset) // 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak  # bytes there


def missing_name(error: AttributeError | ModuleNotFoundError | FileNotFoundError) -> str | None:
    """Return the name of POSIX, or the file of Linux, that a test itself used and this system lacks.

    None for errors of the program, and for all others.
    """
    frames = [Path(frame.f_code.co_filename) for frame, _ in walk_tb(error.__traceback__)]
    own = [file for file in frames if _TESTS in file.parents or _PACKAGE in file.parents]
    if not own or _TESTS not in own[-1].parents:
        return None
    if isinstance(error, FileNotFoundError):
        return str(error.filename) if str(error.filename).startswith("/proc/") else None
    if isinstance(error, ModuleNotFoundError):
        return error.name if error.name in _POSIX_MODULES else None
    module = error.obj
    return f"{module.__name__}.{error.name}" if isinstance(module, ModuleType) and module in (os, signal) else None
