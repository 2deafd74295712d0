"""Files of a plan after they were read: staged, or with a result already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.load.known.older_readings import OlderReadings
from pgdatahub.load.results import skipped
from pgdatahub.load.staging.staged_file import StagedFile
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def compare_older(
    older: OlderReadings, connection: Connection, answer: StagedFile | FileResult
) -> StagedFile | FileResult:
    """Skip a file that may have the content of an import that older rules read."""
    if isinstance(answer, FileResult) or answer.source.reload:
        return answer
    reason = older.reason_to_skip(connection, answer)
    return answer if reason is None else skipped(answer.source, reason)


def is_unplaced(result: FileResult) -> bool:
    """Return whether the tables of a file are unknown, since it can have several and cannot be opened."""
    return result.source.options.is_routed and not result.parts


def tables_of(answer: StagedFile | FileResult) -> list[TableName]:
    """Return the tables of a file; that of its folder if the file was not read."""
    if isinstance(answer, FileResult):
        return [] if is_unplaced(answer) else [part.table for part in answer.by_table]
    return [*answer.order]
