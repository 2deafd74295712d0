"""Replacement of older imports by a file that is loaded in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pgdatahub.errors import ContentChangedError
from pgdatahub.model.imports import PastImport, Status
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.history import History
from pgdatahub.postgres.import_rows import delete_rows
from pgdatahub.postgres.import_state import examine_import

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection


def supersede(connection: Connection, history: History, replaced: Sequence[PastImport], moment: datetime) -> None:
    """Delete the rows of imports and mark them as superseded at ``moment``.

    Raises:
        ContentChangedError: Their rows were changed by hand, and that would be lost.
    """
    if not replaced:
        return
    table = replaced[0].table
    current = catalog.reflect(connection, table)
    if current is not None:
        locks.lock_table(connection, table)
        for past in replaced:
            state = examine_import(connection, past, current)
            reason = state.unreadable or next(iter(state.changed), None)
            if reason is not None:
                raise ContentChangedError(
                    f"its older rows cannot be replaced: {reason}",
                    hint=f"revert --import-id {past.id} --force takes them back all the same",
                )
            delete_rows(connection, past)
    history.mark(connection, [past.id for past in replaced], Status.SUPERSEDED, moment)
