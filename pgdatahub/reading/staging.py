"""A file from its bytes to encoded rows, with no database in sight.

A file is read to its end before the database hears of it, so that its schema is known at once and a broken file never
touches a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from pgdatahub.config import Config
from pgdatahub.errors import EmptyFileError, FileChangedError, FileError, SchemaError, SheetError
from pgdatahub.events import Reporter, RowsRead
from pgdatahub.model import Batch, EncodedBatch, NormalizedBatch, Origin, SourceFile, Workbook
from pgdatahub.pluginmanager import Stages
from pgdatahub.reading.content import ContentHash
from pgdatahub.reading.layout import EmptySheetError, locate
from pgdatahub.reading.sheets import choose_sheets
from pgdatahub.reading.spool import Spool
from pgdatahub.reading.tally import Tally
from pgdatahub.schema import METADATA_TABLES, TableSchema

MAX_BATCH_CELLS = 1_000_000
"""A wide sheet is read in fewer rows at a time than ``ETL_CHUNK_SIZE`` says, or memory would grow with its width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A file that was read to its end.

    Attributes:
        source: The file.
        file_sha256: Of its bytes.
        content_sha256: Of what it says.
        observed: The columns it needs.
        spool: Its rows.
        rows: How many.
        sheets: The sheets they are from.
        counts: What was done to cells and rows → how many; ``examples`` has the first of each.
        examples: See there.
        notices: What a person should know about how it was read.
        seconds: The time it took.
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


@dataclass(slots=True, kw_only=True)
class _Progress:
    """A file on its way into the spool."""

    source: SourceFile
    spool: Spool
    content: ContentHash = field(default_factory=ContentHash)
    tally: Tally = field(default_factory=Tally)
    sheets: list[str] = field(default_factory=list)

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> None:
        """Take note of a batch from some rows of a sheet, and stage it."""
        self.tally.add(batch)
        self.content.update(batch)
        if batch.rows:
            positions = {column.name: column.position for column in batch.columns if column.position is not None}
            self.spool.append(encode(batch, Origin(sheet=sheet, rows=_compact(rows), positions=positions)))


FileVersion: TypeAlias = tuple[int | str, ...]
"""What tells that a file is still the same, short of reading it."""


def file_version(source: SourceFile) -> FileVersion:
    """Return what changes when a file is written to or replaced.

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


def hash_file(source: SourceFile) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        FileChangedError: The file is gone or cannot be read.
        EmptyFileError: It has no bytes.
    """
    digest = sha256()
    size = 0
    try:
        with source.open() as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise _unreadable(error) from error
    if not size:
        raise EmptyFileError("the file is empty: it has no bytes", hint="ask for it again")
    return digest.hexdigest()


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
    """Read a file to its end.

    Args:
        source: The file.
        stages: The plugins.
        config: The settings.
        reporter: Is told of every batch.
        spool: Takes the rows.
        file_sha256: What :func:`hash_file` said of it.
        version: What :func:`file_version` said of it before that.

    Raises:
        FileError: The file cannot be loaded under its folder's settings.
        PluginError: A plugin misbehaves, or no reader takes the file.
    """
    began = time.monotonic()
    if source.table.name in METADATA_TABLES:
        raise SchemaError(
            f"the folder would be the table {source.table}, which has that name for the history of the loads",
            hint="give the folder another name, or set table: for it",
        )
    progress = _Progress(source=source, spool=spool)
    with closing(stages.read(source, config)) as workbook:
        _read(workbook, progress, stages, config, reporter)
    if file_version(source) != version:
        raise FileChangedError("the file changed while it was being read", hint="run again when it is complete")
    tally = progress.tally
    observed = TableSchema(table=source.table, columns=tuple(tally.columns.values()))
    return Staged(
        source=source,
        file_sha256=file_sha256,
        content_sha256=progress.content.hexdigest(observed),
        observed=observed,
        spool=spool,
        rows=tally.rows,
        sheets=tuple(progress.sheets),
        counts=tally.counts,
        examples=tally.examples,
        notices=tally.notices,
        seconds=time.monotonic() - began,
    )


def _read(workbook: Workbook, progress: _Progress, stages: Stages, config: Config, reporter: Reporter) -> None:
    names = choose_sheets(workbook.sheets, progress.source.options)
    for index, name in enumerate(names):

        def report(share: float, index: int = index) -> None:
            share = (index + share) / len(names)
            reporter(RowsRead(source=progress.source, rows=progress.tally.rows, share=share))

        try:
            _read_sheet(workbook, name, progress, stages, config, report)
        except EmptySheetError as error:
            if len(names) == 1:
                raise
            progress.tally.note([f"sheet {name}: {error.message}"])
        except FileError as error:
            raise error if error.where else error.located(name) from error
    if not progress.sheets:
        raise EmptySheetError("all its sheets are empty", hint="no cell of them has a value")
    if not progress.tally.columns:
        raise SheetError("no column has a header or a value that is to be loaded")


def _read_sheet(
    workbook: Workbook,
    name: str,
    progress: _Progress,
    stages: Stages,
    config: Config,
    report: Callable[[float], None],
) -> None:
    source = progress.source
    sheet = workbook.open(name)
    table, batches, layout = locate(
        sheet.batches(config.chunk_size), sheet=name, options=source.options, hidden_columns=sheet.hidden_columns
    )
    # The headers alone come first, so that the columns stand in their order and a sheet without rows has them too.
    progress.add(stages.normalize(Batch(rows=(), columns={}), table, source, config), sheet=name, rows=())
    for batch in batches:
        for part in _narrow(batch):
            progress.add(stages.normalize(part, table, source, config), sheet=name, rows=part.rows)
        # A reader that knows how far it is may say so; it is no part of what every reader must be.
        report(getattr(sheet, "share", 0.0))
    progress.sheets.append(name)
    progress.tally.count(layout.counts, {key: f"{name} {example}" for key, example in layout.examples.items()})
    progress.tally.note((*layout.notices, *sheet.notices))


def _narrow(batch: Batch) -> Sequence[Batch]:
    """Cut a batch of a very wide sheet into batches of fewer rows."""
    rows_at_once = max(1, MAX_BATCH_CELLS // max(1, len(batch.columns)))
    if len(batch.rows) <= rows_at_once:
        return (batch,)
    return [batch.slice(start, start + rows_at_once) for start in range(0, len(batch.rows), rows_at_once)]


def _compact(rows: Sequence[int]) -> Sequence[int]:
    """Return ascending numbers, as a range if none is missing: ten thousand of them in 30 bytes of the spool."""
    whole = range(rows[0], rows[-1] + 1)
    return whole if len(whole) == len(rows) else tuple(rows)


def encode(batch: NormalizedBatch, origin: Origin | None = None) -> EncodedBatch:
    """Return the rows of a batch as COPY text."""
    columns = [column.texts for column in batch.columns] if batch.rows else []
    pieces = []
    for start in range(0, max(map(len, columns), default=0), _ROWS_AT_ONCE):
        part = [texts[start : start + _ROWS_AT_ONCE] for texts in columns]
        pieces.append(b"\n".join(map(b"\t".join, zip(*part, strict=True))))
    return EncodedBatch(
        names=tuple(column.name for column in batch.columns),
        rows=batch.rows,
        data=b"\n".join([*pieces, b""]) if pieces else b"",
        origin=origin,
    )


_ROWS_AT_ONCE = 500
"""Rows are joined a few at a time: those of a whole batch fall out of the processor's cache before they are joined (57
ns a cell, against 44)."""
