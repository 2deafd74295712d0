"""Figures of columns counted in the table itself: one query a table, within a limit of time.

The query reads the table once for counts, distinct values and extremes, and once more for the histograms, whose parts
follow from the extremes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import psycopg
from psycopg import sql

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection

PARTS: Final = 20
"""The most parts of a histogram."""
LONGEST: Final = 200
"""The most characters of a text."""
SECONDS: Final = 60
"""The limit of time for a table."""


class Family(Enum):
    """Types whose values are counted alike."""

    WHOLE = "whole numbers"
    NUMBER = "numbers"
    DATE = "dates"
    MOMENT = "moments"
    TIME = "times"
    BOOLEAN = "booleans"
    TEXT = "texts"
    OTHER = "others"

    @property
    def is_shown(self) -> bool:
        """Return whether a report shows values of the type without being asked to."""
        return self not in (Family.TEXT, Family.OTHER)


_FAMILIES: Final = {
    **dict.fromkeys(("smallint", "integer", "bigint"), Family.WHOLE),
    **dict.fromkeys(("real", "double precision", "numeric"), Family.NUMBER),
    "date": Family.DATE,
    **dict.fromkeys(("timestamp without time zone", "timestamp with time zone"), Family.MOMENT),
    **dict.fromkeys(("time without time zone", "interval"), Family.TIME),
    "boolean": Family.BOOLEAN,
    **dict.fromkeys(("text", "character varying", "character"), Family.TEXT),
}


def family_of(type_name: str) -> Family:
    """Return the family of a type as ``format_type`` prints it: ``numeric(12,2)``, ``timestamp(3) without time zone``."""
    before, bracket, behind = type_name.partition("(")
    return _FAMILIES.get((before + behind.partition(")")[2]) if bracket else type_name, Family.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedColumn:
    """A column to count: whether its values may leave the server."""

    name: str
    family: Family
    shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBins:
    """A histogram: its lowest edge, the width of its parts and their counts, with moments as seconds since 1970."""

    low: float
    step: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCount:
    """Counted figures of one column.

    Attributes:
        values: The number of values that are not NULL.
        distinct: The number of distinct values; None for types that are not compared.
        low: The least value as text; None if it may not be shown.
        high: The greatest one.
        shortest: The length of the shortest text, in characters.
        longest: That of the longest one.
        true: The number of true values of a boolean.
        bins: The histogram.
    """

    values: int
    distinct: int | None = None
    low: str | None = None
    high: str | None = None
    shortest: int | None = None
    longest: int | None = None
    true: int | None = None
    bins: CountedBins | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCount:
    """Counted figures of a table: its rows, and column → figures."""

    rows: int
    columns: Mapping[str, ColumnCount]


# Finite values only, of a size that arithmetic on doubles cannot take beyond their range.
_POSITIONS: Final = {
    Family.WHOLE: ("{0}::float8", 1),
    Family.NUMBER: ("CASE WHEN {0} = 0 THEN 0 WHEN abs({0}) BETWEEN 1e-150 AND 1e150 THEN {0}::float8 END", 0),
    Family.DATE: ("CASE WHEN isfinite({0}) THEN date_part('epoch', {0}) END", 86_400),
    Family.MOMENT: ("CASE WHEN isfinite({0}) THEN date_part('epoch', {0}) END", 0),
}
"""Family → the position of a value on the axis of its histogram, and the distance of neighbours; 0 for none."""


def scan(
    connection: Connection, table: TableName, columns: Sequence[ScannedColumn], *, seconds: int = SECONDS
) -> TableCount | str:
    """Count the values of columns; return the reason if the server could not do so within the limit of time.

    The caller's transaction goes on in both cases.

    Raises:
        psycopg.Error: The connection was lost.
    """
    driver = connection.driver
    try:
        # The rollback to the savepoint ends the settings, and the lock that a schema change would wait for.
        with driver.transaction(force_rollback=True):
            driver.execute(f"SET LOCAL statement_timeout = '{seconds}s'; SET LOCAL jit = off".encode())
            row = driver.execute(_query(table, columns)).fetchone()
    except psycopg.errors.QueryCanceled:
        return f"not counted: it takes longer than {seconds} s"
    except psycopg.Error as error:
        if driver.closed:
            raise
        # A message of the server may contain a value.
        return f"not counted: the server refused the query (SQLSTATE {error.sqlstate})"
    if row is None:
        return "not counted"
    rows, figures, bins, counts = row[0], row[1:-2], row[-2] or (), row[-1] or ()
    filled: dict[int, dict[int, int]] = {}
    for number, part, count in counts:
        filled.setdefault(number, {})[part] = count
    histograms = {
        number: CountedBins(low=low, step=step, counts=tuple(filled.get(number, {}).get(at, 0) for at in range(parts)))
        for number, low, step, parts in bins
    }
    return TableCount(
        rows=rows,
        columns={
            column.name: _count(column, texts, histograms.get(number))
            for number, (column, texts) in enumerate(zip(columns, figures, strict=True))
        },
    )


def _query(table: TableName, columns: Sequence[ScannedColumn]) -> sql.Composed:
    name = sql.Identifier(table.schema, table.name)
    placed = {
        number: sql.SQL(_POSITIONS[column.family][0]).format(sql.Identifier(column.name))
        for number, column in enumerate(columns)
        if column.shown and column.family in _POSITIONS
    }
    # One output for each column: a list holds 1,664 at most.
    figures = sql.SQL("").join(
        sql.SQL(", ARRAY[{}]::text[] AS {}").format(_figures(column), sql.Identifier(f"c{number}"))
        for number, column in enumerate(columns)
    )
    outputs = sql.SQL(", ").join([sql.SQL("rows"), *(sql.Identifier(f"c{number}") for number in range(len(columns)))])
    if not placed:
        return sql.SQL("SELECT {outputs}, NULL, NULL FROM (SELECT count(*) AS rows{figures} FROM {name}) f").format(
            outputs=outputs, figures=figures, name=name
        )
    extremes = sql.SQL(", ").join(
        sql.SQL("ARRAY[min({0}), max({0}), {1}, {2}]::float8[] AS {3}").format(
            place, _unit(columns[number]), number, sql.Identifier(f"e{number}")
        )
        for number, place in placed.items()
    )
    return sql.SQL("""
        WITH figures AS MATERIALIZED (SELECT count(*) AS rows{figures}, {extremes} FROM {name}),
        edges AS MATERIALIZED (
            SELECT e[4]::int AS number, e[1] - e[3] / 2 AS low, e[2] + e[3] / 2 AS high, e[3] AS unit
              FROM figures, LATERAL (VALUES {each}) v(e) WHERE e[1] IS NOT NULL),
        steps AS MATERIALIZED (
            SELECT number, low, high,
                   CASE WHEN unit > 0 THEN ceil((high - low) / unit / {parts}) * unit
                        WHEN high > low THEN (high - low) / {parts} ELSE 1 END AS step FROM edges),
        bins AS MATERIALIZED (
            SELECT number, low, step, greatest(least(ceil((high - low) / step)::int, {parts}), 1) AS parts FROM steps),
        counts AS (
            SELECT number, least(floor((place - low) / step)::int, parts - 1) AS part, count(*) AS n
              FROM (SELECT v.number, v.place FROM {name} t, LATERAL (VALUES {places}) v(number, place)
                     WHERE v.place IS NOT NULL) placed JOIN bins USING (number) GROUP BY 1, 2)
        SELECT {outputs}, (SELECT json_agg(json_build_array(number, low, step, parts)) FROM bins),
               (SELECT json_agg(json_build_array(number, part, n)) FROM counts) FROM figures
    """).format(
        figures=figures,
        extremes=extremes,
        name=name,
        each=sql.SQL(", ").join(sql.SQL("({})").format(sql.Identifier(f"e{number}")) for number in placed),
        parts=PARTS,
        places=sql.SQL(", ").join(sql.SQL("({}, {})").format(number, place) for number, place in placed.items()),
        outputs=outputs,
    )


def _unit(column: ScannedColumn) -> int:
    return _POSITIONS[column.family][1]


_ORDERED: Final = "count(DISTINCT {0})::text, min({0})::text, max({0})::text"
_LENGTHS: Final = 'count(DISTINCT {0} COLLATE "C")::text, min(length({0}))::text, max(length({0}))::text'
_SHOWN: Final = {
    **dict.fromkeys((Family.WHOLE, Family.NUMBER, Family.DATE, Family.MOMENT, Family.TIME), _ORDERED),
    Family.BOOLEAN: "count(DISTINCT {0})::text, count(*) FILTER (WHERE {0})::text",
    Family.TEXT: f"{_LENGTHS}, left(min({{0}})::text, {LONGEST}), left(max({{0}})::text, {LONGEST})",
}
_HIDDEN: Final = {**dict.fromkeys(_SHOWN, "count(DISTINCT {0})::text"), Family.TEXT: _LENGTHS}
"""Family → the figures beside the number of values. The server's collation sorts distinct texts several times slower."""


def _figures(column: ScannedColumn) -> sql.Composed:
    more = (_SHOWN if column.shown else _HIDDEN).get(column.family)
    template = f"count({{0}})::text, {more}" if more else "count({0})::text"
    return sql.SQL(template).format(sql.Identifier(column.name))


def _count(column: ScannedColumn, texts: Sequence[str | None], bins: CountedBins | None) -> ColumnCount:
    values = int(texts[0] or 0)
    distinct = int(texts[1] or 0) if len(texts) > 1 else None
    more = texts[2:]
    if column.family is Family.TEXT:
        shortest, longest = (None if text is None else int(text) for text in more[:2])
        low, high = (more[2], more[3]) if column.shown else (None, None)
        return ColumnCount(values=values, distinct=distinct, shortest=shortest, longest=longest, low=low, high=high)
    if column.family is Family.BOOLEAN:
        return ColumnCount(values=values, distinct=distinct, true=int(more[0] or 0) if more else None)
    low, high = (more[0], more[1]) if more else (None, None)
    return ColumnCount(values=values, distinct=distinct, low=low, high=high, bins=bins)
