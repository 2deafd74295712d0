"""Staged rows into a keyed table: rows that lose go to the companion, rows that they beat are copied there.

The table's rows are updated in place and in the order of the key, never deleted and inserted: foreign keys, the user's own
columns and identities survive.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from psycopg import sql

from pgdatahub.model.schema import LOAD_TIMESTAMP, SOURCE_FILE
from pgdatahub.postgres.keyed.arrival import Arrival, RowCounts
from pgdatahub.postgres.keyed.fragments import (
    BEATEN,
    FILE,
    STAGING,
    TIMESTAMP,
    column,
    identifier,
    import_order,
    listed,
    loaded_imports,
    same_key,
)
from pgdatahub.postgres.keyed.key_index import loose_columns
from pgdatahub.postgres.keyed.key_order import MANY_ROWS, analyze_if_grown, is_in_key_order, without_hash_joins
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.staging import ROW, beaten_rows
from pgdatahub.postgres.keyed.whole_rows import move_out
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.row_guards import check_gone, kept, row_guards

_COUNTED_BY_SEQUENCE: Final = 100_000
"""Staged rows from which a sequence counts the unchanged rows; below, its 1.5 ms are more than a wide comparison."""
_SEQUENCE: Final = sql.Identifier("pg_temp", "_hub_unchanged")


def set_beaten_aside(connection: Connection, rule: TableRule, arrival: Arrival) -> int:
    """Move the staged rows that another row of the file beats to the companion; return their number.

    They can never win: the better row of their import comes and goes with them.
    """
    query = sql.SQL("""
        WITH gone AS (DELETE FROM {staging} s USING ({places}) d WHERE s.{row} = d._number AND d._place > 1 RETURNING s.*)
        INSERT INTO {companion} ({columns}, {file}, {timestamp}, {beaten})
        SELECT {columns}, %(source)s, %(moment)s, true FROM gone
    """).format(
        staging=identifier(STAGING),
        places=beaten_rows(rule.rule),
        row=sql.Identifier(ROW),
        companion=identifier(rule.companion),
        columns=listed(rule.columns),
        file=FILE,
        timestamp=TIMESTAMP,
        beaten=sql.Identifier(BEATEN),
    )
    return connection.execute(query, arrival.values).rowcount


def merge(
    connection: Connection,
    imports: sql.Identifier,
    rule: TableRule,
    arrival: Arrival,
    *,
    check: Callable[[], None] | None = None,
) -> RowCounts:
    """Bring the staged rows, one of each key, into the table or its companion.

    Args:
        connection: A connection in the transaction of the load.
        imports: The table ``etl_imports``.
        rule: The rule of the table.
        arrival: The import of the staged rows.
        check: Called when only rows that win are staged, and none is written.
    """
    lost = _lose(connection, imports, rule, arrival)
    if check is not None:
        check()
    unchanged = None if arrival.rows >= _COUNTED_BY_SEQUENCE else _count_unchanged(connection, rule, arrival)
    in_order = arrival.rows >= MANY_ROWS and is_in_key_order(connection, rule)
    with without_hash_joins(connection) if in_order else nullcontext():
        won = _archive(connection, rule, arrival)
    if unchanged is None:
        connection.execute(sql.SQL("CREATE TEMPORARY SEQUENCE {} CACHE 1000").format(sql.Identifier("_hub_unchanged")))
    written = _write(connection, rule, arrival, counting=unchanged is None, in_order=in_order)
    _check_replaced(connection, rule, arrival)
    if unchanged is None:
        unchanged = int(connection.scalar("SELECT nextval('pg_temp._hub_unchanged') - 1"))
        connection.execute(sql.SQL("DROP SEQUENCE {}").format(_SEQUENCE))
    analyze_if_grown(connection, rule, won + lost)
    return RowCounts(new=written - won, won=won, unchanged=unchanged, lost=lost)


def _newer(imports: sql.Identifier, rule: TableRule) -> sql.Composed:
    """Return the query for the times of the loaded imports that rank above the staged one."""
    names = import_order(rule.rule)
    return sql.SQL("(SELECT n.imported_at FROM {} n WHERE ({}) > ({}))").format(
        loaded_imports(imports, rule.table),
        listed(names, "n"),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
    )


def _is_ghost(alias: str) -> sql.Composed:
    return sql.SQL("coalesce({} = ANY (%(ghosts)s::timestamp[]), false)").format(column(LOAD_TIMESTAMP, alias))


def _lose(connection: Connection, imports: sql.Identifier, rule: TableRule, arrival: Arrival) -> int:
    """Move the staged rows that lose against the table's row to the companion; return their number."""
    newer = _newer(imports, rule)
    ordered = rule.rule.column
    if ordered is None:
        if not connection.scalar(sql.SQL("SELECT EXISTS ({})").format(newer), arrival.values):
            return 0
        above = sql.SQL("m.{} IN {}").format(TIMESTAMP, newer)
    else:
        # NULL is below every value, and a row of no import is below every row of one.
        above = sql.SQL("""
            m.{timestamp} IS NOT NULL AND (coalesce({table} > {staged}, {table} IS NOT NULL AND {staged} IS NULL)
                                           OR {table} IS NOT DISTINCT FROM {staged} AND m.{timestamp} IN {newer})
        """).format(timestamp=TIMESTAMP, table=column(ordered, "m"), staged=column(ordered, "s"), newer=newer)
    query = sql.SQL("""
        WITH gone AS (DELETE FROM {staging} s USING {table} m WHERE {same} AND ({above}) AND NOT {ghost} RETURNING s.*)
        INSERT INTO {companion} ({columns}, {file}, {timestamp}) SELECT {columns}, %(source)s, %(moment)s FROM gone
    """).format(
        staging=identifier(STAGING),
        table=identifier(rule.table),
        same=same_key(rule.rule.key, "m", "s"),
        above=above,
        ghost=_is_ghost("m"),
        companion=identifier(rule.companion),
        columns=listed(rule.columns),
        file=FILE,
        timestamp=TIMESTAMP,
    )
    return connection.execute(query, arrival.values).rowcount


