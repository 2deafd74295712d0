"""What happens during a run, as data: the only window for a user interface.

The runner tells a :class:`Reporter` of every event; it never prints. Events are plain values and may come from another
process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from pgdatahub.model.flow import FileResult, RunReport, SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The files are known and the destination has answered."""

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
        rows: How many since its beginning.
        share: How much of the file that is, from 0 to 1; 0 if the reader cannot tell.
    """

    source: SourceFile
    rows: int
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFinished:
    """A file is in the table, or was skipped, or failed."""

    result: FileResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseTick:
    """The run is pausing between two files; no transaction is open."""

    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person should know that belongs to no single file."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run is over, whatever its outcome."""

    report: RunReport


Event: TypeAlias = RunStarted | FileStarted | RowsRead | FileFinished | PauseTick | Notice | RunFinished


class Reporter(Protocol):
    """Whoever wants to know what happens."""

    def __call__(self, event: Event, /) -> None:
        """Take notice of ``event``; called from the thread that runs the run, so be quick."""


class NullReporter:
    """A reporter for those who do not want to know."""

    def __call__(self, event: Event) -> None:
        """Do nothing."""
