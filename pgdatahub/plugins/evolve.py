"""Built-in evolve stage: add columns, widen types to the join, never narrow a type.

Columns of foreign types (:class:`~pgdatahub.model.schema.OpaqueType`) are never altered; a file that such a table cannot hold
fails. A folder's contract (``new_columns: freeze``, ``types: freeze``) applies to existing tables: the first file creates the
table, and the first values of an empty column decide its type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgdatahub.errors import SchemaError
from pgdatahub.model.explain import deciding_evidence
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import (
    LINEAGE,
    AddColumn,
    AlterType,
    ColumnSchema,
    ColumnType,
    CreateTable,
    OpaqueType,
    SchemaChange,
    SchemaPlan,
    TableSchema,
)
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.values.evidence import Evidence
from pgdatahub.values.sql_types import SqlType, join


@hookimpl(trylast=True)
def pgdatahub_evolve(observed: TableSchema, current: TableSchema | None, source: SourceFile) -> SchemaPlan:
    """Plan the changes that ``current`` needs to hold what was ``observed``."""
    if current is None:
        columns = (*(column.as_created for column in observed.columns), *LINEAGE)
        created = TableSchema(table=observed.table, columns=columns)
        change = CreateTable(columns=created.columns)
        return SchemaPlan(table=observed.table, changes=(change,), result=created)
    _respect(current, observed)
    changes: list[SchemaChange] = []
    result = dict(current.by_name)
    for column in observed.columns:
        known = current.by_name.get(column.name)
        if known is None:
            if source.options.new_columns == "freeze":
                raise _new_column(column)
            changes.append(AddColumn(column=column.as_created))
            result[column.name] = column.as_created
        elif column.type is not known.type:  # most columns have the table's type already
            result[column.name] = replace(known, type=_joined(known, column))
            changes += _alterations(known, column, frozen=source.options.types == "freeze")
    for column in LINEAGE:
        if column.name not in current.by_name:
            changes.append(AddColumn(column=column))
            result[column.name] = column
    return SchemaPlan(
        table=observed.table,
        changes=tuple(changes),
        result=TableSchema(table=observed.table, columns=tuple(result.values())),
    )


def _joined(current: ColumnSchema, observed: ColumnSchema) -> SqlType | OpaqueType:
    if isinstance(current.type, OpaqueType) or isinstance(observed.type, OpaqueType):
        return current.type
    return join(current.type, observed.type)


def _alterations(current: ColumnSchema, observed: ColumnSchema, *, frozen: bool) -> Iterator[AlterType]:
    wide = _joined(current, observed)
    if isinstance(current.type, OpaqueType) or isinstance(wide, OpaqueType) or wide.sql == current.type.sql:
        return
    change = AlterType(
        name=current.name,
        old=current.type,
        new=wide,
        cause=observed,
        empty=current.type is SqlType.UNDECIDED,
    )
    if frozen and not change.empty:
        raise _other_type(change)
    yield change


def _respect(current: TableSchema, observed: TableSchema) -> None:
    """Check that the file meets the table's own constraints.

    Raises:
        SchemaError: The file does not.
    """
    for column in LINEAGE:
        known = current.by_name.get(column.name)
        if known is not None and known.type is not column.type:
            raise SchemaError(
                f"the table's own column {column.name} is {_kind(known.type)}, and every imported table needs it as "
                f"{column.type.label}",
                where=f"table {current.table}",
                hint="rename or alter it, or set table: for the folder",
            )
    for known in current.columns:
        column_observed = observed.by_name.get(known.name)
        if column_observed is None:
            if known.required and not known.filled and known.name not in {column.name for column in LINEAGE}:
                raise SchemaError(
                    f"the table's column {known.name} must not be empty, and the file does not have it",
                    where=f"table {current.table}",
                    hint="give the column a default, or drop its NOT NULL",
                )
        elif isinstance(known.type, OpaqueType) and known.type.computed:
            raise SchemaError(
                f"the table computes its column {known.name} itself, and the file has it too",
                where=_place(_first(column_observed)),
                hint="skip: leaves the file's column out, rename: gives it another name",
            )


def _new_column(column: ColumnSchema) -> SchemaError:
    named = f'"{column.header}"' if column.header else column.name
    return SchemaError(
        f"the table has no column {column.name} for {named}, and new_columns: freeze allows no new ones",
        where=_place(_first(column)) or f"column {named}",
        hint="skip: leaves the column out, aliases: maps it to an existing column, new_columns: evolve adds it",
    )


def _other_type(change: AlterType) -> SchemaError:
    evidence = deciding_evidence(change)
    what = f'"{evidence.sample}" does not fit' if evidence else f"the settings ask for {change.new.label} in"
    return SchemaError(
        f"{what} the column {change.name}, which is {change.old.label}, and types: freeze allows no other type",
        where=_place(evidence) or f"column {change.name}",
        hint="correct the cell, name it in nulls:, or set types: evolve",
    )


def _first(column: ColumnSchema) -> Evidence | None:
    return next(iter(column.observed.evidence.values()), None) if column.observed else None


def _place(evidence: Evidence | None) -> str | None:
    return evidence.cell.replace("!", " › ") if evidence else None


def _kind(known: ColumnType) -> str:
    """Return a column's type for messages; a generated or identity column has the name of its type, and cannot be written."""
    written = not (isinstance(known, OpaqueType) and known.computed)
    return known.label if written else f"computed by the table ({known.label})"
