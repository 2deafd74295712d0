"""The history of schema changes: queries of ``etl_schema_changes``, and writes to it.

All functions run in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.explain import deciding_evidence, type_evidence
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ChangeRow, ChangeType, ImportRow, Provenance
from pgdatahub.model.schema import SCHEMA_CHANGES, AddColumn, ColumnSchema, CreateTable, SchemaChange, TableName
from pgdatahub.postgres.history.damaged_rows import readable_rows
from pgdatahub.postgres.history.history_inserts import add_changes
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import fitted
from pgdatahub.values.evidence import HIDDEN, Evidence

_CHANGES: Final = frozenset(change.value for change in ChangeType)


class ChangeHistory:
    """The schema changes in the history of one schema.

    Args:
        schema: The schema of the metadata tables.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self._name = TableName(schema=schema, name=SCHEMA_CHANGES)
        self.table = sql.Identifier(schema, SCHEMA_CHANGES)

    def forget_samples(self, connection: Connection, tables: Collection[TableName], *, every: bool) -> int:
        """Remove the values of deciding cells from the changes of tables, or of all; return the number of changes."""
        query = sql.SQL("""
            UPDATE {} SET sample = {} WHERE sample <> {} AND ({} OR (table_schema, table_name) IN (
                SELECT * FROM unnest(%s::text[], %s::text[])))
        """).format(self.table, HIDDEN, HIDDEN, every)
        names = sorted(tables)
        values = [[table.schema for table in names], [table.name for table in names]]
        return connection.execute(query, values).rowcount

    def select(
        self, connection: Connection, *, table: TableName | None = None, since: datetime | None = None
    ) -> list[ChangeRow]:
        """Return schema changes, oldest first; optionally of one table, and from a given time (UTC) on."""
        query = sql.SQL("""
            SELECT id, table_schema, table_name, change_type, column_name, old_type, new_type, source_file, changed_at,
                   import_id, cell, sample
              FROM {} WHERE {} AND {} ORDER BY id
        """).format(
            self.table,
            sql.SQL("true" if table is None else "table_schema = %(schema)s AND table_name = %(name)s"),
            sql.SQL("true" if since is None else "changed_at >= %(since)s"),
        )
        values = {"since": since} | ({} if table is None else {"schema": table.schema, "name": table.name})
        rows = readable_rows(connection, connection.execute(query, values), self._name, ("changed_at",))
        return [_past_change(row._asdict()) for row in rows]

    def provenance(self, connection: Connection, table: TableName) -> Provenance:
        """Return the parts of a table that pgdatahub made."""
        return Provenance.of(self.select(connection, table=table))

    def knows_other_columns(self, connection: Connection, table: TableName, names: Iterable[str]) -> bool:
        """Return whether ``table`` ever had a column with a name not in ``names``, according to the history."""
        query = sql.SQL("""
            SELECT EXISTS (SELECT FROM {} WHERE table_schema = %s AND table_name = %s AND column_name <> ALL (%s))
        """).format(self.table)
        return bool(connection.scalar(query, (table.schema, table.name, list(names))))

    def created_columns(self, connection: Connection, table: TableName) -> frozenset[str]:
        """Return the columns that pgdatahub created in ``table``."""
        return self.provenance(connection, table).columns

    def add(
        self,
        connection: Connection,
        source: SourceFile,
        changed_at: datetime,
        import_id: int,
        changes: Iterable[SchemaChange],
    ) -> None:
        """Add a record of the changes that an import made to its table."""
        rows = [row for change in changes for row in _change_rows(change)]
        self._insert_changes(connection, source.table, source.location, changed_at, import_id, rows)

    def add_found(self, connection: Connection, past: ImportRow, changes: Iterable[SchemaChange]) -> None:
        """Add a record of changes that were found in the table of an import, which may not be the one that made them."""
        rows = [row for change in changes for row in _change_rows(change)]
        self._insert_changes(connection, past.table, past.source_file, past.imported_at, past.id, rows)

    def add_undone(self, connection: Connection, changes: Iterable[ChangeRow]) -> None:
        """Add a record of schema changes that were undone; the table assigns their ids."""
        for change in changes:
            row = {
                "change_type": change.change_type,
                "column_name": change.column,
                "old_type": change.old_type,
                "new_type": change.new_type,
            }
            self._insert_changes(
                connection, change.table, change.source_file, change.changed_at, change.import_id, [row]
            )

    def _insert_changes(
        self,
        connection: Connection,
        table: TableName,
        source_file: str,
        changed_at: datetime,
        import_id: int | None,
        rows: Iterable[dict[str, Any]],
    ) -> None:
        common = {
            "table_schema": table.schema,
            "table_name": table.name,
            "source_file": source_file,
            "changed_at": changed_at,
            "import_id": import_id,
        }
        empty = dict.fromkeys(("column_name", "old_type", "new_type", "cell", "sample"))
        add_changes(connection, self.schema, [common | empty | fitted(connection, row) for row in rows])


def _past_change(values: dict[str, Any]) -> ChangeRow:
    if values["change_type"] not in _CHANGES:
        raise HistoryDamagedError(
            f'the change_type "{values["change_type"]}" of change {values["id"]} in {SCHEMA_CHANGES} is not one of'
            f" {', '.join(sorted(_CHANGES))}",
            hint="restore the row from a backup; or upgrade pgdatahub, if a later version wrote it",
        )
    table = TableName(schema=values.pop("table_schema"), name=values.pop("table_name"))
    return ChangeRow(table=table, column=values.pop("column_name"), **values)


def _change_rows(change: SchemaChange) -> list[dict[str, Any]]:
    if isinstance(change, CreateTable):
        created = ChangeType.CREATE_TABLE
        return [{"change_type": created.value}, *(_column_row(created, column) for column in change.columns)]
    if isinstance(change, AddColumn):
        return [_column_row(ChangeType.ADD_COLUMN, change.column)]
    row = {
        "change_type": ChangeType.ALTER_TYPE.value,
        "column_name": change.name,
        "old_type": change.old.sql,
        "new_type": change.new.sql,
    }
    return [row | _deciding_cell(deciding_evidence(change))]


def _column_row(change_type: ChangeType, column: ColumnSchema) -> dict[str, Any]:
    row = {"change_type": change_type.value, "column_name": column.name, "new_type": column.type.sql}
    return row | _deciding_cell(type_evidence(column))


def _deciding_cell(evidence: Evidence | None) -> dict[str, Any]:
    return {} if evidence is None else {"cell": evidence.cell, "sample": evidence.sample}
