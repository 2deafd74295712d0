"""Pauses between files, for a database that serves others meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pgdatahub.model.events import PauseTick, Reporter

TICK_SECONDS: Final = 1.0


def pause(seconds: float, reporter: Reporter, ending: Callable[[], bool]) -> None:
    """Sleep with an event every second; return early if the run is to end. No transaction must be open."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not ending():
        reporter(PauseTick(seconds_left=left))
        time.sleep(min(TICK_SECONDS, left))
