"""Recorded failures: files that a run could not load, as pure values of the history.

:mod:`pgdatahub.postgres.history.failures` reads ``etl_failures`` into these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pgdatahub.model.faults import Fault
from pgdatahub.model.schema import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """A file that could not be loaded, or a folder that could not be read.

    Attributes:
        id: Its id in ``etl_failures``.
        table: The table of the file; None for a folder.
        source_file: Its absolute path or its URL.
        identity: Its path below the data root.
        file_sha256: SHA-256 of the file's bytes; None if they could not be read.
        kind: The class of the error, such as ``CellError``.
        reason: The message.
        place: The place within the file, such as ``Sheet1 › B17``.
        hint: The way to fix the failure.
        faults: The cells that cannot be loaded.
        failed_at: Time of the first attempt, UTC.
        last_failed_at: Time of the last attempt, UTC.
        attempts: The number of attempts with the same bytes and the same result.
        run_id: The last run that tried.
        cleared_at: Time at which the file was loaded, changed its failure, or was found to be gone, UTC; None while the
            failure stands.
    """

    id: int
    table: TableName | None
    source_file: str
    identity: str
    file_sha256: str | None
    kind: str
    reason: str
    place: str | None
    hint: str | None
    faults: tuple[Fault, ...]
    failed_at: datetime
    last_failed_at: datetime
    attempts: int
    run_id: str
    cleared_at: datetime | None

    @property
    def stands(self) -> bool:
        """Return whether the file is still not loaded."""
        return self.cleared_at is None

    @property
    def key(self) -> tuple[TableName | None, str]:
        """The file's table and identity."""
        return self.table, self.identity
