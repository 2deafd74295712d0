"""A file from its bytes to encoded rows, without a database.

Only at its end is it known whether a file is sound, and which table it needs. A caller that loads the first batches
early must be able to roll them back; all of them are in the spool, which can be read again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import BinaryIO, Final, TypeAlias

from pgdatahub.config import Config
from pgdatahub.errors import (
    CorruptError,
    EmptyFileError,
    FileChangedError,
    FileError,
    SchemaError,
    SheetError,
)
from pgdatahub.load.cell_faults import normalize_all
from pgdatahub.load.content_hash import ContentHash
from pgdatahub.load.spool import Spool
from pgdatahub.load.tally import Tally
from pgdatahub.model.batches import ColumnBatch, NormalizedBatch, Origin
from pgdatahub.model.events import Reporter, RowsRead
from pgdatahub.model.files import HashedVersion, SourceFile
from pgdatahub.model.schema import LOAD_TIMESTAMP, METADATA_TABLES, RESERVED_COLUMNS, SOURCE_FILE, TableSchema
from pgdatahub.model.workbooks import Batch, Sheet, Workbook, sheet_labels
from pgdatahub.plugins.manager import Stages
from pgdatahub.readers.layout import EmptySheetError, locate
from pgdatahub.readers.left_out import describe_left_out, sheets_left_out
from pgdatahub.readers.sheets import choose_sheets, needs_second_reading
from pgdatahub.system import failpoints
from pgdatahub.values.fields import lines_of

MAX_TABLE_COLUMNS = 1600
"""PostgreSQL's limit, which includes dropped columns."""
MAX_BATCH_CELLS = 1_000_000
"""Maximum cells of a batch: a wide sheet is read in fewer rows at a time than ``ETL_CHUNK_SIZE``, to bound memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A file that was read to its end; or its beginning, treated as a whole file (:meth:`Staging.so_far`).

    Attributes:
        source: The file.
        file_sha256: SHA-256 of its bytes.
        content_sha256: SHA-256 of its content.
        observed: The columns that it needs.
        spool: Its rows.
        rows: The number of rows.
        sheets: The sheets that the rows come from.
        counts: Change of cells and rows → number of times; ``examples`` has the first of each.
        examples: Change of cells and rows → place of the first.
        notices: Messages for the user about the reading of the file.
        seconds: The time that the reading took.
        sheets_left_out: The visible sheets with data that the folder's settings leave out.
    """

    source: SourceFile
    file_sha256: str
    content_sha256: str
    observed: TableSchema
    spool: Spool
    rows: int
    sheets: tuple[str, ...]
    counts: dict[str, int]
    examples: dict[str, str]
    notices: tuple[str, ...]
    seconds: float
    sheets_left_out: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Progress:
    """A file on its way into the spool."""

    source: SourceFile
    spool: Spool
    content: ContentHash = field(default_factory=ContentHash)
    tally: Tally = field(default_factory=Tally)
    sheets: list[str] = field(default_factory=list)
    sheets_left_out: tuple[str, ...] = ()

    @property
    def observed(self) -> TableSchema:
        """The columns that the rows so far need."""
        return TableSchema(table=self.source.table, columns=tuple(self.tally.columns.values()))

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:
        """Add a batch from some rows of a sheet to the counts, stage it, and yield the staged batch."""
        self.tally.add(batch)
        self.content.update(batch)
        if batch.rows:
            positions = {column.name: column.position for column in batch.columns if column.position is not None}
            encoded = encode(batch, Origin(sheet=sheet, rows=_compact(rows), positions=positions))
            self.spool.append(encoded)
            yield encoded


class ReadAgainError(Exception):
    """The rows so far do not count: the end of a sheet told the reader more about them."""


FileVersion: TypeAlias = tuple[int | str, ...]
"""Facts that tell whether a file is unchanged, without reading it."""


def file_version(source: SourceFile) -> FileVersion:
    """Return the facts of a file that change when a program writes to the file or replaces it.

    Raises:
        FileChangedError: The file is gone or cannot be reached.
    """
    try:
        return source.version()
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> FileChangedError:
    if isinstance(error, FileNotFoundError):
        return FileChangedError("the file is gone", hint="it was there when the folder was listed")
    return FileChangedError(f"the file cannot be read: {error.strerror or error}")


def hash_once(source: SourceFile) -> HashedVersion:
    """Return the SHA-256 of a file's bytes with its version; do not read a file that is unchanged since its last hash.

    Raises:
        FileChangedError: The file is gone or cannot be read.
        EmptyFileError: It has no bytes.
    """
    version = file_version(source)
    if source.hashed is not None and source.hashed.version == version:
        return source.hashed
    return HashedVersion(sha256=hash_file(source), version=version)


