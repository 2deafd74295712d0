"""What flows through the stages: files, workbooks, sheets, batches, records and results.

All of it is plain data that survives pickling, except what a reader opens (:class:`Workbook`, :class:`Sheet`).
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
from pgdatahub.values.cells import Column, Texts, cell_address
from pgdatahub.values.evidence import Observed
from pgdatahub.values.sql_types import SqlType

# ── discover ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedVersion:
    """The SHA-256 of a file's bytes, and what :meth:`SourceFile.version` said before they were read."""

    sha256: str
    version: tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that was found, and the table it belongs to.

    Attributes:
        location: Its absolute path or its URL: what ``source_file`` says in the table.
        identity: Its path below the data root, with ``/``; together with the table, what the file *is*.
        table: The table that its folder stands for.
        options: The settings of its folder.
        size: Bytes.
        ignored: Why it is no candidate for loading (a lock file, a hidden file …), else None.
        reload: Somebody asked to load it again, whatever of it is loaded.
        stamp: What the listing that it was found in says of its version; empty where only :meth:`version` tells.
        unreadable: It is a folder (or a link) that could not be read, so that the files in it are not known; ``ignored``
            has the reason. A run loads the others and fails.
        compare_older: Its table has imports that were read by older rules, to which the file must be compared.
        hashed: The SHA-256 of its bytes with the version that had them, where the run has hashed it already.
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
        """The ending of the name in lower case, with its point."""
        return Path(self.name).suffix.lower()

    def open(self) -> BinaryIO:
        """Open the file's bytes for reading at any position."""
        if is_url(self.location):
            return open_url(self.location)
        return Path(self.location).open("rb")

    def version(self) -> tuple[int | str, ...]:
        """Return what changes when the file is written to or replaced."""
        if is_url(self.location):
            return version_of(self.location)
        status = Path(self.location).stat()
        return status.st_size, status.st_mtime_ns, status.st_ino


# ── read ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetInfo:
    """A sheet that a workbook lists; it is told from the others by its position among them, since two may share a name."""

    name: str
    visible: bool = True


def sheet_labels(sheets: Sequence[SheetInfo]) -> tuple[str, ...]:
    """Return what messages and ``sheet_column`` call each sheet: its name, with its position where sheets share the name.

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
        rows: The rows' numbers in the sheet, from 1, ascending; rows without any cell may be left out.
        columns: Position of the column in the sheet (from 0) → its cells, one for each of ``rows``; a column without a
            value in these rows may be left out.
        hidden_rows: The numbers of those rows that the sheet hides.
    """

    rows: Sequence[int]
    columns: Mapping[int, Column]
    hidden_rows: frozenset[int] = frozenset()

    def slice(self, start: int, stop: int) -> Batch:
        """Return the rows with index ``start`` up to ``stop``."""
        rows = self.rows[start:stop]
        columns: dict[int, Column] = {
            position: column.slice(start, stop) if isinstance(column, Texts) else column[start:stop]
            for position, column in self.columns.items()
        }
        return Batch(rows=rows, columns=columns, hidden_rows=self.hidden_rows.intersection(rows))


class Sheet(Protocol):
    """A sheet that is open for reading."""

    @property
    def name(self) -> str:
        """The sheet's name."""

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once."""

    @property
    def notices(self) -> Sequence[str]:
        """What a person should know about how the sheet was read; complete after the last batch."""


class Workbook(Protocol):
    """A file that is open for reading."""

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The sheets in their order."""

    def open(self, position: int) -> Sheet:
        """Open the sheet ``sheets[position]`` (from 0); the sheet opened before is not read any further.

        Raises:
            ReadError: It cannot be read. A sheet that the workbook lists and has not is listed, and refused here.
        """

    def close(self) -> None:
        """Give back whatever the workbook holds; may be called twice."""


