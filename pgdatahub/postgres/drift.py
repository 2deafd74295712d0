"""pgdatahub's columns that a user dropped or renamed by hand, found because the history records their creation.

A dropped column is added again when a file has it. Its old values stay absent until their files are loaded again, and a
notice tells the user. A renamed column still has its header as its comment. Adding it again would split the column in
two, so the file is refused with the setting that joins them.
"""

from __future__ import annotations

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import RESERVED_COLUMNS, TableSchema
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.history import History


def columns_changed_by_hand(
    connection: Connection, current: TableSchema, observed: TableSchema, history: History
) -> tuple[str, ...]:
    """Return notices about columns that were dropped by hand and that a file has.

    Raises:
        SchemaError: A column was renamed, or a column that every imported table needs was dropped.
    """
    if not history.schema_changes.knows_other_columns(connection, current.table, current.by_name):
        return ()  # the usual case
    created = history.schema_changes.created_columns(connection, current.table)
    gone = sorted(created - current.by_name.keys())
    lost = [name for name in gone if name in RESERVED_COLUMNS]
    if lost:
        raise SchemaError(
            f"the table's column {lost[0]} was dropped or renamed by hand; it says which import a row is of",
            where=f"table {current.table}",
            hint="give it its name back, or reset the table and load it anew",
        )
    notices = []
    for name in gone:
        column = observed.by_name.get(name)
        if column is None:
            continue
        renamed = [
            other.name
            for other in current.columns
            if other.name not in created and other.header is not None and other.header == column.header
        ]
        if renamed:
            raise SchemaError(
                f'the column {name} was renamed to {renamed[0]} by hand: its comment still is "{column.header}"',
                where=f"table {current.table}",
                hint=f'set columns: "{column.header}": rename: {renamed[0]} for the folder, or name it {name} again',
            )
        notices.append(
            f"the column {name} of {current.table} was dropped by hand; it is added again, without the values that went "
            "with it (run --reload brings back those of a file)"
        )
    return tuple(notices)
