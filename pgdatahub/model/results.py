"""Results of loads, files and runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pgdatahub.errors import DatabaseError, ExitCode, TransientDatabaseError
from pgdatahub.model.faults import Fault
from pgdatahub.model.files import SourceFile
from pgdatahub.model.missing import MissingAction, MissingFile
from pgdatahub.model.schema import SchemaChange, TableName, TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """Result of loading a file into its table."""

    rows: int


class Outcome(Enum):
    """Outcome of a file."""

    LOADED = "loaded"
    SKIPPED = "skipped"
    FAILED = "failed"
    READ = "read"
    """Read to its end without loading, in a dry run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Cause of a file's failure, as data; with a ``traceback`` only if the cause is a bug in a program.

    ``faults`` are the cells that cannot be loaded; the sender of the file can fix some other failures too.
    """

    kind: str
    message: str
    where: str | None = None
    hint: str | None = None
    traceback: str | None = None
    faults: tuple[Fault, ...] = ()
    sender_can_fix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """Outcome of the part of a file that goes into one table; the attributes are those of :class:`FileResult`."""

    table: TableName
    outcome: Outcome
    reason: str | None = None
    rows: int = 0
    sheets: tuple[str, ...] = ()
    changes: tuple[SchemaChange, ...] = ()
    observed: TableSchema | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    import_id: int | None = None
    quarantined: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """Outcome of a file, with its details.

    Attributes:
        source: The file.
        outcome: Loaded, skipped, failed, or read only.
        reason: The reason for skipping the file.
        failure: The cause of a failure.
        rows: Rows loaded (or read, in a dry run).
        seconds: Time spent on the file.
        sheets: The sheets read.
        changes: Schema changes made for the file; empty in a dry run, which does not know them.
        observed: The columns that the file needs.
        counts: Treatment of cells and rows → number, such as ``"error cells"`` or ``"blank rows"``.
        examples: For each key of ``counts`` the address of the first one.
        notices: Notices to the user about reading the file.
        import_id: Its row in ``etl_imports``.
        sheets_left_out: The visible sheets with data that the folder's settings leave out, if the file was read.
        parts: The outcome in each table, if the settings can give the file several; ``rows`` and the like are their sums.
        unknown_keys: The keys under ``columns:`` that mean no column of the file, each with the most similar header or
            ``""``; None if the file was not read.
        quarantined: Rows that are set aside, beside ``rows``.
        faults: The faults of these rows, and of emptied cells.
    """

    source: SourceFile
    outcome: Outcome
    reason: str | None = None
    failure: Failure | None = None
    rows: int = 0
    seconds: float = 0.0
    sheets: tuple[str, ...] = ()
    changes: tuple[SchemaChange, ...] = ()
    observed: TableSchema | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    import_id: int | None = None
    sheets_left_out: tuple[str, ...] = ()
    parts: tuple[PartResult, ...] = ()
    unknown_keys: Mapping[str, str] | None = None
    quarantined: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def by_table(self) -> tuple[PartResult, ...]:
        """The outcome in each table: one for a file that has one table."""
        if self.parts:
            return self.parts
        return (
            PartResult(
                table=self.source.table,
                outcome=self.outcome,
                reason=self.reason,
                rows=self.rows,
                sheets=self.sheets,
                changes=self.changes,
                observed=self.observed,
                counts=self.counts,
                examples=self.examples,
                notices=self.notices,
                import_id=self.import_id,
                quarantined=self.quarantined,
                faults=self.faults,
            ),
        )


class StopReason(Enum):
    """Reason for ending a run before its last file."""

    FAILURE = "a file failed, and the run was to stop at the first"
    DISK_FULL = "there is no space left"
    DATABASE_LOST = "the database went away"
    DATABASE_UNUSABLE = "the database cannot be loaded into"
    EXECUTOR_LOST = "the executor went away"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"

    @classmethod
    def of_database(cls, error: DatabaseError) -> StopReason:
        """Return the reason for a database's error: it went away, or answers and refuses, as a read-only or full server does."""
        return cls.DATABASE_LOST if isinstance(error, TransientDatabaseError) else cls.DATABASE_UNUSABLE

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the console script."""
        codes = {
            StopReason.DATABASE_LOST: ExitCode.NO_DATABASE,
            StopReason.DATABASE_UNUSABLE: ExitCode.NO_DATABASE,
            StopReason.INTERRUPTED: ExitCode.INTERRUPTED,
            StopReason.TERMINATED: ExitCode.TERMINATED,
        }
        return codes.get(self, ExitCode.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Report of a run.

    Attributes:
        run_id: The run's name in the history and the log.
        destination: The database, without secrets.
        results: One for each finished file, in the order of finishing.
        ignored: Reason → the files ignored for that reason.
        unreadable: Folder → the reason why it could not be read; its files are not loaded, and the run fails.
        warnings: Warnings about the run, not about a single file.
        seconds: Time from discovery to the end.
        stopped: The reason for ending before the last file; None if the run completed.
        problem: The message of the database or the disk in that case.
        remaining: The files that are left.
        pause_file: The file that lists them for ``resume``, if any.
        dry: The run was a dry run: it read files and wrote nothing.
        missing: The imports whose file no longer exists; empty unless the run was over the whole data root.
        marked: Path below the data root → marked copy of the file for its sender.
        repeated: The files and folders that failed at an earlier run already, with the same content for the same reason.
        recovered: The files that failed at an earlier run, and are loaded now or need not be.
    """

    run_id: str
    destination: str
    results: tuple[FileResult, ...]
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    stopped: StopReason | None = None
    problem: str | None = None
    remaining: tuple[SourceFile, ...] = ()
    pause_file: str | None = None
    dry: bool = False
    missing: tuple[MissingFile, ...] = ()
    marked: Mapping[str, str] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    recovered: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the totals: a notebook shows this text, and thousands of results would fill it."""
        outcomes = Counter(result.outcome.value for result in self.results)
        counted = "".join(f"{outcome}={number}, " for outcome, number in outcomes.items())
        rows = sum(result.rows for result in self.results)
        return f"{type(self).__name__}({counted}{rows=}, exit_code={int(self.exit_code)}, destination={self.destination!r})"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the console script."""
        if self.stopped is not None:
            return self.stopped.exit_code
        failed = (
            self.unreadable
            or any(result.outcome is Outcome.FAILED for result in self.results)
            or any(one.action is MissingAction.FAIL for one in self.missing)
        )
        return ExitCode.FAILED if failed else ExitCode.OK