# ── normalize, encode ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where in a sheet the table is: what ``layout`` found.

    Attributes:
        sheet: The sheet's name; with its position where another sheet has the same name.
        headers: Position of a column (from 0) → its header as written; positions without a header are left out.
        header_row: The row the headers stand in, from 1; 0 if the sheet has none.
        hidden_columns: Positions of the columns that the sheet hides.
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
        header: Its header as written; None where there is none.
        texts: One field of COPY text a row, ``b""`` for NULL, in the canonical form, which every type that can hold the
            value takes.
        observed: What these cells show of the column's type.
        floor: The type that the settings give the column; UNDECIDED if they leave it to the values.
        position: Its position in the sheet (from 0), so that cells can be named; None for one that no sheet has.
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
        columns: Only those with a header or with a value so far.
        rows: How many rows.
        counts: What was done to cells, such as ``"errors"`` → how many became NULL.
        examples: For each key of ``counts`` the address of the first such cell.
        notices: What a person should know; the same one may come with every batch.
    """

    columns: tuple[NormalizedColumn, ...]
    rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where in a workbook the rows of a batch stand.

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
    """The import that rows are of: the values of the two columns that every imported table has.

    Attributes:
        source_file: The location of the file.
        load_timestamp: The time of the import, UTC.
    """

    source_file: str
    load_timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnBatch:
    r"""Rows of a file as columns of COPY text, the form in which they are staged.

    Attributes:
        names: The columns' SQL names.
        rows: How many fields each column has; at least one.
        columns: The fields of each column with ``\n`` between them, empty fields for NULL.
        origin: Where the rows stand in the workbook, so that an error can name the cell; None if that is not known.
        lineage: The import; None as long as the rows are of none.
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
        rows: How many rows ``data`` has.
        data: Text: fields separated by tabs, every line ended by ``\n``, empty fields for NULL.
        origin: Where the rows stand in the workbook, so that an error can name the cell; None if that is not known.
        binary: ``data`` is rows of the binary format instead, without its header and trailer. Plugins get text.
    """

    names: tuple[str, ...]
    rows: int
    data: bytes
    origin: Origin | None = None
    binary: bool = False


# ── load, audit, results ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What loading a file into its table did."""

    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """One import, as the history keeps it: a row of ``etl_imports`` and its schema changes."""

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
    """What became of a file."""

    LOADED = "loaded"
    SKIPPED = "skipped"
    FAILED = "failed"
    READ = "read"
    """Read to its end and not loaded: a dry run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a file failed, as data; with a ``traceback`` only if it was nobody's file but a mistake in a program."""

    kind: str
    message: str
    where: str | None = None
    hint: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What became of a file.

    Attributes:
        source: The file.
        outcome: Loaded, skipped, failed, or read only.
        reason: Why it was skipped.
        failure: Why it failed.
        rows: Rows loaded (or read, in a dry run).
        seconds: Time spent on it.
        sheets: The sheets read.
        changes: What changed in the table for it (in a dry run: nothing is known).
        observed: What it needs of its columns.
        counts: What was done to cells and rows, such as ``"error cells"`` or ``"blank rows"`` → how many.
        examples: For each of them where the first one is.
        notices: What a person should know about how it was read.
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
    """Why a run ended before its list was done."""

    FAILURE = "a file failed, and the run was to stop at the first"
    DISK_FULL = "there is no space left"
    DATABASE_LOST = "the database went away"
    EXECUTOR_LOST = "the executor went away"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"

    @property
    def exit_code(self) -> ExitCode:
        """What the console script tells its caller."""
        codes = {
            StopReason.DATABASE_LOST: ExitCode.NO_DATABASE,
            StopReason.INTERRUPTED: ExitCode.INTERRUPTED,
            StopReason.TERMINATED: ExitCode.TERMINATED,
        }
        return codes.get(self, ExitCode.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run did.

    Attributes:
        run_id: The run's name in the history and the log.
        destination: Where the rows went, without secrets.
        results: One for each file that was done with, in the order of finishing.
        ignored: Reason → the files that were no candidates for it.
        unreadable: Folder → why it could not be read; its files are not loaded, and the run fails.
        warnings: What a person should know that belongs to no single file.
        seconds: Time from discovery to the end.
        stopped: Why the run ended before its list was done; None if it did not.
        problem: What the database or the disk said then.
        remaining: The files that are left.
        pause_file: The file that names them, for ``resume``; None if there is none.
        dry: It only read, and wrote nothing.
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
        """What the console script tells its caller."""
        if self.stopped is not None:
            return self.stopped.exit_code
        failed = self.unreadable or any(result.outcome is Outcome.FAILED for result in self.results)
        return ExitCode.FAILED if failed else ExitCode.OK
