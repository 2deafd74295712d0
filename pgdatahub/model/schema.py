"""What tables look like and how they change, as pure values.

A :class:`TableSchema` is either what a file needs (``observed``), what the database has (``current``), or what there will
be. A :class:`SchemaPlan` is the difference; ``postgres/ddl.py`` renders it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pgdatahub.values.evidence import Observed
from pgdatahub.values.sql_types import SqlType, join

SOURCE_FILE = "source_file"
LOAD_TIMESTAMP = "load_timestamp"
RESERVED_COLUMNS = (SOURCE_FILE, LOAD_TIMESTAMP)
"""The columns that every imported table has; together they say which import a row is of."""
METADATA_TABLES = ("etl_imports", "etl_schema_changes")
"""The tables of the history, which no folder can be."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TableName:
    """A table's place in a database."""

    schema: str
    name: str

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class OpaqueType:
    """A type outside the lattice (uuid, jsonb, varchar(5), an enum …): never altered.

    Attributes:
        sql: Its name, as ``format_type`` prints it.
        computed: The table computes the column itself, so no value can be put there.
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
        type: Its type; for an observed column what the file needs.
        header: The original header; None where the sheet has none.
        observed: What the file showed of it, with the cells that decided; None for a current column.
        floor: The type that the settings give an observed column; UNDECIDED if they leave it to the values.
        required: Of a current column: it must not be NULL.
        filled: Of a current column: the table itself has a value for it where a file has none.
    """

    name: str
    type: ColumnType
    header: str | None = None
    observed: Observed | None = None
    floor: SqlType = SqlType.UNDECIDED
    required: bool = False
    filled: bool = False

    def join(self, other: ColumnSchema) -> ColumnSchema:
        """Return what both observed of one column."""
        if other.observed is None:
            raise ValueError(f"column {self.name}: only observed columns can be joined")
        return self.observing(other.observed, header=other.header, floor=other.floor)

    def observing(self, observed: Observed, *, header: str | None, floor: SqlType) -> ColumnSchema:
        """Return the column with what more of its cells show; see :func:`observed_column`."""
        if self.observed is None:
            raise ValueError(f"column {self.name}: only observed columns can be joined")
        if not observed.evidence and floor is self.floor and (self.header or header) == self.header:
            return self
        return observed_column(
            name=self.name,
            header=self.header or header,
            observed=self.observed.join(observed),
            floor=join(self.floor, floor),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """A table's columns in their order; those observed in a file are without the two that every table has."""

    table: TableName
    columns: tuple[ColumnSchema, ...]
    by_name: Mapping[str, ColumnSchema] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    def join(self, other: TableSchema) -> TableSchema:
        """Return the columns of both; where both have a column, what both observed of it."""
        joined = dict(self.by_name)
        for column in other.columns:
            known = joined.get(column.name)
            joined[column.name] = column if known is None else known.join(column)
        return TableSchema(table=self.table, columns=tuple(joined.values()))


LINEAGE = (
    ColumnSchema(name=SOURCE_FILE, type=SqlType.TEXT),
    ColumnSchema(name=LOAD_TIMESTAMP, type=SqlType.TIMESTAMP),
)
"""The reserved columns as they are created."""


def observed_column(*, name: str, header: str | None, observed: Observed, floor: SqlType) -> ColumnSchema:
    """Return a column as a file needs it: of the type that the settings ask for, else of that which holds its values.

    Values of a column with a ``floor`` fit that type, or its file would have failed.
    """
    column_type = observed.type if floor is SqlType.UNDECIDED else floor
    return ColumnSchema(name=name, type=column_type, header=header, observed=observed, floor=floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """The table does not exist; it will have these columns."""

    columns: tuple[ColumnSchema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn:
    """The file has a column that the table lacks."""

    column: ColumnSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterType:
    """The file has values that the column's type cannot hold.

    Attributes:
        name: The column.
        old: Its type now.
        new: The join of ``old`` and what the file needs.
        cause: The observed column that forces it.
        empty: No row has a value in the column, so nothing has to be converted.
    """

    name: str
    old: SqlType
    new: SqlType
    cause: ColumnSchema
    empty: bool = False


SchemaChange: TypeAlias = CreateTable | AddColumn | AlterType


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaPlan:
    """What must change in a table before a file's rows can be loaded.

    Attributes:
        table: The table.
        changes: In the order in which they are to be made; empty if the table is ready.
        result: The table's columns afterwards.
    """

    table: TableName
    changes: tuple[SchemaChange, ...]
    result: TableSchema


# ── undo ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """The table goes: pgdatahub made it and no import remains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn:
    """The column goes: pgdatahub made it and no import that remains has it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreType:
    """The column gets the type that the imports that remain need.

    Attributes:
        name: The column.
        old: Its type now.
        new: Its type then; UNDECIDED where no value remains.
        or_else: What it gets if a value does not fit ``new``; None if nothing else is right.
    """

    name: str
    old: SqlType
    new: SqlType
    or_else: SqlType | None = None


SchemaStep: TypeAlias = DropTable | DropColumn | RestoreType
