"""The rows of a file in a temporary table of the table's types, and the checks of their keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.errors import LoadError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.keyed.fragments import STAGING, column, identifier, listed, null_key
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import cause_of

MAX_KEY_BYTES: Final = 2000
"""Of the texts of a key together; an entry of an index holds 2,704 bytes."""
_SUSPECT_BYTES: Final = 1_900
"""Of the texts of unlimited types, so that a key of them and of short values is found too."""
ROW: Final = "_row"
_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BadKey:
    """Rows of a file that cannot have their key.

    Attributes:
        rows: The numbers of the first such rows, from 1, in the order of the file.
        column: The column at fault, if it is a single one.
        count: The number of such rows, as far as it is known.
    """

    rows: tuple[int, ...]
    column: str | None
    count: int


def begin_staging(connection: Connection, rule: TableRule, columns: Sequence[str]) -> None:
    """Make the staging table empty, with these columns of the table.

    A section commits thousands of files in one transaction, and each temporary table holds three locks until COMMIT. So
    the table of the file before is used again if it has the same columns of the same table.
    """
    shape = connection.scalar(
        """
        SELECT c.oid::text || ' ' || string_agg(a.attname || ' ' || a.atttypid || ' ' || a.atttypmod || ' ' || a.attnotnull,
                                                ', ' ORDER BY a.attnum)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(columns)s)
         GROUP BY c.oid
        """,
        {"schema": rule.table.schema, "name": rule.table.name, "columns": list(columns)},
    )
    before = connection.scalar(
        """
        SELECT coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c
         WHERE c.relnamespace = pg_my_temp_schema() AND c.relname = %s
        """,
        (STAGING.name,),
    )
    name = identifier(STAGING)
    if before == shape:
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(name))
        return
    if before is not None:
        connection.execute(sql.SQL("DROP TABLE {}").format(name))
    others = _others(connection, rule.table, columns)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS{}) ON COMMIT DROP").format(
            sql.Identifier(STAGING.name),
            identifier(rule.table),
            # A file that is not the newest must not have rows that the table cannot take later.
            sql.SQL("" if rule.rule.is_merge else " INCLUDING INDEXES"),
        )
    )
    clauses = [sql.SQL("DROP COLUMN {}").format(sql.Identifier(one)) for one in others]
    clauses += _numbers(connection, rule.table, columns)
    clauses.append(sql.SQL("ADD COLUMN {} bigint GENERATED ALWAYS AS IDENTITY").format(sql.Identifier(ROW)))
    connection.execute(sql.SQL("ALTER TABLE {} {}").format(name, sql.SQL(", ").join(clauses)))
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, shape))


def staging_error(error: LoadError, uniques: Sequence[str]) -> LoadError:
    """Return the error of a row that the staging table refused, with the table's own names for what it breaks.

    Args:
        error: The error.
        uniques: The names of the table's unique indexes, which the staging table of a snapshot has under other names.
    """
    cause = cause_of(error)
    if cause is None or cause.diag.table_name != STAGING.name:
        return error
    if isinstance(cause, psycopg.errors.CheckViolation):
        message = f"the row breaks the check constraint {cause.diag.constraint_name} of the table"
    elif isinstance(cause, psycopg.errors.UniqueViolation | psycopg.errors.ExclusionViolation):
        named = f" ({', '.join(uniques)})" if uniques else ""
        message = (
            f"another row of the file has a value that the table's constraints and unique indexes{named} allow once"
        )
    else:
        return error
    return LoadError(message, where=error.where, hint=error.hint)


def _others(connection: Connection, table: TableName, columns: Sequence[str]) -> list[str]:
    query = """
        SELECT a.attname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attname <> ALL (%(columns)s)
    """
    values = {"schema": table.schema, "name": table.name, "columns": list(columns)}
    return [row.name for row in connection.execute(query, values)]


def _numbers(connection: Connection, table: TableName, columns: Sequence[str]) -> list[sql.Composed]:
    """Return the clauses by which the table numbers its identity columns in a file that lacks them and earlier files have."""
    query = """
        SELECT a.attname::text AS name, pg_get_serial_sequence(c.oid::regclass::text, a.attname::text) AS sequence
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(columns)s) AND a.attidentity <> ''
    """
    values = {"schema": table.schema, "name": table.name, "columns": list(columns)}
    clause = sql.SQL("ALTER COLUMN {} SET DEFAULT nextval({}::regclass)")
    return [clause.format(sql.Identifier(row.name), row.sequence) for row in connection.execute(query, values)]


def analyze(connection: Connection, key: Sequence[str]) -> None:
    """Let the server count the values of the keys: it never does so by itself for a temporary table."""
    # A sample of 7,500 rows tells as much about a key as one of 30,000, which takes a fiftieth of the whole load.
    set_target = "SELECT set_config('default_statistics_target', %s, true)"
    before: str = connection.scalar("SELECT current_setting('default_statistics_target')")
    connection.execute(set_target, ("25",))
    connection.execute(sql.SQL("ANALYZE {} ({})").format(identifier(STAGING), listed(key)))
    connection.execute(set_target, (before,))


def set_memory(connection: Connection, staged_bytes: int) -> None:
    """Give the joins of this transaction memory for the staged rows: with 4 MB a join of a million ran in 32 batches."""
    kilobytes = min(max(2 * staged_bytes // 1024, 4096), 256 * 1024)
    if kilobytes > 4096:
        connection.execute(
            """
            SELECT set_config('work_mem', %(wanted)s::text || 'kB', true)
             WHERE pg_size_bytes(current_setting('work_mem')) < %(wanted)s * 1024
            """,
            {"wanted": kilobytes},
        )


def has_bad_keys(connection: Connection, key: Sequence[str], unlimited: Collection[str]) -> bool:
    """Return whether a key is empty or too long, by one scan.

    Args:
        connection: A connection in the transaction of the staging table.
        key: The columns of the key.
        unlimited: Those among them whose values can be long.
    """
    conditions: list[sql.Composable] = [null_key(key, "s")]
    if unlimited:
        size = sql.SQL(" + ").join(sql.SQL("octet_length({}::text)").format(column(name, "s")) for name in unlimited)
        conditions.append(sql.SQL("{} > {}").format(size, _SUSPECT_BYTES))
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} s WHERE {})").format(
        identifier(STAGING), sql.SQL(" OR ").join(conditions)
    )
    found: bool = connection.scalar(query)
    return found


def empty_keys(connection: Connection, key: Sequence[str]) -> BadKey | None:
    """Return the first rows that lack a value of the key, all of them in one column."""
    where = null_key(key, "s")
    query = sql.SQL("SELECT count(*) AS often FROM {} s WHERE {}").format(identifier(STAGING), where)
    often = connection.scalar(query)
    if not often:
        return None
    # The first column at fault of the first row, so that its cell can be named.
    pick = sql.SQL("CASE {} END").format(
        sql.SQL(" ").join(sql.SQL("WHEN {} IS NULL THEN {}").format(column(name, "s"), name) for name in key)
    )
    found = connection.execute(
        sql.SQL("SELECT {row} AS row, {pick} AS name FROM {staging} s WHERE {where} ORDER BY 1 LIMIT {limit}").format(
            row=column(ROW, "s"), pick=pick, staging=identifier(STAGING), where=where, limit=_NAMED
        )
    ).fetchall()
    first = found[0].name
    return BadKey(rows=tuple(row.row for row in found if row.name == first), column=first, count=often)


def long_keys(connection: Connection, key: Sequence[str]) -> BadKey | None:
    """Return the first rows whose key is too long for an index."""
    size = sql.SQL(" + ").join(sql.SQL("octet_length({}::text)").format(column(name, "s")) for name in key)
    query = sql.SQL("SELECT {} AS row FROM {} s WHERE {} > {} ORDER BY 1").format(
        column(ROW, "s"), identifier(STAGING), size, MAX_KEY_BYTES
    )
    rows = [row.row for row in connection.execute(query)]
    return (
        BadKey(rows=tuple(rows[:_NAMED]), column=key[0] if len(key) == 1 else None, count=len(rows)) if rows else None
    )


def has_equal_keys(connection: Connection, key: Sequence[str]) -> bool:
    """Return whether two rows of the file have one key."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} GROUP BY {} HAVING count(*) > 1)")
    found: bool = connection.scalar(query.format(identifier(STAGING), listed(key)))
    return found


