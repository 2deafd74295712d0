"""Differences between one table and the history, from counted rows and columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.imports import ImportRow, Provenance, Status
from pgdatahub.model.schema import SCHEMA_CHANGES, TableName, TableSchema
from pgdatahub.postgres.history.damaged_rows import damaged_import
from pgdatahub.postgres.history.drift import GoneColumn
from pgdatahub.postgres.proofs.import_groups import ImportFacts, ImportGroup
from pgdatahub.postgres.proofs.unknown_rows import RowGroup
from pgdatahub.runs.verification.result import Difference, DifferenceKind, Unproved
from pgdatahub.values.counting import count


@dataclass(slots=True, kw_only=True)
class Findings:
    """The findings about a table so far."""

    differences: list[Difference] = field(default_factory=list)
    unproved: list[Unproved] = field(default_factory=list)
    proofs: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    imports: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An import with all its rows, of which the values are to be compared.

    Attributes:
        group: Its rows.
        past: The import.
        facts: What the comparison needs.
        emptied: A column that was added again, without the values of the import.
    """

    group: ImportGroup
    past: ImportRow
    facts: ImportFacts
    emptied: str | None


def group_differences(group: ImportGroup, provenance: Provenance, history_schema: str) -> Iterator[Difference]:
    """Yield the differences that the number of an import's rows shows."""
    past = group.past
    if group.damage is not None:
        yield damaged_history(group.damage, rows=group.rows)
    elif past is not None:
        if past.status == Status.LOADED:
            yield from _wrong_number(group, past)
        else:
            yield _orphaned(group, past)
    elif group.source_file is not None and group.load_timestamp is not None:
        rows = RowGroup(source_file=group.source_file, load_timestamp=group.load_timestamp, rows=group.rows)
        yield unknown_import(rows, history_schema)
    elif provenance.created:
        yield Difference(
            kind=DifferenceKind.UNNAMED,
            text=f"{count(group.rows, 'row')} {named(group.rows)} no import: added by hand, or their columns were changed",
            hint="delete them, or move them to a table of their own",
            rows=group.rows,
        )


def _wrong_number(group: ImportGroup, past: ImportRow) -> Iterator[Difference]:
    loaded = past.row_count
    if group.rows < loaded:
        gone = loaded - group.rows
        yield _of(
            past,
            DifferenceKind.MISSING,
            f"{gone:,} of its {count(loaded, 'row')} {'is' if gone == 1 else 'are'} missing: deleted by hand, or changed to name "
            "another import",
            hint="run --reload FILE loads it again",
            rows=gone,
        )
    elif group.rows > loaded:
        more = group.rows - loaded
        yield _of(
            past,
            DifferenceKind.ADDED,
            f"it loaded {count(loaded, 'row')}, and {group.rows:,} name it: {more:,} {'was' if more == 1 else 'were'} added by hand",
            rows=more,
        )
    if group.rows != loaded and 0 < group.original < min(group.rows, loaded):
        # Without a row as written, the transaction numbers say nothing: see import_groups.
        changed = min(group.rows, loaded) - group.original
        yield changed_rows(
            past, f"{changed:,} of its rows {'was' if changed == 1 else 'were'} written after the load", rows=changed
        )


def _orphaned(group: ImportGroup, past: ImportRow) -> Difference:
    since = f" on {past.reverted_at:%Y-%m-%d %H:%M} UTC" if past.reverted_at else ""
    word = {Status.SUPERSEDED.value: "replaced"}.get(past.status, "reverted")
    return _of(
        past,
        DifferenceKind.ORPHANED,
        f"it was {word}{since}, and {count(group.rows, 'row')} {named(group.rows)} it",
        hint="delete them by their source_file and load_timestamp",
        rows=group.rows,
    )


def unknown_import(group: RowGroup, history_schema: str) -> Difference:
    """Return the difference of rows whose import is not in the history."""
    return Difference(
        kind=DifferenceKind.UNKNOWN,
        text=f"{count(group.rows, 'row')} {named(group.rows)} an import of {group.load_timestamp:%Y-%m-%d %H:%M:%S} UTC that the "
        f"history in schema {history_schema} does not know",
        hint="run --adopt rebuilds the history from the files; ETL_SCHEMA names the schema of the history",
        rows=group.rows,
        file=group.source_file,
        load_timestamp=group.load_timestamp,
    )


def damaged_history(error: HistoryDamagedError, *, rows: int | None = None) -> Difference:
    """Return the difference of an import whose row in the history a user changed."""
    return Difference(
        kind=DifferenceKind.HISTORY, text=error.message, hint=error.hint, rows=rows, import_id=error.import_id
    )


