"""The history: ``etl_imports`` and ``etl_schema_changes``, what they look like and what is asked of them.

Rows change their status; they are never deleted. Everything here runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Identity,
    Index,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.schema import CreateSchema

from pgdatahub.cells import Kind
from pgdatahub.inference import NOTHING, Evidence, Observed
from pgdatahub.lattice import SqlType
from pgdatahub.model import ImportRecord, SourceFile
from pgdatahub.postgres.locks import metadata_lock_key, wait_for_turn
from pgdatahub.schema import (
    AddColumn,
    AlterType,
    CreateTable,
    SchemaChange,
    TableName,
    TableSchema,
    observed_column,
)

IMPORTS = "etl_imports"
SCHEMA_CHANGES = "etl_schema_changes"
METADATA_TABLES = (IMPORTS, SCHEMA_CHANGES)

LOADED = "loaded"
REVERTED = "reverted"
SUPERSEDED = "superseded"


class History:
    """The metadata tables of one schema.

    Args:
        schema: The schema they are in.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.metadata = MetaData(schema=schema)
        self.imports = Table(
            IMPORTS,
            self.metadata,
            Column("id", BigInteger, Identity(), primary_key=True),
            Column("table_name", Text, nullable=False),
            Column("source_file", Text, nullable=False),
            Column("file_sha256", String(64), nullable=False),
            Column("row_count", BigInteger, nullable=False),
            Column("imported_at", TIMESTAMP, nullable=False),
            Column("table_schema", Text, nullable=False),
            Column("identity", Text, nullable=False),
            Column("content_sha256", String(64), nullable=False),
            Column("settings", String(64), nullable=False),
            Column("sheets", JSONB, nullable=False),
            Column("run_id", Text, nullable=False),
            Column("bytes", BigInteger, nullable=False),
            Column("seconds", Float, nullable=False),
            Column("counts", JSONB, nullable=False),
            Column("status", Text, nullable=False),
            Column("reverted_at", TIMESTAMP),
            Column("observed", JSONB, nullable=False),
        )
        Index(
            "etl_imports_loaded_once",
            self.imports.c.table_schema,
            self.imports.c.table_name,
            self.imports.c.file_sha256,
            unique=True,
            postgresql_where=text(f"status = '{LOADED}'"),
        )
        Index("etl_imports_moment", self.imports.c.table_schema, self.imports.c.table_name, self.imports.c.imported_at)
        self.changes = Table(
            SCHEMA_CHANGES,
            self.metadata,
            Column("id", BigInteger, Identity(), primary_key=True),
            Column("table_name", Text, nullable=False),
            Column("change_type", Text, nullable=False),
            Column("column_name", Text),
            Column("old_type", Text),
            Column("new_type", Text),
            Column("source_file", Text, nullable=False),
            Column("changed_at", TIMESTAMP, nullable=False),
            Column("table_schema", Text, nullable=False),
            Column("import_id", BigInteger),
            Column("cell", Text),
            Column("sample", Text),
        )

    def ensure(self, connection: Connection) -> None:
        """Create the schema and the tables where they are missing; safe when several processes begin at once."""
        wait_for_turn(connection, metadata_lock_key(self.schema))
        if not connection.dialect.has_schema(connection, self.schema):
            connection.execute(CreateSchema(self.schema, if_not_exists=True))
        self.metadata.create_all(connection, checkfirst=True)

    def exists(self, connection: Connection) -> bool:
        """Tell whether the tables are there."""
        return connection.dialect.has_table(connection, IMPORTS, schema=self.schema)

    # ── what is loaded ────────────────────────────────────────────────────────────────────────────────────────────────

    def loaded(self, connection: Connection) -> Iterator[PastImport]:
        """Yield the imports whose rows are in their tables now."""
        for row in connection.execute(self._past().where(self.imports.c.status == LOADED)):
            yield _past_import(row)

    def find(
        self,
        connection: Connection,
        table: TableName,
        *,
        file_sha256: str | None = None,
        content_sha256: str | None = None,
    ) -> PastImport | None:
        """Return the import into ``table`` that has these bytes or this content and is loaded now."""
        query = self._past().where(*self._is(table), self.imports.c.status == LOADED)
        if file_sha256 is not None:
            query = query.where(self.imports.c.file_sha256 == file_sha256)
        if content_sha256 is not None:
            query = query.where(self.imports.c.content_sha256 == content_sha256)
        row = connection.execute(query.order_by(self.imports.c.id).limit(1)).one_or_none()
        return None if row is None else _past_import(row)

    def of_identity(self, connection: Connection, table: TableName, identity: str) -> list[PastImport]:
        """Return the loaded imports of the file that is at ``identity``, oldest first."""
        query = self._past().where(
            *self._is(table), self.imports.c.status == LOADED, self.imports.c.identity == identity
        )
        return [_past_import(row) for row in connection.execute(query.order_by(self.imports.c.id))]

    def observed(self, connection: Connection, table: TableName) -> list[TableSchema]:
        """Return what each loaded import of ``table`` showed of its columns."""
        query = select(self.imports.c.observed).where(*self._is(table), self.imports.c.status == LOADED)
        return [observed_from_json(table, row.observed) for row in connection.execute(query)]

    def created_columns(self, connection: Connection, table: TableName) -> frozenset[str]:
        """Return the columns that pgdatahub created in ``table``."""
        changes = self.changes.c
        query = select(changes.column_name).where(
            changes.table_schema == table.schema,
            changes.table_name == table.name,
            changes.change_type.in_(["create_table", "add_column"]),
            changes.column_name.is_not(None),
        )
        return frozenset(connection.scalars(query))

    def next_moment(self, connection: Connection, table: TableName) -> datetime:
        """Return the time for a new import: now (UTC), but later than any import of the table. To be asked under lock."""
        now: datetime = connection.execute(text("SELECT clock_timestamp() AT TIME ZONE 'UTC'")).scalar_one()
        last: datetime | None = connection.scalar(select(func.max(self.imports.c.imported_at)).where(*self._is(table)))
        return now if last is None or last < now else last + timedelta(microseconds=1)

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, connection: Connection, record: ImportRecord) -> int:
        """Keep the record of an import and of its schema changes; return its id."""
        source = record.source
        row = {
            "table_schema": source.table.schema,
            "table_name": source.table.name,
            "source_file": source.location,
            "identity": source.identity,
            "file_sha256": record.file_sha256,
            "content_sha256": record.content_sha256,
            "settings": record.settings_fingerprint,
            "sheets": list(record.sheets),
            "run_id": record.run_id,
            "bytes": source.size,
            "seconds": record.seconds,
            "row_count": record.rows,
            "imported_at": record.imported_at,
            "counts": dict(record.counts),
            "status": LOADED,
            "observed": observed_to_json(record.observed),
        }
        import_id: int = connection.execute(insert(self.imports).values(row).returning(self.imports.c.id)).scalar_one()
        self.add_changes(connection, source, record.imported_at, import_id, record.plan.changes)
        return import_id

    def add_changes(
        self,
        connection: Connection,
        source: SourceFile,
        changed_at: datetime,
        import_id: int,
        changes: Iterable[SchemaChange],
    ) -> None:
        """Keep a record of what an import changed in its table."""
        common = {
            "table_schema": source.table.schema,
            "table_name": source.table.name,
            "source_file": source.location,
            "changed_at": changed_at,
            "import_id": import_id,
        }
        empty = dict.fromkeys(("column_name", "old_type", "new_type", "cell", "sample"))
        rows = [common | empty | row for change in changes for row in _change_rows(change)]
        if rows:
            connection.execute(insert(self.changes), rows)

    def _is(self, table: TableName) -> tuple[Any, Any]:
        return self.imports.c.table_schema == table.schema, self.imports.c.table_name == table.name

    def _past(self) -> Select[Any]:
        columns = self.imports.c
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
            columns.imported_at,
            columns.status,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastImport:
    """An import as the history knows it."""

    id: int
    table: TableName
    source_file: str
    identity: str
    file_sha256: str
    content_sha256: str
    settings: str
    run_id: str
    row_count: int
    imported_at: datetime
    status: str


