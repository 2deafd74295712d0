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
from typing import Final

from pgdatahub.model.events import Event, Notice, Reporter
from pgdatahub.runs.logs.log_entries import SKIPPED, LogEntries

FILE_NAME: Final = "etl.log"
MAX_BYTES: Final = 10 * 2**20
OLD_FILES: Final = 5
_BATCH_LINES: Final = 500


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
        self._entries = LogEntries(debug=debug)
        self._waiting: list[str] = []
        self._second = (0, "")

    def __call__(self, event: Event) -> None:
        """Write the line of an event."""
        entry = self._entries.of(event)
        if entry is None:
            return
        now = time.time()
        if int(now) != self._second[0]:
            self._second = int(now), time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        # ISO 8601 in UTC, to the millisecond.
        moment = f"{self._second[1]}.{int(now * 1000) % 1000:03}Z"
        level = logging.getLevelName(entry.level)
        if self._as_json:
            line = json.dumps(
                {"time": moment, "level": level, "run": self._run_id, "event": entry.name, **entry.fields}
            )
        else:
            line = f"{moment} {level:<7} run={self._run_id} {entry.text}"
        # JSON escapes all control characters except DEL.
        self._waiting.append(line.replace("\x7f", "\\u007f"))
        # Writing a record costs as much as hashing a file, so the lines of skipped files are written together.
        if entry.name != SKIPPED or len(self._waiting) >= _BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write the waiting lines."""
        if self._waiting:
            lines = "\n".join(self._waiting)
            self._waiting.clear()
            self._handler.handle(logging.LogRecord("pgdatahub", logging.INFO, "", 0, lines, None, None))


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
