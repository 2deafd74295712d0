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
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
)

from pgdatahub.model.imports import COUNTED
from pgdatahub.postgres.metadata import LEFT_OUT, MetadataTables, identity_key


class FileStatements:
    """Statements on the metadata tables of one schema.

    Args:
        tables: The tables.

    Attributes:
        new_import: Adds an import and returns its id; parameters are named as the columns.
        related: The imports that a file may repeat or replace, oldest first; parameters ``table_schema``, ``table_name``,
            ``identity``, ``file_sha256``, ``content_sha256``.
        moments: The time as ``now`` and that of the table's last import as ``last``; the first two of these parameters.
        other_columns: Whether the table ever had a column whose name is not in ``names``; and the first two.
    """

    def __init__(self, tables: MetadataTables) -> None:
        imports, changes = tables.imports.c, tables.changes.c
        self.new_import = insert(tables.imports).returning(imports.id)
        identity = bindparam("identity", type_=Text())
        self.related = (
            past_imports(tables)
            .where(
                imports.table_schema == bindparam("table_schema"),
                imports.table_name == bindparam("table_name"),
                imports.status.in_([status.value for status in COUNTED]),
                or_(
                    and_(identity_key(imports.identity) == identity_key(identity), imports.identity == identity),
                    imports.file_sha256 == bindparam("file_sha256"),
                    imports.content_sha256 == bindparam("content_sha256"),
                ),
            )
            .order_by(imports.id)
        )
        last = select(func.max(imports.imported_at)).where(
            imports.table_schema == bindparam("table_schema"), imports.table_name == bindparam("table_name")
        )
        self.moments = select(utc_now().label("now"), last.scalar_subquery().label("last"))
        self.other_columns = select(
            exists().where(
                changes.table_schema == bindparam("table_schema"),
                changes.table_name == bindparam("table_name"),
                changes.column_name != all_(bindparam("names", type_=ARRAY(Text))),
            )
        )


def past_imports(tables: MetadataTables) -> Select[Any]:
    """Return the question for imports, without any condition."""
    columns = tables.imports.c
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
    )


def utc_now() -> ColumnElement[Any]:
    """Return the server's time, UTC."""
    return func.timezone("UTC", func.clock_timestamp(), type_=TIMESTAMP())