def _past_import(row: Row[Any]) -> PastImport:
    values = dict(row._mapping)
    table = TableName(schema=values.pop("table_schema"), name=values.pop("table_name"))
    return PastImport(table=table, **values)


def _change_rows(change: SchemaChange) -> list[dict[str, Any]]:
    if isinstance(change, CreateTable):
        return [
            {"change_type": "create_table"},
            *(
                {"change_type": "create_table", "column_name": column.name, "new_type": column.type.sql}
                for column in change.columns
            ),
        ]
    if isinstance(change, AddColumn):
        return [{"change_type": "add_column", "column_name": change.column.name, "new_type": change.column.type.sql}]
    row = {
        "change_type": "alter_type",
        "column_name": change.name,
        "old_type": change.old.sql,
        "new_type": change.new.sql,
    }
    cause = deciding_evidence(change)
    if cause is not None:
        row |= {"cell": cause.cell, "sample": cause.sample}
    return [row]


def deciding_evidence(change: AlterType) -> Evidence | None:
    """Return the cells that force a change of type."""
    if change.cause.observed is None:
        return None
    return change.cause.observed.deciding(change.old)


# ── observed ⇄ JSON ───────────────────────────────────────────────────────────────────────────────────────────────────


def observed_to_json(observed: TableSchema) -> dict[str, Any]:
    """Return what an import showed of its columns as JSON can hold it; integers beyond 2^53 as text."""
    return {
        column.name: {
            "header": column.header,
            "type": column.type.sql,
            "floor": column.floor.name,
            **_evidence_to_json(column.observed or NOTHING),
        }
        for column in observed.columns
    }


def _evidence_to_json(observed: Observed) -> dict[str, Any]:
    return {
        "largest": str(observed.largest),
        "largest_cell": observed.largest_cell,
        "evidence": {
            kind.value: {"count": evidence.count, "cell": evidence.cell, "sample": evidence.sample}
            for kind, evidence in observed.evidence.items()
        },
    }


def observed_from_json(table: TableName, columns: Mapping[str, Any]) -> TableSchema:
    """Return what :func:`observed_to_json` was given."""
    return TableSchema(
        table=table,
        columns=tuple(
            observed_column(
                name=name,
                header=column["header"],
                floor=SqlType[column["floor"]],
                observed=Observed(
                    evidence={Kind(kind): Evidence(**evidence) for kind, evidence in column["evidence"].items()},
                    largest=int(column["largest"]),
                    largest_cell=column["largest_cell"],
                ),
            )
            for name, column in columns.items()
        ),
    )
