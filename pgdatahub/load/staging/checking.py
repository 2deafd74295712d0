"""A file read as a run reads it, without keeping its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.load.staging.sheet_reader import ReadAgainError, read_sheets
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_rows import FileRows, StagedRows
from pgdatahub.model.batches import ColumnBatch, NormalizedBatch
from pgdatahub.model.events import NullReporter
from pgdatahub.model.files import SourceFile
from pgdatahub.plugins.manager import Stages


@dataclass(slots=True, kw_only=True)
class CountedRows(StagedRows):
    """Rows of a part that are counted and forgotten."""

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:  # noqa: ARG002
        """Count a batch; yield nothing."""
        self.tally.add(batch)
        return iter(())


@dataclass(slots=True, kw_only=True)
class CheckedFile(FileRows):
    """A file whose rows are only counted."""

    kind: type[StagedRows] = CountedRows


def read_and_judge(
    source: SourceFile, stages: Stages, config: Config, *, kind: type[CheckedFile] = CheckedFile
) -> tuple[CheckedFile, FileError | None]:
    """Read a file to its end; return the counts and the faults, and the reason for which a run would refuse it, if any."""
    with SpoolFile() as spool_file:
        file = kind(source=source, spool=Spool(spool_file))
        try:
            with closing(stages.read(source, config)) as workbook:
                while True:
                    try:
                        for _ in read_sheets(workbook, file, stages, config, NullReporter()):
                            pass
                    except ReadAgainError as again:
                        suspects = again.suspects if again.suspects is not None else file.suspects
                        file = kind(source=source, spool=file.spool, suspects=suspects)
                    else:
                        return file, None
        except FileError as error:
            return file, error
