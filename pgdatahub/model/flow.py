"""Data of the stages: files, workbooks, sheets, batches, records and results.

All are plain values that can be pickled, except :class:`Workbook` and :class:`Sheet`, which a reader opens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

from pgdatahub.config import FolderOptions
from pgdatahub.errors import ExitCode
from pgdatahub.model.imports import Duplicate
from pgdatahub.model.schema import SchemaChange, SchemaPlan, TableName, TableSchema
from pgdatahub.system.storage import is_url, open_url, version_of
from pgdatahub.values.cells import Column, TextColumn, cell_address
from pgdatahub.values.evidence import Observed
from pgdatahub.values.sql_types import SqlType

# ── discover ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedVersion:
    """The SHA-256 of a file's bytes, and :meth:`SourceFile.version` before the bytes were read."""

    sha256: str
    version: tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file in the data root, and its table.

    Attributes:
        location: Its absolute path or its URL: the value of ``source_file`` in the table.
        identity: Its path below the data root, with ``/``; together with the table, the identity of the file.
        table: The table of its folder.
        options: The settings of its folder.
        size: Bytes.
        ignored: The reason to ignore the file (a lock file, a hidden file …), else None.
        reload: The user asked to load the file again.
        stamp: Its version according to the listing; empty if only :meth:`version` can tell.
        unreadable: A folder or link that could not be read, so its files are unknown; ``ignored`` has the reason. A run loads
            the other files and fails.
        compare_older: The table has imports read by older rules, to which the file must be compared.
        hashed: The SHA-256 of its bytes with their version, if the run has hashed them already.
    """

    location: str
    identity: str
    table: TableName
    options: FolderOptions
    size: int
    ignored: str | None = None
    reload: bool = False
    stamp: tuple[str, ...] = ()
    unreadable: bool = False
    hashed: HashedVersion | None = None
    compare_older: bool = False

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.identity.rsplit("/", 1)[-1]

    @property
    def suffix(self) -> str:
        """The suffix of the name in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    def open(self) -> BinaryIO:
        """Open the file's bytes for reading at any position."""
        if is_url(self.location):
            return open_url(self.location)
        return Path(self.location).open("rb")

    def version(self) -> tuple[int | str, ...]:
        """Return values that change when the file is written or replaced."""
        if is_url(self.location):
            return version_of(self.location)
        status = Path(self.location).stat()
        return status.st_size, status.st_mtime_ns, status.st_ino


# ── read ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetInfo:
    """A sheet in a workbook's list; its position identifies it, since two sheets can share a name."""

    name: str
    visible: bool = True


