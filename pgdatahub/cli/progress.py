"""Progress of a run: a bar on a terminal, and a line for each loaded file."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Final

from pgdatahub.cli.lines import Line, Lines, PlainConsole
from pgdatahub.cli.render import ended_early, file_lines, seconds
from pgdatahub.cli.summary import skipped_lines
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
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.values.counting import count
from pgdatahub.values.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pgdatahub.cli.console import TerminalConsole
    from pgdatahub.cli.lines import Console


_REFRESH_SECONDS: Final = 0.05
"""Shortest time between two changes of the bar: many files a second are skipped."""


class ConsoleReporter:
    """Reporter that shows the progress of a run on standard error.

    On a terminal, a bar shows the share of loaded bytes, the remaining time, and a file in work with its rows so far. Each
    loaded file has one line, with its schema changes. The report that follows a run has the skipped files, the remarks and
    the failures (see :func:`pgdatahub.cli.summary.print_report`).

    Args:
        console: Writes to standard error.
        quiet: Show only warnings, failed files, and the reason of an early end.
        verbose: Show every file with every change and remark.
        failures: Show failed files at once, because no report in text follows.
        bar_only: Show the bar, warnings and notices, and no line for a loaded file, which a plan lists.
    """

    def __init__(
        self,
        console: Console,
        *,
        quiet: bool = False,
        verbose: bool = False,
        failures: bool = False,
        bar_only: bool = False,
    ) -> None:
        self._console = console
        self._quiet = quiet
        self._verbose = verbose and not quiet
        self._at_once = failures
        self._lines = not (quiet or bar_only)
        self._progress = None
        if not isinstance(console, PlainConsole) and console.is_terminal and not quiet:
            self._progress = _bars(console)
        self._total: TaskID | None = None
        self._files = 0
        self._bytes = 0
        self._done = 0
        self._failed = 0
        self._refreshed = 0.0
        self._rows_done = 0
        self._bytes_done = 0
        self._working: dict[str, RowsRead] = {}
        self._pausing = False

    def __enter__(self) -> ConsoleReporter:
        """Show the bar."""
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, FileStarted):
            self._working[event.source.identity] = RowsRead(source=event.source, rows=0)
            self._pausing = False
            self._refresh()
        elif isinstance(event, RowsRead):
            self._working[event.source.identity] = event
            self._refresh()
        elif isinstance(event, FileFinished):
            self._finish(event)
        elif isinstance(event, PauseTick):
            self._pause(event)
        elif isinstance(event, RunFinished) and self._quiet and event.report.stopped is not None:
            # Without --quiet the summary has it.
            self._say(Line(f"error: {ended_early(event.report)}"))
        elif isinstance(event, Notice) and (event.warning or not self._quiet):
            self._say(
                Line(f"{'warning: ' if event.warning else ''}{event.text}", style="yellow" if event.warning else "dim")
            )

    def _begin(self, event: RunStarted) -> None:
        self._files, self._bytes = event.files, event.bytes
        if self._lines:
            self._say(Line(f"{count(event.files, 'file')} ({_size(event.bytes)}) → {event.destination}", style="bold"))
        if self._progress is not None:
            self._total = self._progress.add_task("", total=max(1, event.bytes))

    def _finish(self, event: FileFinished) -> None:
        result = event.result
        self._working.pop(result.source.identity, None)
        self._done += 1
        self._failed += result.outcome is Outcome.FAILED
        self._rows_done += result.rows
        if self._shows(result):
            self._say(file_lines(result, verbose=self._verbose, remarks=self._verbose, width=self._console.width))
        self._bytes_done += result.source.size
        self._refresh()

    def _shows(self, result: FileResult) -> bool:
        if result.outcome is Outcome.FAILED:
            return self._at_once
        if result.outcome is Outcome.SKIPPED:
            return self._verbose
        return self._lines

    def _refresh(self) -> None:
        now = time.monotonic()
        if self._total is None or self._progress is None or now - self._refreshed < _REFRESH_SECONDS:
            return
        self._refreshed = now
        rows = self._rows_done + sum(read.rows for read in self._working.values())
        read_bytes = self._bytes_done + sum(read.share * read.source.size for read in self._working.values())
        elapsed = self._progress.tasks[0].elapsed or 0
        rate = f", {rows / elapsed:,.0f} rows/s" if elapsed > 0.5 and rows else ""
        failed = f", {self._failed} failed" if self._failed else ""
        current = next(iter(self._working.values()), None)
        name = f" · {current.source.name} {count(current.rows, 'row')}" if current else ""
        description = printable(f"{self._done}/{count(self._files, 'file')}{failed}{rate}{name}")
        self._progress.update(self._total, completed=read_bytes, description=description)

    def _pause(self, event: PauseTick) -> None:
        if self._progress is not None and self._total is not None:
            self._progress.update(self._total, description=f"pausing, {seconds(event.seconds_left)} left")
        elif not self._pausing and not self._quiet:
            self._say(Line(f"pausing for {seconds(event.seconds_left)}", style="dim"))
        self._pausing = True

    def _say(self, text: Line | Lines) -> None:
        self._console.print(text, soft_wrap=True)


def _size(number: int) -> str:
    """Return a number of bytes for people: ``1 byte``, ``16.2 MB``."""
    if number < 1000:
        return count(number, "byte")
    power = min(4, (len(str(number)) - 1) // 3)
    return f"{number / 1000**power:,.1f} {'kMGT'[power - 1]}B"


def _bars(console: TerminalConsole) -> Progress:
    # Imported here, because the import takes 15 ms and only a terminal shows bars.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
    )


class LineReporter:
    """Reporter that writes one line an event with its time, for a watch that runs for days.

    Args:
        console: Writes to standard error.
        quiet: Write only warnings and failures.
        verbose: Write every skipped file and every change, instead of one line for the skipped files of a table.
    """

    def __init__(self, console: Console, *, quiet: bool = False, verbose: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._verbose = verbose

    def __call__(self, event: Event) -> None:
        """Write an event."""
        if isinstance(event, FileFinished):
            outcome = event.result.outcome
            if outcome is Outcome.FAILED or not (self._quiet or (outcome is Outcome.SKIPPED and not self._verbose)):
                self._say(file_lines(event.result, verbose=self._verbose))
        elif isinstance(event, RunFinished) and not (self._quiet or self._verbose):
            for line in skipped_lines(event.report.results):
                self._say(line)
        elif isinstance(event, Notice) and (event.warning or not self._quiet):
            self._say(Line(f"{'warning: ' if event.warning else ''}{event.text}"))

    def _say(self, text: Line | Lines) -> None:
        first, *rest = text.lines if isinstance(text, Lines) else (text,)
        line = Line(f"{time.strftime('%Y-%m-%d %H:%M:%S')} ").extend(first)
        for more in rest:
            line.append(f"; {more.plain}")
        self._console.print(line, soft_wrap=True)
