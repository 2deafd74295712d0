"""Rows of one key in a planned file that only the server can compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.load.keys.key_faults import tie_error
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.schema import TableSchema
from pgdatahub.postgres.keyed.planned_ties import planned_tie

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def check_ties(connection: Connection, staged: Staged, table: TableSchema, stored: TableSchema | None) -> None:
    """Check that no two rows of a file have one key, unless the order or the settings tell them apart.

    Args:
        connection: A connection in any transaction.
        staged: A file whose rows are kept.
        table: The table as the file leaves it.
        stored: The table now; None for a new table.

    Raises:
        CellError: Two rows have one key; the message names their cells.
    """
    rule = staged.source.options.rule
    if rule is None or not rule.is_merge or rule.duplicates != "fail":
        return
    tied = planned_tie(connection, rule, table, stored, staged.spool)
    if tied is not None:
        raise tie_error(staged, tied, rule.key)
