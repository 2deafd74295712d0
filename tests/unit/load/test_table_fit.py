"""Notices about files whose columns do not fit their table."""

from __future__ import annotations

import pytest

from pgdatahub.load.table_fit import describe_fit
from pgdatahub.model.schema import ColumnSchema, TableName, TableSchema
from pgdatahub.values.sql_types import SqlType


def schema(*names: str) -> TableSchema:
    columns = tuple(ColumnSchema(name=name, type=SqlType.TEXT) for name in names)
    return TableSchema(table=TableName(schema="public", name="t"), columns=columns)


@pytest.mark.parametrize(
    ("in_file", "in_table", "words"),
    [
        (("ort",), ("id", "name", "source_file"), ("shares no column", "ort", "id, name")),
        (("id",), ("id", "price"), ("lacks the column price",)),
        (("id", "unit_price"), ("id", "price"), ("lacks the column price", "renamed price to unit_price")),
        (("id", "pryce"), ("id", "price", "qty"), ("lacks 2 columns price, qty", "renamed price to pryce")),
    ],
)
def test_misfit_columns_are_named(in_file: tuple[str, ...], in_table: tuple[str, ...], words: tuple[str, ...]) -> None:
    (notice,) = describe_fit(schema(*in_file), schema(*in_table))
    assert all(word in notice for word in words)


def test_column_that_an_earlier_file_lacks_is_optional() -> None:
    table = schema("id", "price", "note")
    assert describe_fit(schema("id", "price"), table, lambda: [{"id", "price", "note"}, {"id", "price"}]) == ()
    (notice,) = describe_fit(schema("id"), table, lambda: [{"id", "price", "note"}, {"id", "price"}])
    assert "lacks the column price of" in notice
    (notice,) = describe_fit(schema("id", "price", "notes"), table, lambda: [{"id", "price"}])
    assert "renamed note to notes" in notice


def test_file_with_all_columns_gives_no_notice() -> None:
    assert describe_fit(schema("id", "new"), schema("id", "source_file", "load_timestamp")) == ()
