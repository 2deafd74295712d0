"""The metadata tables: what ``etl_imports`` and ``etl_schema_changes`` look like."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, dialect
from sqlalchemy.schema import CreateColumn

from pgdatahub.model.imports import Status
from pgdatahub.postgres.file_queries import ADDED_COLUMNS, CHANGES, IMPORTS


class MetadataTables:
    """The metadata tables of one schema.

    Args:
        schema: The schema they are in.
    """

    def __init__(self, schema: str) -> None:
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
            Column("duplicates", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
            Column("reading", Integer, nullable=False, server_default=text("0")),
        )
        Index(
            "etl_imports_loaded_once",
            self.imports.c.table_schema,
            self.imports.c.table_name,
            self.imports.c.file_sha256,
            unique=True,
            postgresql_where=text(f"status = '{Status.LOADED.value}'"),
        )
        Index("etl_imports_moment", self.imports.c.table_schema, self.imports.c.table_name, self.imports.c.imported_at)
        # A run asks for the imports of files of certain sizes, and each file for those that it may repeat or replace; a
        # table may have a hundred thousand.
        Index("etl_imports_bytes", self.imports.c.bytes)
        Index("etl_imports_file", self.imports.c.file_sha256)
        Index("etl_imports_content", self.imports.c.content_sha256)
        Index("etl_imports_identity", identity_key(self.imports.c.identity))
        # Empty for most imports; neither index has an entry for those.
        Index(
            "etl_imports_duplicates",
            self.imports.c.duplicates,
            postgresql_using="gin",
            postgresql_ops={"duplicates": "jsonb_path_ops"},
        )
        Index("etl_imports_reading", self.imports.c.table_schema, self.imports.c.table_name, self.imports.c.reading)
        Index("etl_imports_duplicated", self.imports.c.id, postgresql_where=has_duplicates(self.imports))
        self.changes = Table(
            CHANGES,
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

    def add_columns(self, connection: Connection) -> None:
        """Add the columns and indexes that tables of an older version lack."""
        for name in ADDED_COLUMNS:
            column = CreateColumn(self.imports.c[name]).compile(connection)
            connection.execute(text(f"ALTER TABLE {_quoted(self.imports)} ADD COLUMN IF NOT EXISTS {column}"))
        for index in self.imports.indexes:
            index.create(connection, checkfirst=True)


def _quoted(table: Table) -> str:
    name: str = dialect().identifier_preparer.format_table(table)  # type: ignore[no-untyped-call]
    return name


def has_duplicates(imports: Table) -> ColumnElement[bool]:
    """Return the condition that other files were skipped in favour of an import."""
    return imports.c.duplicates != literal_column("'[]'::jsonb")


def identity_key(identity: ColumnElement[str] | str) -> ColumnElement[str]:
    """Return what imports are found by when a file's path below the data root is known.

    Its end is not in it: an index takes 2,700 bytes, and a path may have more.
    """
    return func.left(identity, literal_column("300"), type_=Text())
