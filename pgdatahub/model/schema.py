"""Schemas of tables and their changes, as pure values.

A :class:`TableSchema` is observed in a file, current in the database, or the result of a plan. A :class:`SchemaPlan` holds the
changes from current to result; ``postgres/tables/ddl.py`` renders it as DDL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pgdatahub.values.evidence import Observed
from pgdatahub.values.sql_types import SqlType, join

SOURCE_FILE = "source_file"
LOAD_TIMESTAMP = "load_timestamp"
RESERVED_COLUMNS = (SOURCE_FILE, LOAD_TIMESTAMP)
"""The columns that every imported table has; together they identify the import of a row."""
IMPORTS = "etl_imports"
SCHEMA_CHANGES = "etl_schema_changes"
FAILURES = "etl_failures"
KEYED_TABLES = "etl_tables"
QUARANTINE = "etl_quarantine"
METADATA_TABLES = (IMPORTS, SCHEMA_CHANGES, FAILURES, QUARANTINE, KEYED_TABLES)
"""The tables of the history; a folder cannot use these names."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TableName:
    """A table's schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class OpaqueType:
    """A type that :class:`SqlType` does not have (uuid, jsonb, varchar(5), an enum …); never altered.

    Attributes:
        sql: Its name, as ``format_type`` prints it.
        computed: The table computes the column, so no value can be inserted.
    """

    sql: str
    computed: bool = False

    @property
    def label(self) -> str:
        """The type's name for people."""
        return self.sql.upper()


ColumnType: TypeAlias = SqlType | OpaqueType


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSchema:
    """One column, observed in a file or current in the database.

    Attributes:
        name: Its SQL name.
        type: Its type; for an observed column the type that the file needs.
        header: The original header; None if the sheet has none.
        observed: Evidence for the type; None for a current column.
        configured_type: The type that the settings give an observed column; UNDECIDED if the values decide.
        required: For a current column: NOT NULL.
        filled: For a current column: the table provides a value where a file has none (default, identity, generated).
        created_as: For an observed column: the type of the server that the settings give a new column; None for ``type``.
        description: The description: of an observed column in the settings (empty to remove it, None for none), of a current
            column in its comment.
    """

    name: str
    type: ColumnType
    header: str | None = None
    observed: Observed | None = None
    configured_type: SqlType = SqlType.UNDECIDED
    required: bool = False
    filled: bool = False
    created_as: str | None = None
    description: str | None = None

    @property
    def as_created(self) -> ColumnSchema:
        """The column as a table gets it that lacks it."""
        return self if self.created_as is None else replace(self, type=OpaqueType(self.created_as))

    def join(self, other: ColumnSchema) -> ColumnSchema:
        """Join two observations of one column."""
        if other.observed is None:
            raise ValueError(f"column {self.name}: only observed columns can be joined")
        return self.observing(other.observed, header=other.header, configured_type=other.configured_type)

    def observing(self, observed: Observed, *, header: str | None, configured_type: SqlType) -> ColumnSchema:
        """Return the column with evidence from more cells; see :func:`observed_column`."""
        if self.observed is None:
            raise ValueError(f"column {self.name}: only observed columns can be joined")
        if not observed.evidence and configured_type is self.configured_type and (self.header or header) == self.header:
            return self
        return observed_column(
            name=self.name,
            header=self.header or header,
            observed=self.observed.join(observed),
            configured_type=join(self.configured_type, configured_type),
            created_as=self.created_as,
            description=self.description,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """A table's columns in order; a schema observed in a file lacks the two reserved columns."""

    table: TableName
    columns: tuple[ColumnSchema, ...]
    by_name: Mapping[str, ColumnSchema] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    def join(self, other: TableSchema) -> TableSchema:
        """Return the columns of both schemas; columns in both are joined."""
        joined = dict(self.by_name)
        for column in other.columns:
            known = joined.get(column.name)
            joined[column.name] = column if known is None else known.join(column)
        return TableSchema(table=self.table, columns=tuple(joined.values()))


LINEAGE = (
    ColumnSchema(name=SOURCE_FILE, type=SqlType.TEXT),
    ColumnSchema(name=LOAD_TIMESTAMP, type=SqlType.TIMESTAMP),
)
"""The reserved columns with their types."""


def observed_column(
    *,
    name: str,
    header: str | None,
    observed: Observed,
    configured_type: SqlType,
    created_as: str | None = None,
    description: str | None = None,
) -> ColumnSchema:
    """Return a column as a file needs it: of the configured type, else of the narrowest type for its values.

    Values of a column with a configured type fit that type; otherwise the file has failed before.
    """
    column_type = observed.type if configured_type is SqlType.UNDECIDED else configured_type
    return ColumnSchema(
        name=name,
        type=column_type,
        header=header,
        observed=observed,
        configured_type=configured_type,
        created_as=created_as,
        description=description,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """Creation of a table with these columns."""

    columns: tuple[ColumnSchema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn:
    """Addition of a column that the file has and the table lacks."""

    column: ColumnSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterType:
    """Widening of a column's type for values of the file.

    Attributes:
        name: The column.
        old: Its type now.
        new: The join of ``old`` and what the file needs.
        cause: The observed column that forces the change.
        empty: No row has a value in the column, so no value must be converted.
    """

    name: str
    old: SqlType
    new: SqlType
    cause: ColumnSchema
    empty: bool = False


SchemaChange: TypeAlias = CreateTable | AddColumn | AlterType


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaPlan:
    """Changes that a table needs before a file's rows can be loaded.

    Attributes:
        table: The table.
        changes: The changes in order; empty if the table is ready.
        result: The table's columns after the changes.
    """

    table: TableName
    changes: tuple[SchemaChange, ...]
    result: TableSchema


# ── undo ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """Drop of a table that pgdatahub created and that has no import left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn:
    """Drop of a column that pgdatahub created and that no remaining import has."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreType:
    """Change of a column's type to the type that the remaining imports need.

    Attributes:
        name: The column.
        old: Its present type.
        new: Its new type; UNDECIDED if no value remains.
        or_else: The type to use if a value does not fit ``new``; None without an alternative.
    """

    name: str
    old: SqlType
    new: SqlType
    or_else: SqlType | None = None


SchemaStep: TypeAlias = DropTable | DropColumn | RestoreType
