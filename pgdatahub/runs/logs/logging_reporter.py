"""Reporter that passes the events of a run to the standard library's ``logging``, for notebooks and services."""

from __future__ import annotations

import logging

from pgdatahub.model.events import Event
from pgdatahub.runs.logs.log_entries import LogEntries


class LoggingReporter:
    """Reporter that logs each event with its level; each record has the event as its attribute ``event``.

    A failed file is an error, a warning of the run a warning, all else information. Batches of rows are logged only if the
    logger's level is DEBUG.

    Args:
        logger: The logger; by default the one named ``pgdatahub``.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logging.getLogger("pgdatahub") if logger is None else logger
        self._entries = LogEntries(debug=self._logger.isEnabledFor(logging.DEBUG))

    def __call__(self, event: Event) -> None:
        """Log an event."""
        entry = self._entries.of(event)
        if entry is not None and self._logger.isEnabledFor(entry.level):
            self._logger.log(entry.level, "%s", entry.text, extra={"event": event})
