"""The log file ``etl.log``: one line for each event of every run.

The file is rotated at ten megabytes, and five old files are kept. Several runs may write at the same time.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from pgdatahub.model.events import (
    Event,
    FileFinished,
    FileStarted,
    Notice,
    PauseTick,
    Reporter,
    RowsRead,
    RunFinished,
    RunStarted,
)
from pgdatahub.model.results import FileResult, Outcome

FILE_NAME: Final = "etl.log"
MAX_BYTES: Final = 10 * 2**20
OLD_FILES: Final = 5
_SKIPPED: Final = f"file {Outcome.SKIPPED.value}"
_BATCH_LINES: Final = 500
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:/@")


class _SharedFileHandler(RotatingFileHandler):
    """Rotating handler that several processes share: it reopens the file after another process rotated it."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the library's name
        stream = self.stream
        if stream is not None:
            try:
                same = os.path.samestat(os.fstat(stream.fileno()), Path(self.baseFilename).stat())
            except FileNotFoundError:
                same = False
            if not same:
                stream.close()
                self.stream = self._open()
        return bool(super().shouldRollover(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Ignore the error: a full disk must not end a run because of its log, nor print a traceback for each line."""


class RunLog:
    """A reporter that writes the log of one run.

    Args:
        handler: Writes the lines.
        run_id: The run's name, part of every line.
        as_json: Write one JSON object a line, instead of text.
        debug: Also write every batch of rows, and tracebacks of programming errors.
    """

    def __init__(self, handler: logging.Handler, run_id: str, *, as_json: bool, debug: bool) -> None:
        self._handler = handler
        self._run_id = run_id
        self._as_json = as_json
        self._debug = debug
        self._paused = False
        self._waiting: list[str] = []

    def __call__(self, event: Event) -> None:
        """Write the line of an event."""
        if isinstance(event, PauseTick):
            # One line a pause, not one a second.
            if not self._paused:
                self._write(logging.INFO, "pause", seconds=event.seconds_left)
            self._paused = True
            return
        self._paused = False
        if isinstance(event, RunStarted):
            self._write(
                logging.INFO, "run started", destination=event.destination, files=event.files, bytes=event.bytes
            )
        elif isinstance(event, FileStarted):
            self._write(logging.INFO, "file started", **_of(event.source), bytes=event.source.size)
        elif isinstance(event, RowsRead):
            if self._debug:
                self._write(logging.DEBUG, "rows read", **_of(event.source), rows=event.rows)
        elif isinstance(event, FileFinished):
            self._finished(event.result)
        elif isinstance(event, Notice):
            self._write(logging.WARNING if event.warning else logging.INFO, "notice", text=event.text)
        elif isinstance(event, RunFinished):
            report = event.report
            counts = {outcome.value: sum(result.outcome is outcome for result in report.results) for outcome in Outcome}
            stopped = {"stopped": report.stopped.value, "problem": report.problem} if report.stopped else {}
            self._write(
                logging.WARNING if report.exit_code else logging.INFO,
                "run finished",
                **{name: number for name, number in counts.items() if number},
                rows=sum(result.rows for result in report.results),
                seconds=report.seconds,
                exit_code=int(report.exit_code),
                remaining=len(report.remaining),
                unreadable=", ".join(report.unreadable) or None,
                destination=report.destination,
                **stopped,
            )

    def _finished(self, result: FileResult) -> None:
        failure = result.failure
        fields: dict[str, Any] = {**_of(result.source), "seconds": result.seconds}
        if result.outcome in (Outcome.LOADED, Outcome.READ):
            fields |= {"rows": result.rows, "changes": len(result.changes), **dict(result.counts)}
        if result.sheets_left_out:
            fields["sheets_left_out"] = ", ".join(result.sheets_left_out)
            fields["hint"] = 'sheet: "*" or a list of names in etl_config.yaml loads them'
        if result.reason is not None:
            fields["reason"] = result.reason
        if failure is not None:
            fields |= {"kind": failure.kind, "message": failure.message, "where": failure.where, "hint": failure.hint}
            if self._debug and failure.traceback:
                fields["traceback"] = failure.traceback
        if result.parts:
            fields["tables"] = ", ".join(f"{part.table} {part.rows}" for part in result.parts)
        level = logging.ERROR if failure is not None else logging.INFO
        self._write(level, f"file {result.outcome.value}", **fields)

    def _write(self, level: int, event: str, **fields: Any) -> None:
        now = time.time()
        # ISO 8601 in UTC, to the millisecond.
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03}Z"
        name = logging.getLevelName(level)
        known = {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in fields.items()
            if value is not None
        }
        if self._as_json:
            line = json.dumps({"time": moment, "level": name, "run": self._run_id, "event": event, **known})
        else:
            words = " ".join([f"{_text(key)}={_text(value)}" for key, value in known.items()])
            line = f"{moment} {name:<7} run={self._run_id} {event} {words}".rstrip(" ")
        # JSON escapes all control characters except DEL.
        self._waiting.append(line.replace("\x7f", "\\u007f"))
        # Writing a record costs as much as hashing a file, so the lines of skipped files are written together.
        if event != _SKIPPED or len(self._waiting) >= _BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write the waiting lines."""
        if self._waiting:
            lines = "\n".join(self._waiting)
            self._waiting.clear()
            self._handler.handle(logging.LogRecord("pgdatahub", logging.INFO, "", 0, lines, None, None))


def _of(source: Any) -> dict[str, str]:
    return {"file": source.identity, "table": str(source.table)}


def _text(value: object) -> str:
    """Return a value as one word of one line, for every name that a file can have."""
    text = str(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)


@contextmanager
def run_log(directory: Path, run_id: str, *, as_json: bool, debug: bool, reporter: Reporter) -> Iterator[Reporter]:
    """Yield a reporter that passes events to ``reporter`` and the log; warn once if the log cannot be written.

    Args:
        directory: Directory of ``etl.log``; created if it does not exist.
        run_id: The run's name, part of every line.
        as_json: See :class:`RunLog`.
        debug: See :class:`RunLog`.
        reporter: Receives every event before the log.
    """
    path = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handler = _SharedFileHandler(path, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    except OSError as error:
        reporter(Notice(text=f"{path} cannot be written: {error.strerror or error}; this run has no log", warning=True))
        yield reporter
        return
    log = RunLog(handler, run_id, as_json=as_json, debug=debug)

    def both(event: Event) -> None:
        reporter(event)
        log(event)

    try:
        yield both
    finally:
        log.flush()
        handler.close()
