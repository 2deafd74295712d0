"""Log entries of a run's events: a level, a name and fields, for ``etl.log`` and for the standard library's ``logging``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pgdatahub.model.events import (
    Event,
    FileFinished,
    FileStarted,
    Notice,
    PauseTick,
    RowsRead,
    RunFinished,
    RunStarted,
)
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome, RunReport

SKIPPED: Final = f"file {Outcome.SKIPPED.value}"
"""Name of the entries of skipped files, of which a run may have thousands."""
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:/@")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry: a level of :mod:`logging`, the name of the event, and its fields, none of which is None."""

    level: int
    name: str
    fields: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The entry as one line: ``file loaded file=sales/a.xlsx table=sales rows=200``."""
        return " ".join([self.name, *[f"{_key(key)}={_word(value)}" for key, value in self.fields.items()]])


class LogEntries:
    """Entries of one run.

    Args:
        debug: Also give every batch of rows, and tracebacks of programming errors.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self._debug = debug
        self._paused = False

    def of(self, event: Event) -> LogEntry | None:
        """Return the entry of an event; None for one that the log leaves out."""
        if isinstance(event, PauseTick):
            # One entry a pause, not one a second.
            first, self._paused = not self._paused, True
            return _entry(logging.INFO, "pause", seconds=event.seconds_left) if first else None
        self._paused = False
        if isinstance(event, RunStarted):
            fields = {"destination": event.destination, "files": event.files, "bytes": event.bytes}
            return _entry(logging.INFO, "run started", **fields)
        if isinstance(event, FileStarted):
            return _entry(logging.INFO, "file started", **_of(event.source), bytes=event.source.size)
        if isinstance(event, RowsRead):
            return _entry(logging.DEBUG, "rows read", **_of(event.source), rows=event.rows) if self._debug else None
        if isinstance(event, FileFinished):
            return self._finished(event.result)
        if isinstance(event, Notice):
            return _entry(logging.WARNING if event.warning else logging.INFO, "notice", text=event.text)
        return _run_finished(event.report) if isinstance(event, RunFinished) else None

    def _finished(self, result: FileResult) -> LogEntry:
        failure = result.failure
        fields: dict[str, Any] = {**_of(result.source), "seconds": result.seconds}
        if result.outcome in (Outcome.LOADED, Outcome.READ):
            fields |= {"rows": result.rows, "changes": len(result.changes), **dict(result.counts)}
            if result.quarantined:
                fields["quarantined"] = result.quarantined
        if result.sheets_left_out:
            fields["sheets_left_out"] = ", ".join(result.sheets_left_out)
            fields["hint"] = 'sheet: "*" or a list of names in etl_config.yaml loads them'
        if result.notices:
            fields["notices"] = "; ".join(result.notices)
        if result.reason is not None:
            fields["reason"] = result.reason
        if failure is not None:
            fields |= {"kind": failure.kind, "message": failure.message, "where": failure.where, "hint": failure.hint}
            if self._debug and failure.traceback:
                fields["traceback"] = failure.traceback
        if result.parts:
            fields["tables"] = ", ".join(f"{part.table} {part.rows}" for part in result.parts)
        return _entry(logging.ERROR if failure is not None else logging.INFO, f"file {result.outcome.value}", **fields)


def _run_finished(report: RunReport) -> LogEntry:
    counts = {outcome.value: sum(result.outcome is outcome for result in report.results) for outcome in Outcome}
    stopped = {"stopped": report.stopped.value, "problem": report.problem} if report.stopped else {}
    return _entry(
        logging.WARNING if report.exit_code else logging.INFO,
        "run finished",
        **{name: number for name, number in counts.items() if number},
        rows=sum(result.rows for result in report.results),
        seconds=report.seconds,
        exit_code=int(report.exit_code),
        remaining=len(report.remaining),
        unreadable=", ".join(report.unreadable) or None,
        marked=len(report.marked) or None,
        destination=report.destination,
        **stopped,
    )


def _entry(level: int, name: str, /, **fields: Any) -> LogEntry:
    known = {
        key: round(value, 3) if isinstance(value, float) else value
        for key, value in fields.items()
        if value is not None
    }
    return LogEntry(level=level, name=name, fields=known)


def _of(source: SourceFile) -> dict[str, str]:
    return {"file": source.identity, "table": str(source.table)}


@lru_cache(maxsize=256)
def _key(key: str) -> str:
    return _word(key)


def _word(value: object) -> str:
    """Return a value as one word of one line, for every name that a file can have."""
    text = str(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)
