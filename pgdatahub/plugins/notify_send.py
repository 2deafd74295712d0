"""Delivery of one message to several services, within a time limit.

Apprise runs in a process of its own for each service: its import takes half a second, it logs and prints, and a service that hangs can be ended.
A URL, which holds tokens, goes through a pipe.
"""

from __future__ import annotations

import marshal
import threading
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Final

from pgdatahub.config.notify_urls import all_words, service, split_urls
from pgdatahub.errors import PluginError
from pgdatahub.system.child_process import ChildProcess

SECONDS: Final = 20.0
"""For all services together; Apprise itself waits 4 seconds for a connection and for an answer."""
_MAX_REASON: Final = 200


def send(urls: str, title: str, body: str, *, seconds: float = SECONDS) -> None:
    """Send a message to all services.

    Args:
        urls: The setting, with one URL or several.
        title: The message's title.
        body: The message's text.
        seconds: The time limit.

    Raises:
        PluginError: The message did not arrive everywhere; the error names the services, without a part of a URL.
    """
    if find_spec("apprise") is None:
        raise PluginError("no notification was sent: Apprise is not installed", hint="pip install 'pgdatahub[notify]'")
    targets = split_urls(urls)
    try:
        reasons = _deliver(targets, title, body, seconds)
    except OSError as error:
        raise PluginError(f"no notification was sent: {error.strerror or error}") from None
    secrets = all_words(urls)
    failed = [
        f"{service(target)} (URL {number} of ETL_NOTIFY): {secrets.mask(reason)[:_MAX_REASON]}"
        for number, (target, reason) in enumerate(zip(targets, reasons, strict=True), 1)
        if reason
    ]
    if failed:
        raise PluginError(f"a notification was not sent to {'; '.join(failed)}")


def _deliver(targets: tuple[str, ...], title: str, body: str, seconds: float) -> list[str]:
    """Return the reason of each failure; empty for a message that arrived."""
    reasons: list[str] = []
    with ExitStack() as resources:
        processes: list[ChildProcess] = []
        for target in targets:
            process = ChildProcess("pgdatahub.plugins.notify_child", timeout=seconds)
            resources.callback(process.close)
            processes.append(process)
            process.send(marshal.dumps((target, title, body)))
        ended = threading.Event()

        def end() -> None:
            ended.set()
            for process in processes:
                process.kill()

        limit = threading.Timer(seconds, end)
        limit.daemon = True
        limit.start()
        resources.callback(limit.cancel)
        for process in processes:
            try:
                reasons.append(marshal.loads(process.receive()))  # noqa: S302 - from a program of this package
            except EOFError:
                silent = f"no answer within {seconds:g} seconds"
                reasons.append(silent if ended.is_set() else f"Apprise ended: {process.death()}")
    return reasons
