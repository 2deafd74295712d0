"""Lost rows of ``etl_schema_changes``, which ``run --adopt`` makes again as far as the tables show what pgdatahub made.

Without them nothing tells which tables and columns an undo may drop. They are made again from the imports that are left
and from the tables themselves (:mod:`pgdatahub.load.adoption.provable_changes`).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pgdatahub.load.adoption.provable_changes import provable_changes
from pgdatahub.model.imports import Provenance, Status
from pgdatahub.model.schema import RESERVED_COLUMNS, CreateTable, TableName, TableSchema
from pgdatahub.postgres.history.metadata_setup import create_missing_changes
from pgdatahub.postgres.history.replays import joined_columns
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.ddl import import_index

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection


def restore_changes(connection: Connection, history: History) -> list[TableName]:
    """Make ``etl_schema_changes`` again if it alone is missing, and the rows of tables that have none; return these tables.

    Args:
        connection: A connection in a transaction.
        history: The history.

    Raises:
        HistoryDamagedError: A user changed another metadata table, or a row.
    """
    if not create_missing_changes(connection, history.schema):
        return _restore_creations(connection, history)
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


def _restore_creations(connection: Connection, history: History) -> list[TableName]:
    restored = []
    for table in sorted(history.tables_with_rows(connection)) if history.exists(connection) else ():
        current = catalog.reflect(connection, table) if catalog.is_table(connection, table) else None
        creation = None if current is None else lost_creation(connection, history, current)
        if creation is not None:
            (first, *_) = history.select_imports(connection, table=table, statuses=(Status.LOADED,))
            history.schema_changes.add_found(connection, first, (creation,))
            restored.append(table)
    return restored


def lost_creation(connection: Connection, history: History, current: TableSchema) -> CreateTable | None:
    """Return the creation of a table by pgdatahub if the history has loaded imports and no schema change of the table.

    The proof is stricter than that of :func:`provable_changes`, since a table of another program may have no schema change: the
    table has the index that comes with a creation, and each column has a header of its files as its comment.
    """
    table = current.table
    if history.schema_changes.select(connection, table=table):
        return None
    observed = history.observed(connection, table)
    headers = {(column.name, column.header) for one in observed for column in one.columns if column.header is not None}
    own = [column for column in current.columns if column.name not in RESERVED_COLUMNS]
    if not all((column.name, column.header) in headers for column in own) or not observed:
        return None
    if not catalog.has_index(connection, table, import_index(table)):
        return None
    changes = provable_changes(connection, current, reduce(joined_columns, observed), Provenance.of(()))
    return next((change for change in changes if isinstance(change, CreateTable)), None)
