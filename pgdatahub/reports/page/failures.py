"""Entries of failures, whose messages quote cells only where values are shown."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from pgdatahub import errors
from pgdatahub.load.contracts.hidden_values import hidden_hint, hidden_reason
from pgdatahub.model.failures import FailureRow
from pgdatahub.reports.page.content import FailureEntry
from pgdatahub.reports.page.folders import Folders

_QUOTE_NO_CELL: Final = frozenset(
    kind.__name__
    for kind in (
        errors.ReadError,
        errors.NotAWorkbookError,
        errors.EncryptedError,
        errors.CorruptError,
        errors.EmptyFileError,
        errors.FileChangedError,
        errors.SheetError,
        errors.TableBusyError,
        errors.WorkerDiedError,
        errors.OutOfMemoryError,
        errors.ContentChangedError,
        errors.HistoryLostError,
        errors.PrivilegeError,
    )
)
"""Kinds of failures whose messages quote names of files, sheets and headers, and no value of a cell."""


def failure_entries(failures: Iterable[FailureRow], folders: Folders, *, texts: bool) -> list[FailureEntry]:
    """Return the entries of failures: those that stand first, each part with the newest first."""
    newest = sorted(failures, key=attrgetter("last_failed_at", "id"), reverse=True)
    ordered = sorted(newest, key=lambda row: row.cleared_at is not None)
    return [
        _entry(row, shows=folders.show_values([row.identity]) and (texts or row.kind in _QUOTE_NO_CELL))
        for row in ordered
    ]


def _entry(row: FailureRow, *, shows: bool) -> FailureEntry:
    return FailureEntry(
        file=row.identity,
        table=str(row.table) if row.table is not None else None,
        place=row.place,
        reason=row.reason if shows else hidden_reason(row.reason, row.kind, row.faults),
        hint=row.hint if shows else hidden_hint(row.hint, row.kind),
        at=row.last_failed_at,
        attempts=row.attempts,
        cleared_at=row.cleared_at,
    )
