"""Descriptions of columns in the settings, kept in the comments of existing columns.

A comment that a user wrote stays. So does the header in a comment, by which a column renamed by hand is found, and by which a
rebuilt history tells pgdatahub's columns from a user's own: a column without a header in its comment never gets one here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from pgdatahub.config.column_descriptions import column_description, describes_columns, options_of_table
from pgdatahub.config.options import FolderOptions
from pgdatahub.errors import ContentionError, SchemaError
from pgdatahub.model.column_comments import comment_of
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import RESERVED_COLUMNS, TableSchema
from pgdatahub.postgres.history.column_history import header_was
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.server.server_encoding import fitted
from pgdatahub.postgres.tables import catalog, ddl
from pgdatahub.postgres.tables.locks import limit_lock_waits

if TYPE_CHECKING:
    from pgdatahub.postgres.database import Database
    from pgdatahub.postgres.server.connection import Connection

_WAIT_SECONDS: Final = 1


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
    described = (column for column in observed.columns if column.description is not None)
    wanted = {column.name: column.description or "" for column in described}
    return _settle(connection, history, stored, wanted).notices


def refresh_descriptions(database: Database, history: History, results: Iterable[FileResult]) -> Iterator[str]:
    """Set the comments of tables whose files were all skipped; yield a notice for each changed table.

    Raises:
        DatabaseError: The database is gone.
    """
    parts = [(part, result.source) for result in results for part in result.by_table]
    busy = {part.table for part, _ in parts if part.outcome is not Outcome.SKIPPED}
    sources = {part.table: source.options for part, source in parts if part.table not in busy}
    for table, options in sorted(sources.items(), key=lambda item: item[0]):
        if not describes_columns(options, table.name):
            continue
        changed = 0
        with suppress(SchemaError, ContentionError), transaction(database.engine) as connection:
            limit_lock_waits(connection, _WAIT_SECONDS)
            stored = catalog.reflect(connection, table)
            if stored is not None:
                changed = _settle(connection, history, stored, _wanted(stored, options)).changed
        if changed:
            yield f"{table}: {changed:,} changed {'description is' if changed == 1 else 'descriptions are'} in comments"


class _Settled(NamedTuple):
    """The number of comments that changed, and notices about those that stay."""

    changed: int = 0
    notices: tuple[str, ...] = ()


def _wanted(stored: TableSchema, options: FolderOptions) -> dict[str, str]:
    """Return column → description in the settings, by the names and headers of the table."""
    entries = [one.columns for one in options_of_table(options, stored.table.name)]
    wanted = {}
    for column in stored.columns:
        description = column_description(column.name, column.header, entries)
        if description is not None and column.name not in RESERVED_COLUMNS:
            wanted[column.name] = description
    return wanted


def _settle(connection: Connection, history: History, stored: TableSchema, wanted: Mapping[str, str]) -> _Settled:
    """Set the comments whose description is another one.

    Args:
        connection: A connection in a transaction.
        history: The metadata tables.
        stored: The columns of the table.
        wanted: Column → its description, empty to remove it.
    """
    changed = {
        name: stored.by_name[name]
        for name, description in wanted.items()
        if name in stored.by_name and (stored.by_name[name].description or "") != str(fitted(connection, description))
    }
    if not changed:
        return _Settled()
    if not catalog.owns_table(connection, stored.table):
        return _Settled(0, (f"descriptions of columns are not in comments: the role does not own {stored.table}",))
    comments, notices = {}, []
    for name, known in changed.items():
        if (
            known.header is None
            or known.description is not None
            or header_was(connection, history, stored.table, known)
        ):
            comments[name] = comment_of(known.header, wanted[name])
        else:
            notices.append(f"the column {name} keeps its comment, which was written by hand, without the description")
    if comments:
        ddl.set_comments(connection, stored.table, comments)
    return _Settled(len(comments), tuple(notices))
