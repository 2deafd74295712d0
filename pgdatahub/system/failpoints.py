"""Failpoints: named points at which a test can make a run fail.

Failpoints do nothing unless the environment variable ``PGDATAHUB_FAULT`` is set. Then the process kills itself, waits or raises
an error, and writes only to one directory. A failpoint cannot run a command or read a file, so the variable gives its setter
no additional power.

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
    "quarantined",
    "recorded",
    "before-commit",
    "after-commit",
    "move copied",
    "move divided",
    "move done",
    "writing .etl_pause.json",
    "written .etl_pause.json",
)
"""Failpoints in the order of a run. A file that is copied while it is read reaches ``staged`` after its last row. Only a file
with rows to set aside reaches ``quarantined``."""


REPLAY_POINTS: Final = ("replayed",)
"""Failpoints of a replay of rows that were set aside, between ``copied`` and ``before-commit``."""
KEYED_POINTS: Final = ("keys staged", "keys merged")
"""Failpoints of a load into a keyed table or a snapshot, between ``copied`` and ``recorded``."""


def reach(point: str) -> None:
    """Run the action that the environment sets for ``point``, if any.

    Raises:
        OSError: Action ``full``: the disk is full.
        TransientDatabaseError: Action ``lose``: the connection was lost.
        RuntimeError: Action ``raise``: a plugin has a bug.
    """
    plan = os.environ.get(VARIABLE)
    if plan:
        _act(plan, point)


def _act(plan: str, reached: str) -> None:
    point, action, turn, directory = plan.split(":", 3)
    if point != reached or _count(Path(directory), point) != int(turn):
        return
    if action == "kill":
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows, both end a process at once
    elif action == "hold":
        held = Path(directory) / "held"
        held.write_text(str(os.getpid()))
        # Wait until the test deletes the file.
        while held.exists():
            time.sleep(0.01)
    elif action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif action == "lose":
        raise TransientDatabaseError("the connection was lost")
    elif action == "raise":
        raise RuntimeError(f"asked for at {point}")
    else:
        raise ValueError(f"{VARIABLE}: unknown action: {action}")


def _count(directory: Path, point: str) -> int:
    """Count a visit to a point and return the number of visits by all processes."""
    turn = 1
    while True:
        with suppress(FileExistsError):
            (directory / f"{point}.{turn}").open("x").close()
            return turn
        turn += 1
