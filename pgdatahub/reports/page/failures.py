"""Entries of failures, whose messages quote cells only where values are shown."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from pgdatahub.load.hidden_values import hidden_reason, hidden_text
from pgdatahub.model.failures import FailureRow
from pgdatahub.reports.page.content import FailureEntry
from pgdatahub.reports.page.folders import Folders


def failure_entries(failures: Iterable[FailureRow], folders: Folders, *, texts: bool) -> list[FailureEntry]:
    """Return the entries of failures: those that stand first, each part with the newest first."""
    newest = sorted(failures, key=attrgetter("last_failed_at", "id"), reverse=True)
    ordered = sorted(newest, key=lambda row: row.cleared_at is not None)
    return [_entry(row, shows=texts and folders.show_values([row.identity])) for row in ordered]


def _entry(row: FailureRow, *, shows: bool) -> FailureEntry:
    hint = row.hint
    return FailureEntry(
        file=row.identity,
        table=str(row.table) if row.table is not None else None,
        place=row.place,
        reason=row.reason if shows else hidden_reason(row.reason, row.kind, row.faults),
        hint=hint if shows or hint is None else hidden_text(hint),
        at=row.last_failed_at,
        attempts=row.attempts,
        cleared_at=row.cleared_at,
    )
