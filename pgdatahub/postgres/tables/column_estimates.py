"""Figures of columns that the server keeps for its planner: free, and as old as the last ANALYZE.

``pg_stats`` shows them to roles that may read the column. Its lists hold values of the table; a caller names the columns
for which it may have them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEstimate:
    """Estimates for one column.

    Attributes:
        nulls: The share of NULL, from 0 to 1.
        distinct: The number of distinct values.
        common: The most common values as text, each with its share of all rows; empty without the right to values.
        bounds: Values as text that divide the other values into equally many parts; empty likewise.
    """

    nulls: float
    distinct: int
    common: tuple[tuple[str, float], ...] = ()
    bounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEstimates:
    """Estimates for one table: the time of the last ANALYZE, UTC, if the server still knows it; and column → estimate."""

    analyzed_at: datetime | None
    columns: Mapping[str, ColumnEstimate]


_ANALYZED = """
    SELECT timezone('UTC', greatest(s.last_analyze, s.last_autoanalyze)) AS analyzed_at, greatest(c.reltuples, 0) AS rows
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s
"""
# With children, a table has statistics with and without their rows.
_STATISTICS = """
    SELECT DISTINCT ON (attname) attname::text AS name, null_frac AS nulls, n_distinct AS distinct,
           CASE WHEN attname = ANY (%(shown)s) THEN most_common_vals::text::text[] END AS common,
           most_common_freqs::float8[] AS shares,
           CASE WHEN attname = ANY (%(shown)s) THEN histogram_bounds::text::text[] END AS bounds
      FROM pg_stats WHERE schemaname = %(schema)s AND tablename = %(name)s ORDER BY attname, inherited DESC
"""


def column_estimates(connection: Connection, table: TableName, *, shown: Collection[str]) -> TableEstimates | None:
    """Return the estimates for a table; None if the server has none, or shows none to the role.

    Args:
        connection: A connection in any transaction.
        table: The table.
        shown: The columns whose values may leave the server.
    """
    values = {"schema": table.schema, "name": table.name, "shown": sorted(shown)}
    state = connection.execute(_ANALYZED, values).fetchone()
    rows = connection.execute(_STATISTICS, values).fetchall()
    if state is None or not rows:
        return None
    return TableEstimates(
        analyzed_at=state.analyzed_at,
        columns={
            row.name: ColumnEstimate(
                nulls=row.nulls,
                # Negative: a share of the rows.
                distinct=round(row.distinct if row.distinct >= 0 else -row.distinct * state.rows),
                common=tuple(zip(row.common or (), row.shares or (), strict=False)),
                bounds=tuple(row.bounds or ()),
            )
            for row in rows
        },
    )
