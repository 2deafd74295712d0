"""Differences between operating systems, for tests that run on Windows too."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

_POSIX_MODULES: Final = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"})
_TESTS: Final = Path(__file__).parent


def is_root() -> bool:
    """Return whether this process may do everything; False on Windows."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def peak_kilobytes() -> int:
    """Return the largest amount of memory that this process had."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset) // 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def missing_name(error: AttributeError | ModuleNotFoundError) -> str | None:
    """Return the name of POSIX that a test itself used and this system lacks; None for errors of the program."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or _TESTS not in Path(place.tb_frame.f_code.co_filename).parents:
        return None
    if isinstance(error, ModuleNotFoundError):
        return error.name if error.name in _POSIX_MODULES else None
    module = error.obj
    return f"{module.__name__}.{error.name}" if isinstance(module, ModuleType) and module in (os, signal) else None
