"""Undo plans as pure values: imports to revert, new types of columns, refusals.

An undo recomputes: a column that a file touched gets the type that the remaining imports need, independent of its history.
A column that pgdatahub made is dropped if no remaining import has it; a table that pgdatahub made is dropped if no import
remains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pgdatahub.model.imports import ImportRow, Provenance
from pgdatahub.model.schema import (
    RESERVED_COLUMNS,
    ColumnSchema,
    DropColumn,
    DropTable,
    RestoreType,
    SchemaStep,
    TableName,
    TableSchema,
)
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.tables.views import UsingView
from pgdatahub.values.sql_types import SqlType, join, join_all


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequest:
    """Request of an undo; one of ``file_hash``, ``source_file`` and ``import_id`` names the import.

    Attributes:
        file_hash: A SHA-256, or its first 8 or more digits.
        source_file: A path, absolute or relative, or its end.
        import_id: The id in ``etl_imports``.
        table: The table, if the file is in several.
        rows: Delete the rows.
        schema: Recompute the columns.
        force: Revert rows although they were changed by hand.
        hold: Skip the file in later runs, until ``run --reload``.
        recreate_views: Drop and recreate the views that use a column whose type changes.
        data_root: The folder of the files now, to find those that the next run would load again; None for a URL.
        samples: Messages may quote values of cells.
    """

    file_hash: str | None = None
    source_file: str | None = None
    import_id: int | None = None
    table: str | None = None
    rows: bool = True
    schema: bool = False
    force: bool = False
    hold: bool = False
    recreate_views: bool = False
    data_root: Path | None = None
    samples: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertedImport:
    """An import whose rows are deleted.

    Attributes:
        past: The import.
        rows: Number of rows that it has now.
    """

    past: ImportRow
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason against an undo: its subject, the reason, and a hint."""

    subject: str
    reason: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.subject}: {self.reason}"
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """Plan of an undo: shown by a dry run, executed by an undo.

    Attributes:
        table: The table.
        imports: The imports to revert.
        steps: Changes of the table.
        refusals: Reasons against the undo; empty if it is possible.
        notes: Remarks for the user: before confirming, and in the words of what happened after the undo.
        source_files: The files of the selected imports.
        hold: True if later runs skip the files.
        recreate_views: True if views that use a column whose type changes are dropped and recreated.
        views: These views, each before the views that use it.
        rule: The rule of a table with a key, or of a snapshot.
        others: The plans for the other tables of the file, in the order of the undo.
        samples: Messages may quote values of cells.
    """

    table: TableName
    imports: tuple[RevertedImport, ...] = ()
    steps: tuple[SchemaStep, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    source_files: tuple[str, ...] = ()
    hold: bool = False
    recreate_views: bool = False
    views: tuple[UsingView, ...] = field(default=(), compare=False)
    rule: TableRule | None = None
    others: tuple[UndoPlan, ...] = ()
    samples: bool = True

    @property
    def tables(self) -> tuple[UndoPlan, ...]:
        """The plan for each table, this one first."""
        return (self, *self.others)

    @property
    def rows(self) -> int:
        """Number of rows to delete in this table."""
        return sum(reverted.rows for reverted in self.imports)

    @property
    def nothing(self) -> bool:
        """True if the plan changes nothing in any table."""
        return not any(plan.imports or plan.steps for plan in self.tables)

    @property
    def all_refusals(self) -> tuple[Refusal, ...]:
        """The reasons against the undo in all tables; one of them stops the undo of all."""
        return tuple(refusal for plan in self.tables for refusal in plan.refusals)


def recompute(
    current: TableSchema, provenance: Provenance, touched: Sequence[TableSchema], remaining: Sequence[TableSchema]
) -> tuple[tuple[SchemaStep, ...], tuple[str, ...]]:
    """Return the steps that undo the changes of files in a table, and notes for the user.

    Args:
        current: The table in the database.
        provenance: The parts of the table that pgdatahub made.
        touched: Columns observed by the imports that are undone.
        remaining: Columns observed by the imports that stay loaded.
    """
    if not remaining and provenance.created:
        return (DropTable(),), ()
    names = {column.name for schema in touched for column in schema.columns}
    if not remaining:
        names |= provenance.columns.intersection(RESERVED_COLUMNS)
    steps: list[SchemaStep] = []
    notes: list[str] = []
    # First the columns in the table's order, then the missing ones: observed columns have no order.
    for name in (*filter(names.__contains__, current.by_name), *sorted(names - current.by_name.keys())):
        column = current.by_name.get(name)
        if column is None:
            notes.append(f"{name} is not there any more: it was dropped, or renamed, by hand or by an undo")
            continue
        made_here = name in provenance.columns
        needed = [schema.by_name[name].type for schema in remaining if name in schema.by_name]
        if made_here and not needed:
            steps.append(DropColumn(name=name, type=column.type.sql))
        elif not isinstance(column.type, SqlType):
            if made_here:
                notes.append(f"{name} is {column.type.label}, by hand or by the settings, and stays so")
        else:
            minimum = SqlType.UNDECIDED if made_here else _minimum_type(column, provenance)
            steps += _restore(column.name, column.type, minimum, [one for one in needed if isinstance(one, SqlType)])
    return tuple(steps), tuple(notes)


def _minimum_type(column: ColumnSchema, provenance: Provenance) -> SqlType:
    """Return the type that a column of another program had when pgdatahub first loaded into it."""
    first = provenance.first_types.get(column.name)
    known = next((one for one in SqlType if one.value == first), None)
    # A column that was never altered still has its first type.
    return known or (column.type if isinstance(column.type, SqlType) else SqlType.TEXT)


def _restore(name: str, current: SqlType, minimum: SqlType, needed: Iterable[SqlType]) -> list[SchemaStep]:
    new = join(minimum, join_all(needed))
    if new.sql == current.sql:
        return []
    or_else = None
    if minimum is SqlType.BIGINT:
        # Only the values show whether a bigint column of another program stays within 2^53.
        wide = join(SqlType.BIGINT_WIDE, join_all(needed))
        or_else = wide if wide is not new else None
    return [RestoreType(name=name, old=current, new=new, or_else=or_else)]
