"""Waiting for a change in a data root: through watchfiles where it is installed and the root is a folder, else by time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from pgdatahub.config import Config
from pgdatahub.model.results import StopReason
from pgdatahub.runs.signals import Interruption, Leave
from pgdatahub.system.storage import is_url

_SLEEP_SECONDS: Final = 0.25
"""Longest sleep before the interruption is checked again."""
_TIMEOUT_MILLISECONDS: Final = 250


@contextmanager
def changes(
    config: Config, interruption: Interruption, say: Callable[[str], None]
) -> Iterator[Callable[[float], None]]:
    """Yield a function that waits for a change, at most the seconds it is given.

    Args:
        config: The settings.
        interruption: Ends a wait.
        say: Receives a line if watchfiles is not installed.
    """
    if is_url(config.data_root):
        yield lambda seconds: sleep(seconds, interruption)
        return
    try:
        watch_files: Any = import_module("watchfiles").watch
    except ImportError:
        say("without watchfiles (pip install 'pgdatahub[watch]') a change is seen when the folder is next listed")
        yield lambda seconds: sleep(seconds, interruption)
        return
    notices = watch_files(
        config.root_path,
        watch_filter=None,
        debounce=200,
        rust_timeout=_TIMEOUT_MILLISECONDS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )

    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and interruption.reason is None:
            try:
                if next(notices):
                    return
            except (StopIteration, KeyboardInterrupt):
                # watchfiles ends this way after a signal, which the interruption has handled already.
                raise Leave(interruption.reason or StopReason.INTERRUPTED) from None

    try:
        yield wait
    finally:
        notices.close()


def sleep(seconds: float, interruption: Interruption) -> None:
    """Sleep until the seconds are over or the user interrupts."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and interruption.reason is None:
        time.sleep(min(_SLEEP_SECONDS, left))
