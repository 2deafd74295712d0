"""Warnings about loaded tables that a run gives before it reads a file, and a plan too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pgdatahub.load.keys.other_rules import describe_other_rules
from pgdatahub.load.known.possible_tables import possible_tables
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.tables import catalog

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection


def table_warnings(connection: Connection, history: History, files: Sequence[SourceFile]) -> tuple[str, ...]:
    """Return warnings about the tables of files: those dropped by hand, and those with another key than the settings.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables, which exist.
        files: The files, with the settings of their folders.
    """
    dropped = sorted(_dropped_tables(connection, history, files))
    return (*map(_dropped_by_hand, dropped), *describe_other_rules(connection, history, files))


def _dropped_tables(connection: Connection, history: History, files: Sequence[SourceFile]) -> Iterator[TableName]:
    """Yield the tables of files that the history has and the database does not."""
    possible = {possible_tables(source, history.schema) for source in files}
    fixed = {table for tables in possible for table in tables.fixed}
    existing = catalog.all_tables(connection)
    if fixed <= existing and all(tables.begins is None for tables in possible):
        return  # the usual case, which reads no history
    for table in history.tables_with_rows(connection) - existing:
        if any(table in tables for tables in possible):
            yield table


def _dropped_by_hand(table: TableName) -> str:
    return (
        f"the table {table} was dropped by hand, and its files count as loaded; run --reload FOLDER loads them again, "
        "revert --force forgets them"
    )
