"""Provenance of tables after creations, undos, and loads into foreign tables."""

from __future__ import annotations

from datetime import datetime, timezone

from pgdatahub.model.imports import ChangeRow, Provenance
from pgdatahub.model.schema import TableName

TABLE = TableName(schema="public", name="t")


def change(kind: str, column: str | None = None, old: str | None = None, new: str | None = None) -> ChangeRow:
    return ChangeRow(
        id=1,
        table=TABLE,
        change_type=kind,
        column=column,
        old_type=old,
        new_type=new,
        source_file="f",
        changed_at=datetime.now(timezone.utc),
        import_id=1,
        cell=None,
        sample=None,
    )


def test_a_created_table_and_its_columns_are_ours() -> None:
    made = Provenance.of([change("create_table"), change("create_table", "a"), change("add_column", "b")])
    assert made == Provenance(created=True, columns=frozenset({"a", "b"}), first_types={})


def test_a_column_added_to_a_foreign_table_has_own_provenance() -> None:
    made = Provenance.of([change("add_column", "b"), change("alter_type", "a", "integer", "text")])
    assert made == Provenance(created=False, columns=frozenset({"b"}), first_types={"a": "integer"})


def test_the_first_type_is_the_oldest_even_after_an_undo() -> None:
    made = Provenance.of(
        [
            change("alter_type", "a", "integer", "double precision"),
            change("restore_type", "a", "double precision", "integer"),
            change("alter_type", "a", "integer", "text"),
        ]
    )
    assert made.first_types == {"a": "integer"}


def test_a_dropped_column_is_ours_no_more() -> None:
    made = Provenance.of([change("create_table"), change("create_table", "a"), change("drop_column", "a")])
    assert made.columns == frozenset()


def test_a_dropped_table_leaves_nothing_that_is_ours() -> None:
    story = [change("create_table"), change("create_table", "a"), change("drop_table")]
    assert Provenance.of(story) == Provenance(created=False, columns=frozenset(), first_types={})
    # A user creates a table of the same name, and a file widens it.
    later = [*story, change("alter_type", "a", "smallint", "text")]
    assert Provenance.of(later) == Provenance(created=False, columns=frozenset(), first_types={"a": "smallint"})
