"""Notices on standard error, for commands that show no progress and may ask questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.cli.terminal import say

if TYPE_CHECKING:
    from pgdatahub.model.events import Event


def tell_notices(event: Event) -> None:
    """Print an event that is a notice."""
    from pgdatahub.model.events import Notice

    if isinstance(event, Notice):
        say(f"warning: {event.text}" if event.warning else event.text, err=True)
