"""Handling of Ctrl-C, SIGTERM and SIGHUP, and their exit codes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pgdatahub.values.printable import printable

if TYPE_CHECKING:
    from pgdatahub.runs.signals import Interruption


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Yield an interruption that lets signals end a run in good order."""
    from pgdatahub.runs.signals import Interruption, Leave

    interruption = Interruption(tell=_tell)
    try:
        with interruption.listening():
            yield interruption
    except Leave as leave:
        _tell(f"{leave.reason.value}; nothing was begun")
        raise typer.Exit(leave.reason.exit_code) from None


def _tell(text: str) -> None:
    # Not through Python's buffers: a signal may arrive while they are written.
    os.write(2, f"\n{printable(text)}\n".encode())
