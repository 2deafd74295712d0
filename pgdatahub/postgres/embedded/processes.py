"""Checks of process ids in PostgreSQL's lock files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def read_process_id(path: Path) -> int | None:
    """Return the process id in the first line of a lock file; None if the file or the id is missing."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return int(file.readline(32))
    except (OSError, ValueError):
        return None


def exists(process_id: int) -> bool:
    """Return whether the id is in use, also by a zombie or another program; PostgreSQL makes the same check."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_server(process_id: int, data: Path) -> bool:
    """Return whether the process is alive and works in that data directory, as all processes of its server do."""
    process = Path(f"/proc/{process_id}")
    if not Path("/proc/self/cwd").exists():
        return _looks_like_server(process_id)
    try:
        # "123 (name) S …": the name can contain any character, so the state follows the last parenthesis.
        state = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        return state not in {"Z", "X"} and os.path.realpath(process / "cwd") == os.path.realpath(data)
    except (OSError, IndexError):
        return False


def _looks_like_server(process_id: int) -> bool:
    """Return whether ps lists the process as PostgreSQL's; for systems without /proc. ps cannot distinguish two servers."""
    said = subprocess.run(  # noqa: S603 (no shell; the argument is a number)
        ["/bin/ps", "-p", str(process_id), "-o", "stat=", "-o", "comm="],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    ).stdout.split(maxsplit=1)
    return len(said) == 2 and not said[0].startswith("Z") and "postgres" in said[1]
