"""Descriptions of columns in the settings, kept in the comments of existing columns.

A comment that a user wrote stays. So does the header in a comment, by which a column renamed by hand is found, and by which a
rebuilt history tells pgdatahub's columns from a user's own: a column without a header in its comment never gets one here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.model.column_comments import comment_of
from pgdatahub.model.schema import TableSchema
from pgdatahub.postgres import catalog, ddl
from pgdatahub.postgres.column_history import header_was
from pgdatahub.postgres.history import History
from pgdatahub.postgres.server_encoding import fitted

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection


def update_descriptions(
    connection: Connection, history: History, stored: TableSchema | None, observed: TableSchema
) -> tuple[str, ...]:
    """Set the comments of existing columns whose description changed; return notices about comments that stay.

    Args:
        connection: A connection in a transaction that has the table's lock.
        history: The metadata tables.
        stored: The columns before the load; None for a new table.
        observed: The columns of the file, with the descriptions of the settings.
    """
    if stored is None:
        return ()
    changed = {
        column.name: (stored.by_name[column.name], column)
        for column in observed.columns
        if column.description is not None
        and column.name in stored.by_name
        and (stored.by_name[column.name].description or "") != str(fitted(connection, column.description))
    }
    if not changed:
        return ()
    if not catalog.owns_table(connection, stored.table):
        return (f"descriptions of columns are not in comments: the role does not own {stored.table}",)
    comments, notices = {}, []
    for name, (known, column) in changed.items():
        if (
            known.header is None
            or known.description is not None
            or header_was(connection, history, stored.table, known)
        ):
            comments[name] = comment_of(known.header, column.description)
        else:
            notices.append(f"the column {name} keeps its comment, which was written by hand, without the description")
    if comments:
        ddl.set_comments(connection, stored.table, comments)
    return tuple(notices)
