"""The processors that there are to work with, and what processes of ours are started with on them."""

from __future__ import annotations

import os
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