def hash_file(source: SourceFile) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        FileChangedError: The file is gone or cannot be read.
        EmptyFileError: It has no bytes.
        CorruptError: It is huge and consists of holes.
    """
    digest = sha256()
    size = 0
    try:
        with source.open() as file:
            _check_sparse(file)
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise _unreadable(error) from error
    if not size:
        raise EmptyFileError("the file is empty: it has no bytes", hint="ask for it again")
    return digest.hexdigest()


_SPARSE_BYTES: Final = 1 << 30
_SPARSE_SHARE: Final = 8


def _check_sparse(file: BinaryIO) -> None:
    """Refuse a huge file that is mostly holes: to hash 300 GB of zeros takes minutes.

    Raises:
        CorruptError: The file has less than an eighth of its size on the disk. (A workbook is compressed, so that no file
            system makes it much smaller.)
    """
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return  # a remote file, or bytes in memory
    blocks = getattr(status, "st_blocks", None)
    if blocks is not None and status.st_size > _SPARSE_BYTES and blocks * 512 * _SPARSE_SHARE < status.st_size:
        raise CorruptError(
            f"the file is not a workbook: of its {status.st_size:,} bytes only {blocks * 512:,} are on the disk",
            hint="ask for it again, or move it out of the folder",
        )


class Staging:
    """A file that is being read, batch by batch; each batch is in the spool before it is yielded.

    The caller must close it, which stops the reading at any point.

    Args:
        source: The file.
        stages: The plugins.
        config: The settings.
        reporter: Receives every batch's progress.
        spool: Receives the rows.
        file_sha256: SHA-256 of its bytes.
        version: The result of :func:`file_version` before the bytes were read.
    """

    def __init__(
        self,
        source: SourceFile,
        stages: Stages,
        config: Config,
        reporter: Reporter,
        spool: Spool,
        *,
        file_sha256: str,
        version: FileVersion,
    ) -> None:
        self.source = source
        self.spool = spool
        self._file_sha256 = file_sha256
        self._version = version
        self._progress = _Progress(source=source, spool=spool)
        self.readings = 1
        """The number of times that the file was read from its beginning; the batches of earlier readings do not count."""
        self._batches = self._stage(stages, config, reporter)
        self._began = time.monotonic()
        self._staged: Staged | None = None
        self._failure: tuple[Exception, TracebackType | None] | None = None

    @property
    def observed(self) -> TableSchema:
        """The columns that the rows so far need."""
        return self._progress.observed

    @property
    def ended(self) -> bool:
        """Return whether the file was read to its end."""
        return self._staged is not None

    @property
    def seconds(self) -> float:
        """The time since the reading began."""
        return time.monotonic() - self._began

    def __iter__(self) -> Iterator[ColumnBatch]:
        """Return the iterator over the following batches."""
        return self

    def __next__(self) -> ColumnBatch:
        """Read the next batch; see :meth:`finish` for the errors."""
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except Exception as error:
            self._failure = error, error.__traceback__
            raise

    def so_far(self) -> Staged:
        """Return the rows so far, treated as a whole file."""
        tally = self._progress.tally
        observed = self.observed
        return Staged(
            source=self.source,
            file_sha256=self._file_sha256,
            content_sha256=self._progress.content.hexdigest(observed),
            observed=observed,
            spool=self.spool,
            rows=tally.rows,
            sheets=tuple(self._progress.sheets),
            counts=tally.counts,
            examples=tally.examples,
            notices=tally.notices,
            seconds=self.seconds,
            sheets_left_out=self._progress.sheets_left_out,
        )

    def finish(self) -> Staged:
        """Read the rest of the file, if any, and return the file.

        Raises:
            FileError: The file cannot be loaded under its folder's settings.
            PluginError: A plugin misbehaves, or no reader takes the file.
            SpoolError: The disk has no space for its rows.
        """
        if self._failure is not None:
            # The caller that requested the failed batch is not the cause: raise with the original traceback.
            error, traceback = self._failure
            raise error.with_traceback(traceback)
        for _ in self:
            pass
        if self._staged is None:
            raise RuntimeError("the reading was ended before its end")
        return self._staged

    def close(self) -> None:
        """Stop reading."""
        self._batches.close()

    def _stage(self, stages: Stages, config: Config, reporter: Reporter) -> Generator[ColumnBatch, None, None]:
        source = self.source
        if source.table.name in METADATA_TABLES:
            raise SchemaError(
                f"the folder would be the table {source.table}, which has that name for the history of the loads",
                hint="give the folder another name, or set table: for it",
            )
        with closing(stages.read(source, config)) as workbook:
            while True:
                try:
                    yield from _read(workbook, self._progress, stages, config, reporter)
                except ReadAgainError:
                    self.readings += 1
                    self.spool.clear()
                    self._progress = _Progress(source=source, spool=self.spool)
                else:
                    break
        if file_version(source) != self._version:
            raise FileChangedError("the file changed while it was being read", hint="run again when it is complete")
        self._staged = self.so_far()
        failpoints.reach("staged")


def stage(
    source: SourceFile,
    stages: Stages,
    config: Config,
    reporter: Reporter,
    spool: Spool,
    *,
    file_sha256: str,
    version: FileVersion,
) -> Staged:
    """Read a file to its end; see :class:`Staging`."""
    staging = Staging(source, stages, config, reporter, spool, file_sha256=file_sha256, version=version)
    with closing(staging):
        return staging.finish()


def _read(
    workbook: Workbook, progress: _Progress, stages: Stages, config: Config, reporter: Reporter
) -> Iterator[ColumnBatch]:
    positions = choose_sheets(workbook.sheets, progress.source.options)
    labels = sheet_labels(workbook.sheets)
    for index, position in enumerate(positions):
        label = labels[position]

        def report(share: float, index: int = index) -> None:
            share = (index + share) / len(positions)
            reporter(RowsRead(source=progress.source, rows=progress.tally.rows, share=share))

        try:
            yield from _read_sheet(workbook.open(position), label, progress, stages, config, report)
            if needs_second_reading(workbook):
                raise ReadAgainError
        except EmptySheetError as error:
            if len(positions) == 1:
                error.left_out = sheets_left_out(workbook, positions)
                raise
            progress.tally.note([f"sheet {label}: {error.message}"])
        except FileError as error:
            if needs_second_reading(workbook):
                raise ReadAgainError from error
            if error.where:
                raise
            raise error.located(label) from error
    progress.sheets_left_out = sheets_left_out(workbook, positions)
    if progress.sheets_left_out and progress.source.options.sheet is None:
        # A setting that names sheets is a choice; the first visible sheet is only a default.
        progress.tally.note([describe_left_out(progress.sheets_left_out, progress.source)])
    if not progress.sheets:
        raise EmptySheetError("all its sheets are empty", hint="no cell of them has a value")
    if not progress.tally.columns:
        raise SheetError("no column has a header or a value that is to be loaded")


def _read_sheet(
    sheet: Sheet,
    label: str,
    progress: _Progress,
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
) -> Iterator[ColumnBatch]:
    source = progress.source
    table, batches, layout = locate(
        sheet.batches(config.chunk_size), sheet=label, options=source.options, hidden_columns=sheet.hidden_columns
    )
    # The headers come first, so that the columns keep their order and a sheet without rows has columns too.
    yield from progress.add(stages.normalize(Batch(rows=(), columns={}), table, source, config), sheet=label, rows=())
    _check_width(progress)
    parts = (part for batch in batches for part in _narrow(batch))
    for part, normalized in normalize_all(parts, lambda part: stages.normalize(part, table, source, config)):
        yield from progress.add(normalized, sheet=label, rows=part.rows)
        # Optional: a reader may report its progress; the protocol for readers does not require it.
        report(getattr(sheet, "share", 0.0))
    progress.sheets.append(label)
    progress.tally.count(layout.counts, {key: f"{label} {example}" for key, example in layout.examples.items()})
    progress.tally.note((*layout.notices, *sheet.notices))


def _check_width(progress: _Progress) -> None:
    """Refuse a file with more columns than a table can have, before its rows are read.

    Raises:
        SchemaError: The file has more columns than a table of PostgreSQL.
    """
    count = len(progress.tally.columns)
    most = MAX_TABLE_COLUMNS - len(RESERVED_COLUMNS)
    if count > most:
        raise SchemaError(
            f"the sheet has {count:,} columns with a header; a table takes {MAX_TABLE_COLUMNS:,}, two of which are "
            f"{SOURCE_FILE} and {LOAD_TIMESTAMP}",
            hint="leave columns out with skip:, or split the sheet",
        )


def _narrow(batch: Batch) -> Sequence[Batch]:
    """Split a batch of a very wide sheet into batches of fewer rows."""
    rows_at_once = max(1, MAX_BATCH_CELLS // max(1, len(batch.columns)))
    if len(batch.rows) <= rows_at_once:
        return (batch,)
    return [batch.slice(start, start + rows_at_once) for start in range(0, len(batch.rows), rows_at_once)]


def _compact(rows: Sequence[int]) -> Sequence[int]:
    """Return ascending numbers, as a range if none is missing: ten thousand numbers in 30 bytes of the spool."""
    whole = range(rows[0], rows[-1] + 1)
    return whole if len(whole) == len(rows) else tuple(rows)


def encode(batch: NormalizedBatch, origin: Origin | None = None) -> ColumnBatch:
    """Return the rows of a batch in staged form.

    Raises:
        ValueError: A column is shorter or longer than the batch.
    """
    if any(len(column.texts) != batch.rows for column in batch.columns):
        raise ValueError(f"a column is shorter or longer than {batch.rows:,} rows")
    return ColumnBatch(
        names=tuple(column.name for column in batch.columns),
        rows=batch.rows,
        columns=tuple(lines_of(column.texts) for column in batch.columns),
        origin=origin,
    )
