"""Built-in evolve stage: columns are added, types are widened straight to the join, nothing is ever narrowed."""

from __future__ import annotations

from dataclasses import replace

from pgdatahub.hookspecs import hookimpl
from pgdatahub.lattice import SqlType, join
from pgdatahub.schema import (
    LINEAGE,
    AddColumn,
    AlterType,
    ColumnSchema,
    CreateTable,
    OpaqueType,
    SchemaChange,
    SchemaPlan,
    TableSchema,
)


@hookimpl(trylast=True)
def pgdatahub_evolve(observed: TableSchema, current: TableSchema | None) -> SchemaPlan:
    """Plan the changes that ``current`` needs to hold what was ``observed``."""
    if current is None:
        created = TableSchema(table=observed.table, columns=(*observed.columns, *LINEAGE))
        change = CreateTable(columns=created.columns)
        return SchemaPlan(table=observed.table, changes=(change,), result=created)
    changes: list[SchemaChange] = []
    result = dict(current.by_name)
    missing = tuple(column for column in LINEAGE if column.name not in current.by_name)
    for column in (*observed.columns, *missing):
        known = current.by_name.get(column.name)
        if known is None:
            changes.append(AddColumn(column=column))
            result[column.name] = column
        else:
            change_type, result[column.name] = _widen(known, column)
            changes.extend(change_type)
    return SchemaPlan(
        table=observed.table,
        changes=tuple(changes),
        result=TableSchema(table=observed.table, columns=tuple(result.values())),
    )


def _widen(current: ColumnSchema, observed: ColumnSchema) -> tuple[tuple[AlterType, ...], ColumnSchema]:
    if isinstance(current.type, OpaqueType) or isinstance(observed.type, OpaqueType):
        return (), current
    wide = join(current.type, observed.type)
    result = replace(current, type=wide)
    if wide.sql == current.type.sql:
        return (), result
    change = AlterType(
        name=current.name,
        old=current.type,
        new=wide,
        cause=observed,
        empty=current.type is SqlType.UNDECIDED,
    )
    return (change,), result
