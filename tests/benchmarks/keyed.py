"""Rows into a keyed table, and their undo, beside a staging table with ``INSERT … ON CONFLICT``: CPU of the server process.

usage: python -m tests.benchmarks.keyed URL [--base 5000000] [--rows 1000000] [--pairs 3] [--in-key-order]

Half of the rows replace random keys and half are new. Both ways stage the same rows in a temporary table before. The server
must be on this machine. A checkpoint comes before each measurement, and the two ways take turns.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import Database, connect
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.arrival import Arrival, RowCounts
from pgdatahub.postgres.keyed.fragments import STAGING, identifier
from pgdatahub.postgres.keyed.merge import merge
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.setup import begin_rule
from pgdatahub.postgres.keyed.staging import analyze, begin_staging, has_odd_keys, set_memory
from pgdatahub.postgres.keyed.undo import remove_imports
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.values.rank_key import rank_key

SCHEMA = "keyed_benchmark"
COLUMNS = ("k", *(f"c{number}" for number in range(9)))
RULE = KeyRule(mode="merge", key=("k",))
_ROW = (
    "i, i * 7 %% 1000, md5(i::text), i * 0.5, now()::date, 'city ' || i %% 500, i %% 2 = 0, i + 5, 'note ' || i, i %% 9"
)
_BASE = datetime(2026, 1, 1)  # noqa: DTZ001 - the history's times are UTC, without a zone
_ROW_BYTES = 100


def _seconds(connection: Connection, action: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU time of the server process, and the time that passed."""
    stat = Path(f"/proc/{connection.info.backend_pid}/stat")

    def used() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, began = used(), time.monotonic()
    action()
    return used() - before, time.monotonic() - began


