"""Whether a process id in one of PostgreSQL's lock files is a server's, or was one's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def read_process_id(path: Path) -> int | None:
    """Return the process id in the first line of a lock file; None if there is no such file or id."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return int(file.readline(32))
    except (OSError, ValueError):
        return None


def exists(process_id: int) -> bool:
    """Whether the id is in use, be it by a zombie or by another program: all that PostgreSQL itself asks."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_server(process_id: int, data: Path) -> bool:
    """Whether the process is a living one of the server on that data directory, which is where all of them work."""
    process = Path(f"/proc/{process_id}")
    if not Path("/proc/self/cwd").exists():
        return _looks_like_server(process_id)
    try:
        # "123 (name) S …": the name may hold anything, so the state is what follows the last parenthesis.
        state = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        return state not in {"Z", "X"} and os.path.realpath(process / "cwd") == os.path.realpath(data)
    except (OSError, IndexError):
        return False


def _looks_like_server(process_id: int) -> bool:
    """Ask ps, where the kernel shows no processes as files; it cannot tell one server's processes from another's."""
    said = subprocess.run(  # noqa: S603 (no shell; the argument is a number)
        ["/bin/ps", "-p", str(process_id), "-o", "stat=", "-o", "comm="],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    ).stdout.split(maxsplit=1)
    return len(said) == 2 and not said[0].startswith("Z") and "postgres" in said[1]
