"""Events of a run, as data for a user interface.

The run passes every event to a :class:`Reporter` and never prints. Events are plain values and may come from another process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.results import FileResult, RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The files are known and the database has answered."""

    destination: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStarted:
    """A file is being read."""

    source: SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsRead:
    """More rows of a file have been read.

    Attributes:
        source: The file.
        rows: The number of rows read so far.
        share: The share of the file read so far, from 0 to 1; 0 if the reader does not know it.
    """

    source: SourceFile
    rows: int
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFinished:
    """A file was loaded, skipped, or failed."""

    result: FileResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseTick:
    """The run is pausing between two files; no transaction is open."""

    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to the user about the run, not about a single file."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run has ended, with any outcome."""

    report: RunReport


Event: TypeAlias = RunStarted | FileStarted | RowsRead | FileFinished | PauseTick | Notice | RunFinished


class Reporter(Protocol):
    """Receiver of events."""

    def __call__(self, event: Event, /) -> None:
        """Handle an event quickly: the thread of the run makes this call."""


class NullReporter:
    """A reporter that ignores events."""

    def __call__(self, event: Event) -> None:
        """Do nothing."""


def announcer(reporter: Reporter | None) -> Callable[[str], None]:
    """Return a function that reports a line as a notice; without a reporter, it does nothing."""
    tell = reporter or NullReporter()
    return lambda line: tell(Notice(text=line))