def sheet_labels(sheets: Sequence[SheetInfo]) -> tuple[str, ...]:
    """Return the label of each sheet in messages and ``sheet_column``: its name, with its position if sheets share a name.

    Two sheets named ``Data`` are ``Data (sheet 1)`` and ``Data (sheet 3)``; positions count from 1, hidden sheets included.
    """
    often = Counter(sheet.name for sheet in sheets)
    return tuple(
        sheet.name if often[sheet.name] == 1 else f"{sheet.name} (sheet {position})"
        for position, sheet in enumerate(sheets, start=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a sheet, column by column.

    Attributes:
        rows: Row numbers in the sheet, from 1, ascending; rows without cells may be absent.
        columns: Position in the sheet (from 0) → cells, one for each of ``rows``; columns without a value may be absent.
        hidden_rows: The numbers of hidden rows among ``rows``.
    """

    rows: Sequence[int]
    columns: Mapping[int, Column]
    hidden_rows: frozenset[int] = frozenset()

    def slice(self, start: int, stop: int) -> Batch:
        """Return the rows from index ``start`` up to ``stop``."""
        rows = self.rows[start:stop]
        columns: dict[int, Column] = {
            position: column.slice(start, stop) if isinstance(column, TextColumn) else column[start:stop]
            for position, column in self.columns.items()
        }
        return Batch(rows=rows, columns=columns, hidden_rows=self.hidden_rows.intersection(rows))


class Sheet(Protocol):
    """A sheet open for reading."""

    @property
    def name(self) -> str:
        """The sheet's name."""

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of hidden columns."""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield all rows of the sheet in order, at most ``max_rows`` rows a batch; call this once."""

    @property
    def notices(self) -> Sequence[str]:
        """Notices to the user about reading the sheet; complete after the last batch."""


class Workbook(Protocol):
    """A file open for reading."""

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The sheets in order."""

    def open(self, position: int) -> Sheet:
        """Open the sheet ``sheets[position]`` (from 0); a sheet opened before can no longer be read.

        Raises:
            ReadError: The sheet cannot be read, or the workbook lists the sheet without having it.
        """

    def close(self) -> None:
        """Release the workbook's resources; may be called twice."""


# ── normalize, encode ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Place of the table in a sheet, found by ``readers/layout.py``.

    Attributes:
        sheet: The sheet's label, see :func:`sheet_labels`.
        headers: Position of a column (from 0) → its header as written; positions without a header are absent.
        header_row: The row of the headers, from 1; 0 if the sheet has none.
        hidden_columns: Positions of hidden columns.
    """

    sheet: str
    headers: Mapping[int, str]
    header_row: int
    hidden_columns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedColumn:
    r"""A column of a batch under its SQL name, ready to be staged.

    Attributes:
        name: Its SQL name.
        header: Its header as written, if any.
        texts: One field of COPY text a row, ``b""`` for NULL, in canonical form, which every type that can hold the value
            accepts.
        observed: Evidence of these cells for the column's type.
        floor: The type that the settings give the column; UNDECIDED if the values decide.
        position: Its position in the sheet (from 0), for cell addresses; None for a column that is not in the sheet.
    """

    name: str
    header: str | None
    texts: Sequence[bytes]
    observed: Observed
    floor: SqlType = SqlType.UNDECIDED
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedBatch:
    """Rows under SQL names.

    Attributes:
        columns: The columns with a header, or with a value so far.
        rows: The number of rows.
        counts: Treatment of cells → number of cells, such as ``"error cells"``.
        examples: For each key of ``counts`` the address of the first such cell.
        notices: Notices to the user; the same notice may come with every batch.
    """

    columns: tuple[NormalizedColumn, ...]
    rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Place of a batch's rows in a workbook.

    Attributes:
        sheet: The sheet's name.
        rows: The number of each row in the sheet, from 1.
        positions: Name of a column → its position in the sheet, from 0.
    """

    sheet: str
    rows: Sequence[int]
    positions: Mapping[str, int]

    def place(self, index: int, column: str | None = None) -> str:
        """Return the place of a row, or of a cell in it: ``Sheet1 › B17``."""
        row = self.rows[index]
        position = self.positions.get(column) if column is not None else None
        return f"{self.sheet} › {f'row {row}' if position is None else cell_address(row, position)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The import of rows: the values of the two reserved columns of every imported table.

    Attributes:
        source_file: The location of the file.
        load_timestamp: The time of the import, UTC.
    """

    source_file: str
    load_timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnBatch:
    r"""Rows of a file as columns of COPY text, as staged.

    Attributes:
        names: The columns' SQL names.
        rows: The number of fields in each column; at least one.
        columns: The fields of each column, joined by ``\n``; empty fields are NULL.
        origin: The rows' place in the workbook, for errors that name a cell; None if unknown.
        lineage: The import; None until the rows belong to an import.
    """

    names: tuple[str, ...]
    rows: int
    columns: tuple[bytes, ...]
    origin: Origin | None = None
    lineage: Lineage | None = None

    @property
    def size(self) -> int:
        """The bytes of all fields."""
        return sum(map(len, self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBatch:
    r"""Rows of ``COPY``, with ``source_file`` and ``load_timestamp``.

    Attributes:
        names: The columns' SQL names, in the order of the fields.
        rows: The number of rows in ``data``.
        data: Text: fields separated by tabs, each line ended by ``\n``; empty fields are NULL.
        origin: The rows' place in the workbook, for errors that name a cell; None if unknown.
        binary: ``data`` is rows of the binary format, without header and trailer. Plugins get text.
    """

    names: tuple[str, ...]
    rows: int
    data: bytes
    origin: Origin | None = None
    binary: bool = False


# ── load, audit, results ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """Result of loading a file into its table."""

    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """One import for the history: a row of ``etl_imports`` and its schema changes."""

    run_id: str
    source: SourceFile
    sheets: tuple[str, ...]
    file_sha256: str
    content_sha256: str
    settings_fingerprint: str
    imported_at: datetime
    seconds: float
    rows: int
    counts: Mapping[str, int]
    observed: TableSchema
    plan: SchemaPlan
    sheets_left_out: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    reading: int = 0


class Outcome(Enum):
    """Outcome of a file."""

    LOADED = "loaded"
    SKIPPED = "skipped"
    FAILED = "failed"
    READ = "read"
    """Read to its end without loading, in a dry run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Cause of a file's failure, as data; with a ``traceback`` only if the cause is a bug in a program."""

    kind: str
    message: str
    where: str | None = None
    hint: str | None = None
    traceback: str | None = None


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


class StopReason(Enum):
    """Reason for ending a run before its last file."""

    FAILURE = "a file failed, and the run was to stop at the first"
    DISK_FULL = "there is no space left"
    DATABASE_LOST = "the database went away"
    EXECUTOR_LOST = "the executor went away"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the console script."""
        codes = {
            StopReason.DATABASE_LOST: ExitCode.NO_DATABASE,
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

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the console script."""
        if self.stopped is not None:
            return self.stopped.exit_code
        failed = self.unreadable or any(result.outcome is Outcome.FAILED for result in self.results)
        return ExitCode.FAILED if failed else ExitCode.OK
