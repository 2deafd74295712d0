"""Phrases for schema changes in the history, without their table and column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pgdatahub.model.imports import ChangeRow, ChangeType
from pgdatahub.values.counting import count
from pgdatahub.values.sql_types import SqlType


def described_changes(changes: Iterable[ChangeRow]) -> Iterator[tuple[ChangeRow, str]]:
    """Yield changes with their phrases; a new table and its first columns are one change."""
    every = tuple(changes)
    first_columns = Counter(
        (change.table, change.changed_at)
        for change in every
        if change.change_type == ChangeType.CREATE_TABLE and change.column
    )
    for change in every:
        if change.change_type != ChangeType.CREATE_TABLE or change.column is None:
            yield change, _phrase(change, first_columns[change.table, change.changed_at])


def _phrase(change: ChangeRow, columns: int) -> str:
    old, new = type_label(change.old_type), type_label(change.new_type)
    return {
        ChangeType.CREATE_TABLE.value: f"new table, {count(columns, 'column')}",
        ChangeType.ADD_COLUMN.value: f"new column, {new}",
        ChangeType.ALTER_TYPE.value: f"{old} → {new}",
        ChangeType.DROP_TABLE.value: "dropped by an undo",
        ChangeType.DROP_COLUMN.value: "dropped by an undo",
        ChangeType.RESTORE_TYPE.value: f"{old} → {new} by an undo",
    }.get(change.change_type, change.change_type)


def type_label(sql: str | None) -> str:
    """Return a type as runs and plans call it: ``TIMESTAMP`` for ``timestamp without time zone``."""
    return next((known.label for known in SqlType if known.value == sql), (sql or "").upper())
