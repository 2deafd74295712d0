"""The reason for a type names the cell that decides, and how many values agree with it."""

from __future__ import annotations

from pgdatahub.model.explain import describe_cause, describe_type
from pgdatahub.model.schema import AlterType, ColumnSchema
from pgdatahub.plugins.infer import observe
from pgdatahub.values.evidence import Observed
from pgdatahub.values.sql_types import SqlType


def observed(*values: object) -> Observed:
    return observe(list(values), lambda index: f"S!A{index + 2}")[1]  # type: ignore[arg-type] # plain values


def cause(*values: object, old: SqlType = SqlType.INTEGER) -> str | None:
    found = observed(*values)
    column = ColumnSchema(name="n", type=found.type, observed=found)
    return describe_cause(AlterType(name="n", old=old, new=found.type, cause=column))


def test_one_large_integer_decides_alone() -> None:
    assert cause(1, 3_000_000_000, 2) == 'S!A3 is "3000000000" (the largest of 3 integers)'


def test_values_of_one_kind_decide_together() -> None:
    assert cause(0.5, 1.5, 7) == 'S!A2 is "0.5" (2 of 3 values)'
    assert cause("a", "b") == 'S!A2 is "a" (2 of 2 values)'


def test_a_single_value_is_the_only_one() -> None:
    assert cause("a") == 'S!A2 is "a" (the only value)'


def test_a_new_column_of_one_kind_needs_no_reason() -> None:
    found = observed("a", "b")
    assert describe_type(ColumnSchema(name="n", type=found.type, observed=found)) is None


def test_a_new_column_names_the_integer_that_makes_it_wide() -> None:
    found = observed(1, 3_000_000_000, 2)
    column = ColumnSchema(name="n", type=found.type, observed=found)
    assert describe_type(column) == 'S!A3 is "3000000000" (the largest of 3 integers)'
