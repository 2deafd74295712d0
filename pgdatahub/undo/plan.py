"""What an undo would do, as pure values: which imports go, what each column becomes, what stands in the way.

"Undo recomputes": a column that a file touched gets the type that the imports still loaded need, however it was born; it
goes if pgdatahub made it and none of them has it; the table goes if pgdatahub made it and no import remains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgdatahub.model.imports import PastImport, Provenance
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
from pgdatahub.values.sql_types import SqlType, join, join_all


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequest:
    """What somebody wants undone; one of ``file_hash``, ``source_file`` and ``import_id`` names it.

    Attributes:
        file_hash: A SHA-256 or its beginning, 8 digits at least.
        source_file: A path, absolute or relative, or its end.
        import_id: The id in ``etl_imports``.
        table: The table, where the rest is not enough.
        rows: Take the rows back.
        schema: Recompute the columns.
        force: Go on although rows were changed by hand.
        hold: Keep the file out until it is asked for.
        recreate_views: Drop the views that use a column whose type changes, and make them again.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertedImport:
    """An import whose rows go.

    Attributes:
        past: The import.
        rows: How many rows it has now.
    """

    past: PastImport
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that stands in the way: what it is about, why, and what to do."""

    subject: str
    reason: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.subject}: {self.reason}"
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """What an undo does; what a dry run shows and what is carried out.

    Attributes:
        table: The table.
        imports: The imports whose rows go.
        steps: What changes in the table.
        refusals: Why it is not done; empty if it can be.
        notes: What a person should know before agreeing.
        source_files: The files that it is about.
        hold: The files are kept out afterwards.
        recreate_views: Views that use a column whose type changes are dropped and made again.
    """

    table: TableName
    imports: tuple[RevertedImport, ...] = ()
    steps: tuple[SchemaStep, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    source_files: tuple[str, ...] = ()
    hold: bool = False
    recreate_views: bool = False

    @property
    def rows(self) -> int:
        """How many rows go."""
        return sum(taken.rows for taken in self.imports)

    @property
    def nothing(self) -> bool:
        """There is nothing to do."""
        return not self.imports and not self.steps


def recompute(
    current: TableSchema, provenance: Provenance, touched: Sequence[TableSchema], remaining: Sequence[TableSchema]
) -> tuple[tuple[SchemaStep, ...], tuple[str, ...]]:
    """Return what must change in a table that files had touched, and what a person should know.

    Args:
        current: The table as it is.
        provenance: What of it is pgdatahub's own.
        touched: What the imports that are undone showed of its columns.
        remaining: What the imports that remain loaded showed.
    """
    if not remaining and provenance.created:
        return (DropTable(),), ()
    names = {column.name for schema in touched for column in schema.columns}
    if not remaining:
        names |= provenance.columns.intersection(RESERVED_COLUMNS)
    steps: list[SchemaStep] = []
    notes: list[str] = []
    # In the order of the table, then those that are gone: what was observed has no order of its own.
    for name in (*filter(names.__contains__, current.by_name), *sorted(names - current.by_name.keys())):
        column = current.by_name.get(name)
        if column is None:
            notes.append(f"{name} is not there any more: it was dropped, or renamed, by hand or by an undo")
            continue
        ours = name in provenance.columns
        needed = [schema.by_name[name].type for schema in remaining if name in schema.by_name]
        if ours and not needed:
            steps.append(DropColumn(name=name, type=column.type.sql))
        elif not isinstance(column.type, SqlType):
            if ours:
                notes.append(f"{name} was made {column.type.label} by hand and stays so")
        else:
            floor = SqlType.UNDECIDED if ours else _floor(column, provenance)
            steps += _restore(column.name, column.type, floor, [one for one in needed if isinstance(one, SqlType)])
    return tuple(steps), tuple(notes)


def _floor(column: ColumnSchema, provenance: Provenance) -> SqlType:
    """Return the type that somebody else's column had when pgdatahub first met it."""
    first = provenance.first_types.get(column.name)
    known = next((one for one in SqlType if one.value == first), None)
    # One that was never altered has it still.
    return known or (column.type if isinstance(column.type, SqlType) else SqlType.TEXT)


def _restore(name: str, current: SqlType, floor: SqlType, needed: Iterable[SqlType]) -> list[SchemaStep]:
    new = join(floor, join_all(needed))
    if new.sql == current.sql:
        return []
    or_else = None
    if floor is SqlType.BIGINT:
        # Whether values of somebody else's bigint stay within 2^53 is for the values to say.
        wide = join(SqlType.BIGINT_WIDE, join_all(needed))
        or_else = wide if wide is not new else None
    return [RestoreType(name=name, old=current, new=new, or_else=or_else)]
