"""Signals that end a run.

Ctrl-C ends a run after the files in work; a second Ctrl-C, SIGTERM and SIGHUP end the run at once, and the files in work are
rolled back. In both cases a pause file names the remaining files. Signals are handled only within
:meth:`Interruption.listening`, which the console script enters; a program that calls the API keeps its own handlers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pgdatahub.model.results import StopReason

_MEANINGS: Final = {
    name: reason
    for name, reason in (
        ("SIGINT", StopReason.INTERRUPTED),
        ("SIGTERM", StopReason.TERMINATED),
        ("SIGHUP", StopReason.TERMINATED),
    )
    if hasattr(signal, name)  # Windows has no SIGHUP
}
_MOST_SIGNALS: Final = 2
"""Signals after the one that ended the run at once, until the process exits without cleaning up."""


class Leave(KeyboardInterrupt):
    """Signal that ends the run at once.

    Args:
        reason: The reason to stop.
    """

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Interruption:
    """The user's wish to end the run, from signals.

    Args:
        tell: Receives a line on the effect of a signal; called within a signal handler, so it must do very little.
    """

    def __init__(self, tell: Callable[[str], None] = lambda _text: None) -> None:
        self.reason: StopReason | None = None
        self._tell = tell
        self._finishing = False
        self._leaving = 0

    @contextmanager
    def listening(self) -> Iterator[Interruption]:
        """Handle signals until the end of the block; enter in the main thread only."""
        previous = {}
        for name in _MEANINGS:
            number = getattr(signal, name)
            # A parent that ignores a signal for its children (nohup, a shell's background jobs) wants it ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, self._handle)
        try:
            yield self
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Let a first Ctrl-C only set ``reason`` until the end of the block, whose caller checks ``reason``."""
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        first = self.reason is None
        self.reason = self.reason or _MEANINGS[signal.Signals(number).name]
        if self._leaving:
            self._leaving += 1
            if self._leaving > _MOST_SIGNALS:
                os._exit(self.reason.exit_code)
            return
        if first and number == signal.SIGINT and self._finishing:
            self._tell("finishing the files in work; Ctrl-C again leaves at once, and nothing is lost")
            return
        self._leaving = 1
        raise Leave(self.reason)
