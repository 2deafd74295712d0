"""Main program of the process that sends a notification to one service."""

from __future__ import annotations

import logging
import marshal
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgdatahub.system.child_main import Channel


class _LastLine(logging.Handler):
    """Keeps the last line: Apprise tells the reason of a failure only in its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = " ".join(record.getMessage().split())


def serve(channel: Channel) -> None:
    """Send the message of the first request, and answer with the reason of a failure or an empty text."""
    target, title, body = marshal.loads(channel.receive())  # noqa: S302 - from the parent
    # Libraries print warnings, which may hold the URL.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    log = _LastLine()
    logger = logging.getLogger("apprise")
    logger.addHandler(log)
    logger.propagate = False
    try:
        reason = _sent(target, title, body) or log.text or "not accepted"
    except Exception as error:  # noqa: BLE001 - the parent names it
        reason = f"{type(error).__name__}: {error}"
    channel.send(marshal.dumps("" if reason == _SENT else reason))
    channel.receive()  # the parent ends this process


_SENT = "sent"


def _sent(target: str, title: str, body: str) -> str:
    """Send a message; return ``sent``, or the reason of a failure if it is known."""
    import apprise

    sender = apprise.Apprise()
    if not sender.add(target):
        return "Apprise does not know this kind of URL, or a part is missing"
    return _SENT if sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT) else ""
