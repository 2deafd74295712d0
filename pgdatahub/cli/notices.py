"""Notices on standard error, for commands that have no progress to show and may ask a question meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pgdatahub.model.events import Event


def tell_notices(event: Event) -> None:
    """Print an event that is a notice."""
    from pgdatahub.model.events import Notice

    if isinstance(event, Notice):
        typer.echo(f"warning: {event.text}" if event.warning else event.text, err=True)