class Benchmark:
    """The base table, and the two ways.

    Args:
        database: The database; the schema ``keyed_benchmark`` is made again.
        base: The rows in the table before.
        rows: The rows to load.
        in_key_order: The staged rows are in the order of their keys.
    """

    def __init__(self, database: Database, base: int, rows: int, *, in_key_order: bool) -> None:
        self.database, self.base, self.rows = database, base, rows
        self.order = "i" if in_key_order else "md5(i::text)"
        self.history = History(SCHEMA)

    def prepare(self, *, keyed: bool) -> tuple[TableName, TableRule | None]:
        table = TableName(schema=SCHEMA, name="t")
        with transaction(self.database.engine) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
            self.history.ensure(connection)
            connection.execute(
                sql.SQL(
                    "CREATE TABLE {} (k bigint, c0 bigint, c1 text, c2 numeric, c3 date, c4 text, c5 boolean, c6 bigint, c7 text,"
                    " c8 int, source_file text, load_timestamp timestamp)"
                ).format(identifier(table))
            )
            query = sql.SQL("INSERT INTO {} SELECT {}, '/data/a.xlsx', %s FROM generate_series(1, %s::bigint) i")
            connection.execute(query.format(identifier(table), sql.SQL(_ROW)), (_BASE, self.base))
            rule = None
            if keyed:
                self._record(connection, table, "a.xlsx", _BASE, self.base)
                rule = begin_rule(connection, SCHEMA, table, RULE, COLUMNS, own_index=None)
            else:
                connection.execute(sql.SQL("CREATE UNIQUE INDEX ON {} (k)").format(identifier(table)))
        with transaction(self.database.engine) as connection:
            connection.execute(sql.SQL("ANALYZE {}").format(identifier(table)))
        return table, rule

    def _record(self, connection: Connection, table: TableName, identity: str, moment: datetime, rows: int) -> None:
        sha256 = hashlib.sha256(identity.encode()).hexdigest()
        connection.execute(
            sql.SQL("""
                INSERT INTO {} (table_schema, table_name, source_file, identity, file_sha256, content_sha256, settings, sheets,
                                run_id, bytes, seconds, counts, status, observed, row_count, imported_at, rank_key)
                VALUES (%s, %s, %s, %s, %s, %s, '', '[]', '', 0, 0, '{{}}', 'loaded', '{{}}', %s, %s, %s)
            """).format(self.history.imports),
            (table.schema, table.name, f"/data/{identity}", identity, sha256, sha256, rows, moment, rank_key(identity)),
        )

    def stage(self, connection: Connection, table: TableName) -> None:
        rule = TableRule(table=table, rule=RULE, companion=table, key_index=None, index_is_ours=True, columns=COLUMNS)
        begin_staging(connection, rule, COLUMNS)
        set_memory(connection, self.rows * _ROW_BYTES)
        # Each second of the keys replaces one of the base; all replaced keys are spread over it.
        query = sql.SQL("""
            INSERT INTO {} ({}) SELECT {} FROM (
                SELECT CASE WHEN n %% 2 = 0 THEN 1 + (n / 2) * (%s / greatest(%s / 2, 1)) ELSE %s + n END AS i
                  FROM generate_series(0, %s::bigint - 1) n) rows ORDER BY {}
        """).format(
            identifier(STAGING), sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), sql.SQL(_ROW), sql.SQL(self.order)
        )
        connection.execute(query, (self.base, self.rows, self.base, self.rows))
        connection.execute(sql.SQL("UPDATE {} SET c8 = c8 + 1").format(identifier(STAGING)))

    def plain(self) -> tuple[float, float]:
        table, _ = self.prepare(keyed=False)
        sets = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in (*COLUMNS[1:], "source_file", "load_timestamp")
        )
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        query = sql.SQL(
            "INSERT INTO {} ({}, source_file, load_timestamp) SELECT {}, '/data/b.xlsx', now() FROM {}"
            " ON CONFLICT (k) DO UPDATE SET {}"
        ).format(identifier(table), names, names, identifier(STAGING), sets)
        with transaction(self.database.engine) as connection:
            self.stage(connection, table)
            return _seconds(connection, lambda: connection.execute(query))

    def keyed(self) -> tuple[tuple[float, float], tuple[float, float]]:
        table, rule = self.prepare(keyed=True)
        assert rule is not None
        moment = _BASE + timedelta(days=1)
        arrival = Arrival(
            source_file="/data/b.xlsx",
            imported_at=moment,
            rank_key=rank_key("b.xlsx"),
            modified_at=None,
            rows=self.rows,
        )
        with transaction(self.database.engine) as connection:
            self.stage(connection, table)

            def load() -> RowCounts:
                analyze(connection, RULE.key)
                assert not has_odd_keys(connection, RULE.key, ())
                return merge(connection, self.history.imports, rule, arrival)

            loaded = _seconds(connection, load)
            self._record(connection, table, "b.xlsx", moment, self.rows)
        with transaction(self.database.engine) as connection:
            (past,) = [one for one in self.history.select_imports(connection) if one.identity == "b.xlsx"]
            undone = _seconds(connection, lambda: self._undo(connection, rule, past, moment))
            assert connection.scalar(sql.SQL("SELECT count(*) FROM {}").format(identifier(table))) == self.base
        return loaded, undone

    def _undo(self, connection: Connection, rule: TableRule, past: ImportRow, moment: datetime) -> None:
        self.history.mark(connection, [past.id], Status.REVERTED, moment)
        remove_imports(connection, self.history.imports, SCHEMA, rule, [past])


def main() -> None:
    """Run the benchmark and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--base", type=int, default=5_000_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--in-key-order", action="store_true")
    given = parser.parse_args()
    database = connect(given.url, keep_connection=True)
    benchmark = Benchmark(database, given.base, given.rows, in_key_order=given.in_key_order)
    plain, keyed, undo = [], [], []
    for _ in range(given.pairs):
        plain.append(benchmark.plain()[0])
        loaded, undone = benchmark.keyed()
        keyed.append(loaded[0])
        undo.append(undone[0])
    database.close()
    figures = {name: statistics.median(times) for name, times in (("plain", plain), ("keyed", keyed), ("undo", undo))}
    print(
        f"CPU seconds of the server process, medians of {given.pairs} pairs, {given.rows:,} rows into {given.base:,}:"
    )
    for name, seconds in figures.items():
        print(f"  {name:<6} {seconds:6.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  memory of the program at its peak {peak:.0f} MB")
    print(
        f"  keyed / plain {figures['keyed'] / figures['plain']:.2f}, undo / load {figures['undo'] / figures['keyed']:.2f}"
    )


if __name__ == "__main__":
    main()
