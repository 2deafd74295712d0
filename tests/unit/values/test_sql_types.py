from __future__ import annotations

import pytest

from pgdatahub.values.sql_types import SqlType, integer_type


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (0, SqlType.INTEGER),
        (2**31 - 1, SqlType.INTEGER),
        (2**31, SqlType.BIGINT),
        (2**53, SqlType.BIGINT),
        (2**53 + 1, SqlType.BIGINT_WIDE),
        (2**63 - 1, SqlType.BIGINT_WIDE),
        (2**63, SqlType.NUMERIC),
        (2**63 + 1, SqlType.NUMERIC),
        (10**30, SqlType.NUMERIC),
    ],
)
def test_integers_take_the_narrowest_type_at_each_bound(largest: int, expected: SqlType) -> None:
    assert integer_type(largest) is expected


@pytest.mark.parametrize(
    ("sql_type", "sql", "label"),
    [
        (SqlType.UNDECIDED, "text", "TEXT (no values yet)"),
        (SqlType.INTEGER, "integer", "INTEGER"),
        (SqlType.BIGINT, "bigint", "BIGINT"),
        (SqlType.BIGINT_WIDE, "bigint", "BIGINT"),
        (SqlType.REAL, "real", "REAL"),
        (SqlType.DOUBLE, "double precision", "DOUBLE PRECISION"),
        (SqlType.NUMERIC, "numeric", "NUMERIC"),
        (SqlType.BOOLEAN, "boolean", "BOOLEAN"),
        (SqlType.DATE, "date", "DATE"),
        (SqlType.TIMESTAMP, "timestamp without time zone", "TIMESTAMP"),
        (SqlType.TIME, "time without time zone", "TIME"),
        (SqlType.INTERVAL, "interval", "INTERVAL"),
        (SqlType.TEXT, "text", "TEXT"),
    ],
)
def test_a_type_has_its_name_in_ddl_and_for_people(sql_type: SqlType, sql: str, label: str) -> None:
    assert (sql_type.sql, sql_type.label) == (sql, label)
