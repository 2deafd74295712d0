"""Undo recomputes: what becomes of a column is a function of what remains, not of what happened."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pgdatahub.model.imports import Provenance
from pgdatahub.model.schema import (
    ColumnSchema,
    ColumnType,
    DropColumn,
    DropTable,
    OpaqueType,
    RestoreType,
    SchemaStep,
    TableName,
    TableSchema,
)
from pgdatahub.undo.plan import recompute
from pgdatahub.values.evidence import NOTHING
from pgdatahub.values.sql_types import SqlType

TABLE = TableName(schema="public", name="t")


def schema(types: Mapping[str, ColumnType]) -> TableSchema:
    columns = tuple(ColumnSchema(name=name, type=kind, observed=NOTHING) for name, kind in types.items())
    return TableSchema(table=TABLE, columns=columns)


def ours(*columns: str, created: bool = True) -> Provenance:
    return Provenance(created=created, columns=frozenset(columns), first_types={})


def steps(
    current: Mapping[str, ColumnType],
    provenance: Provenance,
    touched: Mapping[str, ColumnType],
    *remaining: Mapping[str, ColumnType],
) -> tuple[SchemaStep, ...]:
    return recompute(schema(current), provenance, [schema(touched)], [schema(one) for one in remaining])[0]


@pytest.mark.parametrize(
    ("remaining", "new"),
    [
        ([{"a": SqlType.INTEGER}], SqlType.INTEGER),
        ([{"a": SqlType.INTEGER}, {"a": SqlType.DOUBLE}], SqlType.DOUBLE),
        ([{"a": SqlType.BIGINT_WIDE}, {"a": SqlType.DOUBLE}], SqlType.NUMERIC),
        ([{"a": SqlType.DATE}, {"b": SqlType.TEXT}], SqlType.DATE),
    ],
)
def test_a_column_of_ours_becomes_the_join_of_what_remains(
    remaining: list[dict[str, ColumnType]], new: SqlType
) -> None:
    found = steps({"a": SqlType.TEXT}, ours("a"), {"a": SqlType.TEXT}, *remaining)
    assert found == (RestoreType(name="a", old=SqlType.TEXT, new=new),)


def test_column_without_remaining_values_stays_text() -> None:
    nothing = {"a": SqlType.UNDECIDED}
    assert steps({"a": SqlType.TEXT}, ours("a"), {"a": SqlType.TEXT}, nothing) == ()
    (step,) = steps({"a": SqlType.DATE}, ours("a"), {"a": SqlType.DATE}, nothing)
    assert step == RestoreType(name="a", old=SqlType.DATE, new=SqlType.UNDECIDED)


def test_only_columns_that_the_file_touched_are_looked_at() -> None:
    current = {"a": SqlType.TEXT, "b": SqlType.TEXT}
    assert steps(current, ours("a", "b"), {"a": SqlType.TEXT}, {"a": SqlType.TEXT, "b": SqlType.INTEGER}) == ()


def test_only_unneeded_columns_of_pgdatahub_are_dropped() -> None:
    current = {"a": SqlType.TEXT, "b": SqlType.INTEGER}
    found = steps(current, ours("a", created=False), {"a": SqlType.TEXT, "b": SqlType.INTEGER}, {"c": SqlType.TEXT})
    assert found == (DropColumn(name="a", type="text"),)


def test_the_table_goes_with_the_last_import_if_it_is_ours() -> None:
    assert steps({"a": SqlType.TEXT}, ours("a"), {"a": SqlType.TEXT}) == (DropTable(),)


def test_own_table_without_imports_loses_lineage_columns() -> None:
    current = {"a": SqlType.TEXT, "source_file": SqlType.TEXT, "load_timestamp": SqlType.TIMESTAMP}
    made = Provenance(created=False, columns=frozenset({"source_file", "load_timestamp"}), first_types={"a": "integer"})
    assert steps(current, made, {"a": SqlType.TEXT}) == (
        RestoreType(name="a", old=SqlType.TEXT, new=SqlType.INTEGER),
        DropColumn(name="source_file", type="text"),
        DropColumn(name="load_timestamp", type="timestamp without time zone"),
    )


def test_own_bigint_offers_numeric_if_values_need_it() -> None:
    made = Provenance(created=False, columns=frozenset(), first_types={"a": "bigint"})
    (step,) = steps({"a": SqlType.TEXT}, made, {"a": SqlType.TEXT}, {"a": SqlType.DOUBLE})
    assert step == RestoreType(name="a", old=SqlType.TEXT, new=SqlType.DOUBLE, or_else=SqlType.NUMERIC)


def test_foreign_types_stay_and_missing_columns_are_noted() -> None:
    found, notes = recompute(
        schema({"a": OpaqueType("varchar(5)")}),
        ours("a", "gone"),
        [schema({"a": SqlType.TEXT, "gone": SqlType.TEXT})],
        [schema({"a": SqlType.INTEGER})],
    )
    assert found == ()
    assert notes == (
        "a is VARCHAR(5), by hand or by the settings, and stays so",
        "gone is not there any more: it was dropped, or renamed, by hand or by an undo",
    )