def other_hash(past: ImportRow) -> Difference:
    """Return the difference of an import whose rows are those of its file, and whose content hash in the history is another."""
    row = {"id": past.id, "identity": past.identity}
    return damaged_history(damaged_import(row, "content_sha256", "the rows and the file have another content hash"))


def without_twins(groups: Iterable[ImportGroup]) -> tuple[list[ImportGroup], list[Difference]]:
    """Return the groups without those of imports that name the rows of another import, and the difference of each of these.

    A loaded import comes before one that was reverted, since the rows are there.
    """
    kept: list[ImportGroup] = []
    pairs: dict[tuple[str, datetime], list[tuple[ImportGroup, ImportRow]]] = {}
    for group in groups:
        if group.past is None:
            kept.append(group)
        else:
            pairs.setdefault((group.past.source_file, group.past.imported_at), []).append((group, group.past))
    differences = []
    for same in pairs.values():
        (first, past), *others = sorted(same, key=lambda one: one[1].status != Status.LOADED)
        kept.append(first)
        differences += [
            _of(
                other,
                DifferenceKind.HISTORY,
                f"import {other.id} in etl_imports names the rows of import {past.id}: both have its source_file and imported_at",
                hint=f"delete the wrong one of the two rows of etl_imports, {past.id} or {other.id}",
                rows=None,
            )
            for _, other in others
        ]
    return kept, differences


def changed_rows(past: ImportRow, text: str, *, rows: int | None = None) -> Difference:
    """Return the difference of an import whose values are not those of its load."""
    return _of(
        past,
        DifferenceKind.CHANGED,
        text,
        hint=f"revert --import-id {past.id} --force, then run, loads it again",
        rows=rows,
    )


def values_gone(past: ImportRow, column: str) -> Difference:
    """Return the difference of an import whose values in a column went with the column, which is there again."""
    text = f"its values in the column {column} are gone: the column was dropped by hand, and added again"
    found = _of(past, DifferenceKind.COLUMN, text, hint="run --reload FILE brings them back", rows=past.row_count)
    return replace(found, column=column)


def column_gone(column: GoneColumn) -> Difference:
    """Return the difference of a column that is not there."""
    if column.renamed_to is not None:
        text = f"the column {column.name} was renamed to {column.renamed_to} by hand"
        hint = f"name it {column.name} again, or set rename: {column.renamed_to} for the header"
    else:
        imports = count(column.imports, "import")
        text = f"the column {column.name} was dropped by hand; {imports} had values in it"
        hint = "run --reload FILE brings back the values of a file"
    return Difference(kind=DifferenceKind.COLUMN, text=text, hint=hint, column=column.name)


def column_retyped(name: str, given: str, current: TableSchema) -> Difference:
    """Return the difference of a column that has another type than pgdatahub gave it."""
    return Difference(
        kind=DifferenceKind.COLUMN,
        text=f"the column {name} was changed to the type {current.by_name[name].type.sql} by hand; pgdatahub made it {given}",
        hint=f"ALTER TABLE {current.table} ALTER {name} TYPE {given}, with USING if the server asks for it",
        column=name,
    )


def misplaced_rows(number: int, companion: TableName) -> Iterator[Difference]:
    """Yield the difference of rows beside a keyed table that should be in the table."""
    if number:
        yield Difference(
            kind=DifferenceKind.CHANGED,
            text=f"{count(number, 'row')} of {companion} should be in the table: the table's row of their key was deleted or changed"
            " by hand",
            hint="pgdatahub rekey puts each key's greatest row into the table",
            rows=number,
        )


def changes_lost(table: TableName) -> Difference:
    """Return the difference of a table whose schema changes are not in the history any more."""
    return Difference(
        kind=DifferenceKind.HISTORY,
        text=f"{SCHEMA_CHANGES} has no row for the table {table}, which pgdatahub made: they were deleted by hand, and no undo"
        " restores its columns",
        hint="run --adopt makes them again, as far as the table shows them",
    )


def table_gone(imports: Iterable[ImportRow]) -> Iterator[Difference]:
    """Yield the difference of a table that is not there, if it has loaded imports."""
    loaded = list(imports)
    rows = sum(past.row_count for past in loaded)
    if loaded:
        yield Difference(
            kind=DifferenceKind.TABLE,
            text=f"the table was dropped by hand, and {count(rows, 'row')} with it",
            hint="run --reload FOLDER loads its files again; revert --force forgets them",
            rows=rows,
        )


def _of(past: ImportRow, kind: DifferenceKind, text: str, *, rows: int | None, hint: str | None = None) -> Difference:
    return Difference(
        kind=kind,
        text=text,
        hint=hint,
        rows=rows,
        import_id=past.id,
        file=past.identity,
        load_timestamp=past.imported_at,
    )


def named(number: int) -> str:
    """Return the verb for a number of rows that name something."""
    return "names" if number == 1 else "name"
