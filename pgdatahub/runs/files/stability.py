"""Stability of arriving files: a file is stable when it has stopped changing and no program has it open.

Pure: the caller passes the files it sees and the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Version: TypeAlias = tuple[int | str, ...]
"""Value that changes when a file is written or replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file as the caller saw it.

    Attributes:
        location: Its path or URL.
        version: See :data:`Version`.
        open: True if a program has the file open: a lock file is beside it.
    """

    location: str
    version: Version
    open: bool = False


@dataclass(slots=True)
class _Waiting:
    version: Version
    since: float
    open: bool


class StabilityTracker:
    """Tracker of the files that are not loaded yet, from the first look until they are stable.

    Args:
        seconds: Time without changes after which a file is stable.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[str, _Waiting] = {}
        self._done: dict[str, Version] = {}
        self._again: dict[str, float] = {}

    def look(self, files: Iterable[Seen], now: float) -> None:
        """Record the files that one look shows.

        Args:
            files: All candidates.
            now: The time, in seconds of a monotonic clock.
        """
        present = {file.location: file for file in files}
        for location in self._waiting.keys() - present.keys():
            del self._waiting[location]
        for location in self._done.keys() - present.keys():
            del self._done[location]
            self._again.pop(location, None)
        for location, file in present.items():
            retry = self._again.get(location, math.inf)
            if self._done.get(location) == file.version and now < retry:
                self._waiting.pop(location, None)
                continue
            self._again.pop(location, None)
            waiting = self._waiting.get(location)
            if waiting is None or waiting.version != file.version:
                self._waiting[location] = _Waiting(file.version, now, file.open)
            else:
                if waiting.open and not file.open:
                    waiting.since = now
                waiting.open = file.open

    def whole(self, now: float) -> dict[str, Version]:
        """Return the stable files with their versions."""
        return {
            location: waiting.version
            for location, waiting in self._waiting.items()
            if not waiting.open and now - waiting.since >= self._seconds
        }

    def left_open(self) -> list[str]:
        """Return the files that another program has open."""
        return [location for location, waiting in self._waiting.items() if waiting.open]

    def next_look(self, now: float) -> float:
        """Return the seconds until the next file may be stable; infinity if no file waits."""
        due = [waiting.since + self._seconds for waiting in self._waiting.values() if not waiting.open]
        return max(0.0, min((*due, *self._again.values()), default=math.inf) - now)

    def done(self, versions: Mapping[str, Version], *, again_at: Mapping[str, float]) -> None:
        """Record files that were loaded, skipped or refused; only a change makes them wait again.

        Args:
            versions: The files with the versions that were seen.
            again_at: Files to retry without a change, with the time of the retry.
        """
        for location, version in versions.items():
            self._done[location] = version
            self._waiting.pop(location, None)
            self._again.pop(location, None)
        self._again.update(again_at)