def _count_unchanged(connection: Connection, rule: TableRule, arrival: Arrival) -> int:
    query = sql.SQL("SELECT count(*) FROM {} m JOIN {} s ON {} WHERE ({}) IS NOT DISTINCT FROM ({})").format(
        identifier(rule.table),
        identifier(STAGING),
        same_key(rule.rule.key, "m", "s"),
        _comparable(rule, arrival, "m"),
        _comparable(rule, arrival, "s"),
    )
    return int(connection.scalar(query, arrival.values))


def _comparable(rule: TableRule, arrival: Arrival, *alias: str) -> sql.Composed:
    """Return the columns of imports in a form that can be compared."""
    return sql.SQL(", ").join(
        sql.SQL("{}::text" if name in arrival.opaque else "{}").format(sql.Identifier(*alias, name))
        for name in rule.columns
    )


def _archive(connection: Connection, rule: TableRule, arrival: Arrival) -> int:
    """Copy the rows that the staged ones replace to the companion; return the number of rows that will be replaced."""
    join = sql.SQL("{} m JOIN {} s ON {}").format(
        identifier(rule.table), identifier(STAGING), same_key(rule.rule.key, "m", "s")
    )
    query = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
        identifier(rule.companion),
        listed(rule.row_columns),
        listed(rule.row_columns, "m"),
        join,
    )
    if arrival.ghosts:
        query += sql.SQL(" WHERE NOT {}").format(_is_ghost("m"))
    copied = connection.execute(query, arrival.values).rowcount
    if not arrival.ghosts:
        return copied
    ghosts = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(join, _is_ghost("m"))
    return copied + int(connection.scalar(ghosts, arrival.values))


def _write(connection: Connection, rule: TableRule, arrival: Arrival, *, counting: bool, in_order: bool) -> int:
    """Insert or update the table's rows in the order of the key, where the staged rows are not; return their number."""
    key = rule.rule.key
    loose = loose_columns(connection, rule.table, key)
    changed = [name for name in (*rule.columns, SOURCE_FILE) if name not in key or name in loose]
    values = [sql.SQL("{} = {}").format(column(name), column(name, "excluded")) for name in changed]
    moment = sql.SQL("excluded.{}").format(TIMESTAMP)
    if counting:
        # Only here do the old and the new row meet without a second, wide join.
        moment = sql.SQL(
            "CASE WHEN ({}) IS NOT DISTINCT FROM ({}) AND nextval('pg_temp._hub_unchanged') > 0 THEN {moment} ELSE {moment} END"
        ).format(
            _comparable(rule, arrival, rule.table.schema, rule.table.name),
            _comparable(rule, arrival, "excluded"),
            moment=moment,
        )
    values.append(sql.SQL("{} = {}").format(TIMESTAMP, moment))
    query = sql.SQL("""
        INSERT INTO {table} ({columns}, {file}, {timestamp}) OVERRIDING SYSTEM VALUE
        SELECT {columns}, %(source)s, %(moment)s FROM {staging}{order}
        ON CONFLICT ({key}) DO UPDATE SET {values}
    """).format(
        table=identifier(rule.table),
        columns=listed(rule.columns),
        file=FILE,
        timestamp=TIMESTAMP,
        staging=identifier(STAGING),
        order=sql.SQL("" if in_order else " ORDER BY {}").format(listed(key)),
        key=listed(key),
        values=sql.SQL(", ").join(values),
    )
    return connection.execute(query, arrival.values).rowcount


def _check_replaced(connection: Connection, rule: TableRule, arrival: Arrival) -> None:
    """Check that the staged rows replaced those of their keys, of which the companion has copies.

    Raises:
        SchemaError: A trigger of the table kept rows.
    """
    guards = row_guards(connection, rule.table)
    if not guards:
        return
    query = sql.SQL("SELECT count(*) FROM {} m JOIN {} s ON {} WHERE m.{} IS DISTINCT FROM %(moment)s").format(
        identifier(rule.table), identifier(STAGING), same_key(rule.rule.key, "m", "s"), TIMESTAMP
    )
    left = int(connection.scalar(query, arrival.values))
    if left:
        raise kept(rule.table, guards, left)


def replace_snapshot(connection: Connection, imports: sql.Identifier, rule: TableRule, arrival: Arrival) -> RowCounts:
    """Make the staged rows the table if their import is the newest; else bring them into the companion."""
    newest = sql.SQL("SELECT EXISTS ({})").format(_newer(imports, rule))
    loses = bool(connection.scalar(newest, arrival.values))
    if not loses:
        connection.execute(move_out(connection, rule, sql.SQL("true")))
        check_gone(connection, rule.table, sql.SQL("true"))
    insert = sql.SQL("""
        INSERT INTO {target} ({columns}, {file}, {timestamp}) OVERRIDING SYSTEM VALUE
        SELECT {columns}, %(source)s, %(moment)s FROM {staging} ORDER BY {row}
    """).format(
        target=identifier(rule.companion if loses else rule.table),
        columns=listed(rule.columns),
        file=FILE,
        timestamp=TIMESTAMP,
        staging=identifier(STAGING),
        row=sql.Identifier(ROW),
    )
    rows = connection.execute(insert, arrival.values).rowcount
    return RowCounts(lost=rows) if loses else RowCounts(new=rows)
