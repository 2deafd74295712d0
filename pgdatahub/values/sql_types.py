"""SQL types of columns, and their join: the narrowest type that holds the values of two types.

The order, from narrow to wide; the join of two types without a path below is TEXT::

    UNDECIDED < INTEGER < BIGINT (|v| ≤ 2^53) < DOUBLE ──────────┐
                          BIGINT < BIGINT_WIDE ──────────────────┼─< NUMERIC < TEXT
    UNDECIDED < REAL < DOUBLE
    UNDECIDED < DATE < TIMESTAMP < TEXT
    UNDECIDED < BOOLEAN, TIME, INTERVAL < TEXT

The join is the least upper bound, so it is commutative, associative and idempotent; UNDECIDED is neutral and TEXT
absorbs. Therefore the type of a column does not depend on the order of files.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache, reduce

SAFE_INTEGER = 2**53
"""A double holds every integer up to this size exactly (IEEE 754 binary64 has a 53-bit significand)."""


class SqlType(Enum):
    """A column type. BIGINT and BIGINT_WIDE are both stored as PostgreSQL's ``bigint``."""

    UNDECIDED = "undecided"
    """No value yet; stored as TEXT."""
    INTEGER = "integer"
    BIGINT = "bigint"
    """Integers of at most 2^53 in size, which doubles hold exactly."""
    BIGINT_WIDE = "bigint (beyond 2^53)"
    """Integers beyond 2^53, of which doubles would lose digits."""
    REAL = "real"
    DOUBLE = "double precision"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp without time zone"
    TIME = "time without time zone"
    INTERVAL = "interval"
    TEXT = "text"

    # Enum's own hash runs in Python, and a small file needs some hundred.
    __hash__ = object.__hash__

    @property
    def sql(self) -> str:
        """The type's name in DDL, as ``format_type`` of PostgreSQL prints it."""
        return _STORED_AS.get(self, self).value

    @property
    def label(self) -> str:
        """The type's name for people: short, upper case."""
        return _LABELS.get(self, self.sql.upper())


_STORED_AS = {SqlType.UNDECIDED: SqlType.TEXT, SqlType.BIGINT_WIDE: SqlType.BIGINT}
_LABELS = {
    SqlType.UNDECIDED: "TEXT (no values yet)",
    SqlType.TIMESTAMP: "TIMESTAMP",
    SqlType.TIME: "TIME",
}

_COVERS: dict[SqlType, tuple[SqlType, ...]] = {
    SqlType.UNDECIDED: (
        SqlType.INTEGER,
        SqlType.REAL,
        SqlType.BOOLEAN,
        SqlType.DATE,
        SqlType.TIME,
        SqlType.INTERVAL,
    ),
    SqlType.INTEGER: (SqlType.BIGINT,),
    SqlType.BIGINT: (SqlType.BIGINT_WIDE, SqlType.DOUBLE),
    SqlType.BIGINT_WIDE: (SqlType.NUMERIC,),
    SqlType.REAL: (SqlType.DOUBLE,),
    SqlType.DOUBLE: (SqlType.NUMERIC,),
    SqlType.NUMERIC: (SqlType.TEXT,),
    SqlType.BOOLEAN: (SqlType.TEXT,),
    SqlType.DATE: (SqlType.TIMESTAMP,),
    SqlType.TIMESTAMP: (SqlType.TEXT,),
    SqlType.TIME: (SqlType.TEXT,),
    SqlType.INTERVAL: (SqlType.TEXT,),
    SqlType.TEXT: (),
}
"""Edges of the order: each type with the types directly above it."""


def _above(sql_type: SqlType) -> frozenset[SqlType]:
    return reduce(frozenset.union, (_above(cover) for cover in _COVERS[sql_type]), frozenset({sql_type}))


_ABOVE = {sql_type: _above(sql_type) for sql_type in SqlType}


def widens_to(narrow: SqlType, wide: SqlType) -> bool:
    """Return whether ``wide`` holds every value of ``narrow`` (reflexive)."""
    return wide in _ABOVE[narrow]


@cache  # 169 pairs; a file needs some thousand joins, at 11 µs each
def join(left: SqlType, right: SqlType) -> SqlType:
    """Return the narrowest type that holds the values of both."""
    common = _ABOVE[left] & _ABOVE[right]
    # The least common upper bound has the most types above it.
    return max(common, key=lambda candidate: len(_ABOVE[candidate]))


def join_all(types: Iterable[SqlType]) -> SqlType:
    """Return the join of all ``types``; UNDECIDED for none."""
    return reduce(join, types, SqlType.UNDECIDED)


def integer_type(largest: int) -> SqlType:
    """Return the narrowest type for integers of at most ``largest`` in absolute value.

    The bounds are symmetric: -2^31 alone would fit an ``integer``, but then the type would depend on a sign.
    """
    if largest < 2**31:
        return SqlType.INTEGER
    if largest <= SAFE_INTEGER:
        return SqlType.BIGINT
    if largest < 2**63:
        return SqlType.BIGINT_WIDE
    return SqlType.NUMERIC
