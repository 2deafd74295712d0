"""Effects of a decision on other imports: their rows are deleted, or a duplicate inherits them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pgdatahub.errors import ContentChangedError
from pgdatahub.load.duplicates import as_duplicate
from pgdatahub.load.known.dedup_facts import DedupDecision
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import Duplicate, ImportRow, Status
from pgdatahub.model.schema import TableSchema
from pgdatahub.postgres.history.duplicate_rows import inherit, set_duplicates
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.rules import TableRule, find_rule
from pgdatahub.postgres.keyed.undo import remove_imports
from pgdatahub.postgres.proofs.import_state import examine_import
from pgdatahub.postgres.rows.import_rows import delete_rows, rename_rows
from pgdatahub.postgres.tables import catalog, locks

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def settle(
    connection: Connection,
    history: History,
    decision: DedupDecision,
    source: SourceFile,
    *,
    file_sha256: str,
    moment: datetime,
    keep_rows: bool = False,
) -> None:
    """Apply a decision on a file to other imports.

    Args:
        connection: A connection in the transaction that has the table's lock.
        history: The history.
        decision: The decision.
        source: The file.
        file_sha256: SHA-256 of its bytes.
        moment: The time of the decision, UTC; later than every import of the table.
        keep_rows: Leave the rows of replaced imports to the load, which overwrites those whose keys stay.

    Raises:
        ContentChangedError: Rows that would be deleted were changed by hand.
    """
    identity = source.identity
    going = list(decision.replaced)
    for past in decision.retired:
        rest = [one for one in past.duplicates if one.identity != identity]
        heirs = [one for one in rest if not one.corrected]
        if not heirs or source.options.rule is not None:
            going.append(past)
            continue
        pass_on(connection, history, past, min(heirs, key=lambda one: (one.seen_at, one.identity)), rest)
    _supersede(connection, history, going, moment, keep_rows=keep_rows)
    for past in decision.left:
        set_duplicates(connection, history, past, [one for one in past.duplicates if one.identity != identity])
    if decision.origin is not None:
        others = [one for one in decision.origin.duplicates if one.identity != identity]
        set_duplicates(connection, history, decision.origin, [*others, as_duplicate(source, file_sha256, moment)])
    history.release(connection, decision.released)


def pass_on(
    connection: Connection, history: History, past: ImportRow, heir: Duplicate, rest: Sequence[Duplicate]
) -> None:
    """Give an import and its rows to a duplicate.

    Args:
        connection: A connection in the transaction that has the table's lock.
        history: The history.
        past: The import.
        heir: The duplicate.
        rest: The duplicates that the import keeps.

    Raises:
        ContentChangedError: The rows were changed by hand.
    """
    _check_unchanged(connection, history, [past])
    if catalog.is_table(connection, past.table):
        rename_rows(connection, past, heir.source_file)
    inherit(connection, history, past, heir, rest)


def revert_rows(connection: Connection, history: History, past: ImportRow, moment: datetime) -> None:
    """Delete the rows of an import and mark it as reverted at ``moment``.

    Raises:
        ContentChangedError: The rows were changed by hand.
    """
    _remove(connection, history, [past], Status.REVERTED, moment)


def _supersede(
    connection: Connection, history: History, going: Sequence[ImportRow], moment: datetime, *, keep_rows: bool
) -> None:
    """Delete the rows of imports and mark them as superseded at ``moment``."""
    if going:
        _remove(connection, history, going, Status.SUPERSEDED, moment, keep_rows=keep_rows)


def _remove(
    connection: Connection,
    history: History,
    going: Sequence[ImportRow],
    status: Status,
    moment: datetime,
    *,
    keep_rows: bool = False,
) -> None:
    rule = find_rule(connection, history.schema, going[0].table)
    exists = _check_unchanged(connection, history, going, rule)
    # The order of what remains is that of the history without these imports.
    history.mark(connection, [past.id for past in going], status, moment)
    if not exists or keep_rows:
        return
    if rule is None:
        for past in going:
            delete_rows(connection, past)
    else:
        remove_imports(connection, history.imports, history.schema, rule, going)


def _check_unchanged(
    connection: Connection, history: History, going: Sequence[ImportRow], rule: TableRule | None = None
) -> bool:
    """Check that the rows of imports are as loaded, and lock them; return whether the table exists.

    Raises:
        ContentChangedError: The rows were changed by hand, and deleting them would lose the changes.
    """
    table = going[0].table
    current = catalog.reflect(connection, table)
    if current is None:
        return False
    locks.lock_table(connection, table)
    if rule is not None:
        locks.lock_table(connection, rule.companion)
    for past in going:
        refused = _refusal(connection, history, past, current, rule)
        if refused is not None:
            raise refused
    return True


def find_refusal(connection: Connection, history: History, past: ImportRow) -> ContentChangedError | None:
    """Return the error with which the rows of an import would be refused to go, since they were changed by hand; None if not."""
    current = catalog.reflect(connection, past.table)
    if current is None:
        return None
    return _refusal(connection, history, past, current, find_rule(connection, history.schema, past.table))


def _refusal(
    connection: Connection, history: History, past: ImportRow, current: TableSchema, rule: TableRule | None
) -> ContentChangedError | None:
    state = examine_import(connection, past, current, rule=rule, history_schema=history.schema)
    reason = state.unreadable or next(iter(state.changed), None)
    if reason is None:
        return None
    return ContentChangedError(
        f"its older rows cannot be replaced: {reason}",
        hint=f"revert --import-id {past.id} --force reverts it all the same",
    )