def has_odd_keys(connection: Connection, key: Sequence[str], unlimited: Collection[str]) -> bool:
    """Return whether a key is empty, too long, or there twice; see :func:`has_bad_keys`."""
    if len(key) == 1 and not unlimited:
        # One scan, and a sort, which takes half the time of a hash table, a third where the rows are in order; not of texts.
        query = sql.SQL("SELECT count(*) > count(DISTINCT {1}) FROM {0}")
        found: bool = connection.scalar(query.format(identifier(STAGING), listed(key)))
        return found
    return has_bad_keys(connection, key, unlimited) or has_equal_keys(connection, key)


def tied_rows(connection: Connection, rule: KeyRule) -> BadKey | None:
    """Return the rows of the first key whose best rows the order cannot tell apart."""
    return first_tie(connection, rule, identifier(STAGING))


def first_tie(
    connection: Connection, rule: KeyRule, rows: sql.Composable, values: Sequence[object] | None = None
) -> BadKey | None:
    """Return :func:`tied_rows` of a table or subquery with the columns of a staging table that the order needs.

    Args:
        connection: A connection in any transaction.
        rule: The key and the order.
        rows: The table or subquery.
        values: The parameters of the subquery.
    """
    query = sql.SQL("""
        SELECT (array_agg({row} ORDER BY {row}))[1:{limit}] AS rows, count(*) AS often
          FROM (SELECT *, rank() OVER (PARTITION BY {key} ORDER BY {order}) AS _place FROM {rows} given) s
         WHERE _place = 1 GROUP BY {key} HAVING count(*) > 1 ORDER BY min({row}) LIMIT 1
    """).format(row=sql.Identifier(ROW), key=listed(rule.key), order=_within_file(rule), rows=rows, limit=_NAMED)
    found = connection.execute(query, values).fetchone()
    if found is None:
        return None
    return BadKey(rows=tuple(found.rows), column=rule.key[0] if len(rule.key) == 1 else None, count=found.often)


def _within_file(rule: KeyRule) -> sql.Composable:
    if rule.column is None:
        return sql.SQL("true")
    return sql.SQL("{} DESC NULLS LAST").format(sql.Identifier(rule.column))


def beaten_rows(rule: KeyRule) -> sql.Composed:
    """Return the query for the place of each staged row among those of its key, as ``_number`` and ``_place``."""
    way = sql.SQL("DESC" if rule.duplicates == "last" else "ASC")
    return sql.SQL("""
        SELECT {row} AS _number, row_number() OVER (PARTITION BY {key} ORDER BY {order}, {row} {way}) AS _place FROM {staging}
    """).format(
        row=sql.Identifier(ROW),
        key=listed(rule.key),
        order=_within_file(rule),
        way=way,
        staging=identifier(STAGING),
    )
