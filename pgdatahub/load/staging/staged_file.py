"""A file from its bytes to encoded rows, without a database.

Only at its end is it known whether a file is sound, and which table it needs. A caller that loads the first batches
early must be able to roll them back; all of them are in the spool, which can be read again.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from pgdatahub.config import Config
from pgdatahub.errors import FileChangedError
from pgdatahub.load.staging.aside_rows import AsideRows
from pgdatahub.load.staging.file_hash import FileVersion, file_version
from pgdatahub.load.staging.sheet_reader import ReadAgainError, read_sheets
from pgdatahub.load.staging.spool import Spool
from pgdatahub.load.staging.staged_rows import FileRows, StagedRows
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.events import Reporter
from pgdatahub.model.faults import Fault
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName, TableSchema
from pgdatahub.plugins.manager import Stages
from pgdatahub.system import failpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A part of a file that was read to its end; or its beginning, treated as a whole (:meth:`Staging.so_far`).

    Attributes:
        source: The file with the part's table and settings.
        file_sha256: SHA-256 of the file's bytes.
        content_sha256: SHA-256 of the part's content.
        observed: The columns that it needs.
        spool: Its rows.
        rows: The number of rows.
        sheets: The sheets that the rows come from.
        counts: Change of cells and rows → number of times; ``examples`` has the first of each.
        examples: Change of cells and rows → place of the first.
        notices: Messages for the user about the reading of the file.
        seconds: The time that the reading took.
        sheets_left_out: The visible sheets with data that the folder's settings leave out.
        routing: The hash of the settings that give the file several tables; None for a file of one table.
        tables: All tables of such a file.
        xid: The transaction that wrote the rows of a keyed table or a snapshot.
        aside: The rows with a fault; None without any.
        layout: The places of the tables that they come from.
        faults: Their faults.
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
    routing: str | None = None
    tables: tuple[TableName, ...] = ()
    xid: int | None = None
    aside: AsideRows | None = None
    layout: Mapping[str, Any] | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def quarantined(self) -> int:
        """The number of rows that are set aside, beside ``rows``."""
        return 0 if self.aside is None else self.aside.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A file that was read to its end.

    Attributes:
        source: The file.
        file_sha256: SHA-256 of its bytes.
        parts: The rows for its tables, in the order of loading; each table is there once.
        known: The parts that were not read, since an import with the file's bytes counts already.
        order: The tables of both, in the order of loading.
        tables: All its tables, also those that the user did not select.
        seconds: The time that the reading took.
        notices: Notices about the file as a whole.
        unknown_keys: See :class:`~pgdatahub.model.results.FileResult`.
    """

    source: SourceFile
    file_sha256: str
    parts: tuple[Staged, ...]
    seconds: float
    notices: tuple[str, ...] = ()
    known: tuple[SourceFile, ...] = ()
    order: tuple[TableName, ...] = ()
    tables: tuple[TableName, ...] = ()
    unknown_keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows that were read."""
        return sum(part.rows for part in self.parts)


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
        version: The result of :func:`~pgdatahub.load.staging.file_hash.file_version` before the bytes were read.
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
        self._rows = FileRows(source=source, spool=spool)
        self.readings = 1
        """The number of times that the file was read from its beginning; the batches of earlier readings do not count."""
        self._batches = self._stage(stages, config, reporter)
        self._began = time.monotonic()
        self._staged: StagedFile | None = None
        self._failure: tuple[Exception, TracebackType | None] | None = None

    @property
    def observed(self) -> TableSchema:
        """The columns that the rows so far need, in a file of one part."""
        return self._only_part.observed

    @property
    def _only_part(self) -> StagedRows:
        return next(iter(self._rows.parts.values()))

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

    def stop_at_fault(self) -> None:
        """Read again from the beginning after a fault that fails the file, so that the caller does not wait for all faults."""
        for rows in self._rows.parts.values():
            if rows.contract is not None:
                rows.contract.stops = True

    def so_far(self) -> Staged:
        """Return the rows so far of a file of one part, treated as a whole."""
        return self._part(self._only_part)

    def _part(self, rows: StagedRows) -> Staged:
        tally = rows.tally
        observed = rows.observed
        return Staged(
            source=rows.source,
            file_sha256=self._file_sha256,
            content_sha256=rows.aside.content(rows.content.hexdigest(observed)),
            observed=observed,
            spool=rows.spool,
            rows=tally.rows,
            sheets=tuple(dict.fromkeys(rows.sheets)),
            counts={**tally.counts, **rows.aside.counts},
            examples=tally.examples,
            notices=tally.notices,
            seconds=self.seconds,
            sheets_left_out=self._rows.sheets_left_out,
            routing=self.source.routing,
            tables=tuple(self._rows.tables) if self.source.options.is_routed else (),
            aside=rows.aside or None,
            layout=rows.contract.layout if rows.aside and rows.contract is not None else None,
            faults=rows.contract.report.grouped if rows.aside and rows.contract is not None else (),
        )

    def finish(self) -> StagedFile:
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
        with closing(stages.read(source, config)) as workbook:
            origins = tuple(getattr(workbook, "origins", ()))
            if origins:
                source = self.source = replace(source, origins=origins)
                self._rows = FileRows(source=source, spool=self.spool)
            while True:
                try:
                    yield from read_sheets(workbook, self._rows, stages, config, reporter)
                except ReadAgainError as again:
                    self.readings += 1
                    self.spool.clear()
                    suspects = again.suspects if again.suspects is not None else self._rows.suspects
                    self._rows = FileRows(source=source, spool=self.spool, suspects=suspects)
                else:
                    break
        if file_version(source) != self._version:
            raise FileChangedError("the file changed while it was being read", hint="run again when it is complete")
        self._staged = StagedFile(
            source=source,
            file_sha256=self._file_sha256,
            parts=tuple(map(self._part, self._rows.parts.values())),
            seconds=self.seconds,
            notices=tuple(self._rows.notices),
            known=tuple(self._rows.known.values()),
            order=tuple(self._rows.order),
            tables=tuple(self._rows.tables),
            # Parts that were not read may have the columns.
            unknown_keys={} if self._rows.known or source.only_tables else self._rows.keys.unknown(source.options),
        )
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
) -> StagedFile:
    """Read a file to its end; see :class:`Staging`."""
    staging = Staging(source, stages, config, reporter, spool, file_sha256=file_sha256, version=version)
    with closing(staging):
        return staging.finish()
