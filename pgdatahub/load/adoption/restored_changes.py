"""``run --adopt`` without ``etl_schema_changes``: what pgdatahub made, as far as the tables show it.

Without that table nothing tells which tables and columns an undo may drop. It is made again from the imports that are left
and from the tables themselves (:mod:`pgdatahub.load.adoption.provable_changes`).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pgdatahub.load.adoption.provable_changes import provable_changes
from pgdatahub.model.imports import Provenance, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.metadata_setup import create_missing_changes
from pgdatahub.postgres.history.replays import joined_columns
from pgdatahub.postgres.tables import catalog

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection


def restore_changes(connection: Connection, history: History) -> list[TableName]:
    """Make ``etl_schema_changes`` again if it alone is missing; return the tables that it has changes of.

    Args:
        connection: A connection in a transaction.
        history: The history.

    Raises:
        HistoryDamagedError: A user changed another metadata table, or a row.
    """
    if not create_missing_changes(connection, history.schema):
        return []
    restored = []
    for table in sorted(history.tables_with_rows(connection)):
        current = catalog.reflect(connection, table)
        imports = history.select_imports(connection, table=table, statuses=(Status.LOADED,))
        if current is None:
            continue
        observed = reduce(joined_columns, history.observed(connection, table))
        changes = provable_changes(connection, current, observed, Provenance.of(()))
        history.schema_changes.add_found(connection, imports[0], changes)
        if changes:
            restored.append(table)
    return restored
