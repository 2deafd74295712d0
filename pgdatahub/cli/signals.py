"""Ctrl-C, SIGTERM and SIGHUP on the console: who handles them, and which exit code they become."""

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
    """Yield what a run is to be given, so that signals end it in good order."""
    from pgdatahub.runs.signals import Interruption, Leave

    interruption = Interruption(tell=_tell)
    try:
        with interruption.listening():
            yield interruption
    except Leave as leave:
        _tell(f"{leave.reason.value}; nothing was begun")
        raise typer.Exit(leave.reason.exit_code) from None


def _tell(text: str) -> None:
    # Past Python's buffers: a signal may come while they are being written to.
    os.write(2, f"\n{printable(text)}\n".encode())
