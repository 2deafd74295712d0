"""Signals, and what they mean to a run.

Ctrl-C asks for an end after the files in flight; a second one, SIGTERM and SIGHUP for an end at once, with the files in
flight rolled back. Either way the run ends in good order: a pause file says what is left. Signals are handled only
within :meth:`Interruption.listening`, which the console script enters; a program that calls the API keeps its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pgdatahub.model.flow import StopReason

_MEANINGS: Final = {
    name: reason
    for name, reason in (
        ("SIGINT", StopReason.INTERRUPTED),
        ("SIGTERM", StopReason.TERMINATED),
        ("SIGHUP", StopReason.TERMINATED),
    )
    if hasattr(signal, name)  # Windows has no SIGHUP
}
_IMPATIENCE: Final = 2
"""Signals after the one that made the run leave, until the process is ended without more ado."""


class Leave(KeyboardInterrupt):
    """The run is to end at once.

    Args:
        reason: Why.
    """

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Interruption:
    """Whether somebody wants the run to end.

    Args:
        tell: Is told what a signal leads to; called within a signal handler, so it may do next to nothing.
    """

    def __init__(self, tell: Callable[[str], None] = lambda _text: None) -> None:
        self.reason: StopReason | None = None
        self._tell = tell
        self._finishing = False
        self._leaving = 0

    @contextmanager
    def listening(self) -> Iterator[Interruption]:
        """Handle signals until the end of the block; to be entered in the main thread."""
        previous = {}
        for name in _MEANINGS:
            number = getattr(signal, name)
            # Whoever started us with a signal ignored (nohup, a shell's background jobs) wants it ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, self._handle)
        try:
            yield self
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Let a first Ctrl-C wait for the end of the block, where somebody looks at ``reason``."""
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
            if self._leaving > _IMPATIENCE:
                os._exit(self.reason.exit_code)
            return
        if first and number == signal.SIGINT and self._finishing:
            self._tell("finishing the files in work; Ctrl-C again leaves at once, and nothing is lost")
            return
        self._leaving = 1
        raise Leave(self.reason)
