"""Which files are whole: those that have stopped changing, and that nobody has open.

Pure: it is told what was seen and when, and does not look by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Version: TypeAlias = tuple[int | str, ...]
"""What changes when a file is written to or replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file as it was when somebody looked.

    Attributes:
        location: Its path or URL.
        version: See there.
        open: Somebody has it open: Excel's lock file is beside it.
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
    """The files that are not loaded yet, from the first look to the moment when they are whole.

    Args:
        seconds: How long a file must stay as it is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[str, _Waiting] = {}
        self._done: dict[str, Version] = {}
        self._again: dict[str, float] = {}

    def look(self, files: Iterable[Seen], now: float) -> None:
        """Take in what a look at all files shows.

        Args:
            files: All candidates.
            now: The time, in seconds of any clock that only goes forward.
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
        """Return the files that are whole, with the version that was seen."""
        return {
            location: waiting.version
            for location, waiting in self._waiting.items()
            if not waiting.open and now - waiting.since >= self._seconds
        }

    def left_open(self) -> list[str]:
        """Return the files that wait for somebody to close them."""
        return [location for location, waiting in self._waiting.items() if waiting.open]

    def next_look(self, now: float) -> float:
        """Return in how many seconds the next file may be whole; infinity if none waits."""
        due = [waiting.since + self._seconds for waiting in self._waiting.values() if not waiting.open]
        return max(0.0, min((*due, *self._again.values()), default=math.inf) - now)

    def done(self, versions: Mapping[str, Version], *, again_at: Mapping[str, float]) -> None:
        """Take note of files that were loaded, skipped or refused, so that only a change brings them back.

        Args:
            versions: The files, and the version that was seen before.
            again_at: Those that are to be tried again though they do not change, and when.
        """
        for location, version in versions.items():
            self._done[location] = version
            self._waiting.pop(location, None)
            self._again.pop(location, None)
        self._again.update(again_at)
