"""What is asked and told about each file in the history, put together once: that takes SQLAlchemy as long as asking."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    ColumnElement,
    Select,
    Text,
    all_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
)

from pgdatahub.model.imports import LEFT_OUT
from pgdatahub.postgres.file_queries import ADDED_COLUMNS
from pgdatahub.postgres.metadata import MetadataTables


class FileStatements:
    """Statements on the metadata tables of one schema.

    Args:
        tables: The tables.

    Attributes:
        other_columns: Whether a table ever had a column whose name is not in ``names``; parameters ``table_schema``,
            ``table_name``.
    """

    def __init__(self, tables: MetadataTables) -> None:
        changes = tables.changes.c
        self.other_columns = select(
            exists().where(
                changes.table_schema == bindparam("table_schema"),
                changes.table_name == bindparam("table_name"),
                changes.column_name != all_(bindparam("names", type_=ARRAY(Text))),
            )
        )


def past_imports(tables: MetadataTables, *, older: bool = False) -> Select[Any]:
    """Return the question for imports, without any condition.

    Args:
        tables: The tables.
        older: They lack the columns that were added later, which then have their defaults.
    """
    columns = tables.imports.c
    added = [
        (literal_column(default, columns[name].type).label(name) if older else columns[name])
        for name, default in ADDED_COLUMNS.items()
    ]
    return select(
        columns.id,
        columns.table_schema,
        columns.table_name,
        columns.source_file,
        columns.identity,
        columns.file_sha256,
        columns.content_sha256,
        columns.settings,
        columns.run_id,
        columns.row_count,
        columns.bytes,
        columns.imported_at,
        columns.status,
        columns.reverted_at,
        columns.counts[LEFT_OUT].label("sheets_left_out"),
        *added,
    )


def utc_now() -> ColumnElement[Any]:
    """Return the server's time, UTC."""
    return func.timezone("UTC", func.clock_timestamp(), type_=TIMESTAMP())
