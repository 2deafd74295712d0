"""Changes of a table by pgdatahub, as far as the table itself proves them.

Pgdatahub made a table that has the index of
pgdatahub's own tables and whose columns all carry a header as their comment. pgdatahub made a column whose comment is
the file's header. Every other table and column counts as the user's own, which an undo never drops or narrows.
"""

from __future__ import annotations

import re

from pgdatahub.model.imports import Provenance
from pgdatahub.model.schema import RESERVED_COLUMNS, AddColumn, CreateTable, OpaqueType, SchemaChange, TableSchema
from pgdatahub.postgres.keyed.flag import is_made_flag
from pgdatahub.postgres.keyed.names import timestamp_index
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.ddl import import_index

_UNNAMED = re.compile(r"column_\d+(_\d+)?")


def provable_changes(
    connection: Connection, current: TableSchema, observed: TableSchema, provenance: Provenance
) -> tuple[SchemaChange, ...]:
    """Return the changes by which pgdatahub made the table, or columns of it, as far as the table shows."""
    if provenance.created:
        return ()
    own = [column for column in current.columns if column.name not in RESERVED_COLUMNS and not is_made_flag(column)]
    indexes = (import_index(current.table), timestamp_index(current.table))
    has_index = any(catalog.has_index(connection, current.table, index) for index in indexes)
    if has_index and all(
        not isinstance(column.type, OpaqueType)
        and not column.required
        and not column.filled
        and (column.header is not None or _is_unnamed(column.name, observed))
        for column in own
    ):
        return (CreateTable(columns=tuple(column for column in current.columns if not is_made_flag(column))),)
    return tuple(
        AddColumn(column=column)
        for column in own
        if column.header is not None
        and column.name in observed.by_name
        and column.header == observed.by_name[column.name].header
        and column.name not in provenance.columns
        and not isinstance(column.type, OpaqueType)
    )


def _is_unnamed(name: str, observed: TableSchema) -> bool:
    """Return whether a column without a comment is a column that pgdatahub makes without a header."""
    column = observed.by_name.get(name)
    return column.header is None if column is not None else _UNNAMED.fullmatch(name) is not None
