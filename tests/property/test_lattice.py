"""The laws of the lattice, over all of its elements: there are few enough to try every case."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.values.sql_types import (
    SAFE_INTEGER,
    SqlType,
    integer_type,
    join,
    join_all,
    widens_to,
)

TYPES = tuple(SqlType)


def test_the_join_is_commutative_and_idempotent() -> None:
    for left, right in product(TYPES, TYPES):
        assert join(left, right) is join(right, left)
        assert join(left, left) is left


def test_the_join_is_associative() -> None:
    for one, two, three in product(TYPES, TYPES, TYPES):
        assert join(join(one, two), three) is join(one, join(two, three))


def test_undecided_is_neutral_and_text_absorbs() -> None:
    for sql_type in TYPES:
        assert join(SqlType.UNDECIDED, sql_type) is sql_type
        assert join(SqlType.TEXT, sql_type) is SqlType.TEXT


def test_the_join_is_the_least_upper_bound() -> None:
    for left, right in product(TYPES, TYPES):
        joined = join(left, right)
        assert widens_to(left, joined)
        assert widens_to(right, joined)
        for bound in TYPES:
            if widens_to(left, bound) and widens_to(right, bound):
                assert widens_to(joined, bound)


def test_widening_is_an_order() -> None:
    for one, two in product(TYPES, TYPES):
        assert widens_to(one, one)
        assert one is two or not (widens_to(one, two) and widens_to(two, one))
        for three in TYPES:
            if widens_to(one, two) and widens_to(two, three):
                assert widens_to(one, three)


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        (SqlType.INTEGER, SqlType.DOUBLE, SqlType.DOUBLE),
        (SqlType.BIGINT, SqlType.DOUBLE, SqlType.DOUBLE),
        (SqlType.BIGINT_WIDE, SqlType.DOUBLE, SqlType.NUMERIC),
        (SqlType.REAL, SqlType.INTEGER, SqlType.DOUBLE),
        (SqlType.REAL, SqlType.BIGINT_WIDE, SqlType.NUMERIC),
        (SqlType.DATE, SqlType.TIMESTAMP, SqlType.TIMESTAMP),
        (SqlType.DATE, SqlType.TIME, SqlType.TEXT),
        (SqlType.BOOLEAN, SqlType.INTEGER, SqlType.TEXT),
        (SqlType.INTERVAL, SqlType.TIME, SqlType.TEXT),
        (SqlType.NUMERIC, SqlType.DATE, SqlType.TEXT),
    ],
)
def test_joins_are_as_people_know_them(left: SqlType, right: SqlType, joined: SqlType) -> None:
    assert join(left, right) is joined


@given(st.lists(st.sampled_from(TYPES)).flatmap(lambda types: st.tuples(st.just(types), st.permutations(types))))
def test_the_order_of_types_does_not_matter(
    types: tuple[list[SqlType], list[SqlType]],
) -> None:
    assert join_all(types[0]) is join_all(types[1])


@given(st.integers(min_value=0, max_value=2**70), st.integers(min_value=0, max_value=2**70))
def test_a_larger_integer_never_has_a_narrower_type(one: int, two: int) -> None:
    assert widens_to(integer_type(min(one, two)), integer_type(max(one, two)))


def test_integer_bounds_are_those_of_the_server_and_doubles() -> None:
    assert integer_type(2**31 - 1) is SqlType.INTEGER
    assert integer_type(2**31) is SqlType.BIGINT
    assert SAFE_INTEGER == 9_007_199_254_740_992  # beyond it, a double cannot hold every integer
    assert integer_type(SAFE_INTEGER) is SqlType.BIGINT
    assert integer_type(SAFE_INTEGER + 1) is SqlType.BIGINT_WIDE
    assert integer_type(2**63 - 1) is SqlType.BIGINT_WIDE
    assert integer_type(2**63) is SqlType.NUMERIC
