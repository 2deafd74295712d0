"""Named points at which a test can make a run fail, so that what a crash leaves behind is tried and not assumed.

Nothing happens unless the environment variable ``PGDATAHUB_FAULT`` is set, and then only to the process itself and
within one directory: it kills itself, waits, or raises. Whoever can set a variable of a process can do as much without
it, so this opens no door; it can neither run a command nor reach a file's content.

The variable is ``POINT:ACTION:TURN:DIRECTORY``. The action happens when the point is reached for the TURN-th time,
counted over all processes by files in DIRECTORY, which must exist.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pgdatahub.errors import TransientDatabaseError

VARIABLE: Final = "PGDATAHUB_FAULT"

POINTS: Final = (
    "discovered",
    "spooling",
    "staged",
    "locked",
    "before-ddl",
    "after-ddl",
    "copying",
    "copied",
    "recorded",
    "before-commit",
    "after-commit",
    "writing .etl_pause.json",
    "written .etl_pause.json",
)
"""In the order in which a run passes them; where a file is loaded while it is read, it is staged when all is copied."""


def reach(point: str) -> None:
    """Do what the environment asks for at ``point``; nothing, if it asks for nothing.

    Raises:
        OSError: ``full``: as on a full disk.
        TransientDatabaseError: ``lose``: as after a lost connection.
        RuntimeError: ``raise``: as a mistake in a plugin.
    """
    plan = os.environ.get(VARIABLE)
    if plan:
        _act(plan, point)


def _act(plan: str, reached: str) -> None:
    point, action, turn, directory = plan.split(":", 3)
    if point != reached or _count(Path(directory), point) != int(turn):
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "hold":
        held = Path(directory) / "held"
        held.write_text(str(os.getpid()))
        # Until the test has done what it wants to and takes the file away.
        while held.exists():
            time.sleep(0.01)
    elif action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif action == "lose":
        raise TransientDatabaseError("the connection was lost")
    elif action == "raise":
        raise RuntimeError(f"asked for at {point}")
    else:
        raise ValueError(f"{VARIABLE}: no such action: {action}")


def _count(directory: Path, point: str) -> int:
    """Return how often a point has been reached by any process, this time included."""
    turn = 1
    while True:
        with suppress(FileExistsError):
            (directory / f"{point}.{turn}").open("x").close()
            return turn
        turn += 1
