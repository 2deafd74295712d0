"""Rows of imports out of a keyed table and its companion; the greatest rows that remain take their places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.imports import ImportRow
from pgdatahub.postgres.keyed.flag import update_flag
from pgdatahub.postgres.keyed.fragments import (
    BEATEN,
    STAGING,
    TIMESTAMP,
    best_first,
    column,
    identifier,
    listed,
    newest_import,
    same_key,
)
from pgdatahub.postgres.keyed.intact import check_both
from pgdatahub.postgres.keyed.key_index import loose_columns
from pgdatahub.postgres.keyed.key_order import many_going
from pgdatahub.postgres.keyed.retyped import follow_types
from pgdatahub.postgres.keyed.rows import follow_restore
from pgdatahub.postgres.keyed.rules import TableRule, record_xid
from pgdatahub.postgres.keyed.whole_rows import move_back
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.row_guards import check_gone, kept, row_guards

_PROMOTE = sql.SQL("""
    WITH best AS (
        DELETE FROM {companion} gone USING (
            SELECT DISTINCT ON ({key}) c.ctid AS place
              FROM {table} m JOIN {companion} c ON {same}
         LEFT JOIN {imports} i ON i.table_schema = {schema} AND i.table_name = {name} AND i.imported_at = c.{timestamp}
             WHERE m.{timestamp} = ANY (%(gone)s::timestamp[]) AND NOT c.{beaten}
             ORDER BY {key}, {order}) chosen
         WHERE gone.ctid = chosen.place RETURNING gone.*)
    UPDATE {table} m SET {values} FROM best c WHERE {same}
""")


def take_out(
    connection: Connection,
    imports: sql.Identifier,
    rule: TableRule,
    going: Sequence[ImportRow],
    *,
    keep_staged: bool = False,
    samples: bool = False,
) -> int:
    """Delete the rows of imports; return their number. The history does not count these imports as loaded any more.

    Args:
        connection: A connection in the transaction that has both tables' locks.
        imports: The table ``etl_imports``.
        rule: The rule of the table.
        going: The imports.
        keep_staged: Keep the rows of keys that are staged and have no other row. The load is about to overwrite them, and
            foreign keys that point to them never see the key gone. They are not counted.
        samples: Messages may quote values of cells.

    Raises:
        SchemaError: A trigger of the table kept rows, or a constraint refuses a row that comes back.
    """
    moments = [one.imported_at for one in going]
    values = {"gone": moments}
    table, companion = identifier(rule.table), identifier(rule.companion)
    of_these = sql.SQL("{} = ANY (%(gone)s::timestamp[])").format(TIMESTAMP)
    # Also a row of the table that a promotion overwrites is a row of these imports.
    counted = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table, of_these)
    count: int = 0 if keep_staged else connection.scalar(counted, values)
    count += connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(companion, of_these), values).rowcount
    if rule.rule.is_merge:
        loose = loose_columns(connection, rule.table, rule.rule.key)
        _move(connection, rule, _promotion(imports, rule, loose), values, samples=samples)
    condition = sql.SQL("m.{} = ANY (%(gone)s::timestamp[])").format(TIMESTAMP)
    if keep_staged:
        condition += sql.SQL(" AND NOT EXISTS (SELECT FROM {} s WHERE {})").format(
            identifier(STAGING), same_key(rule.rule.key, "m", "s")
        )
    connection.execute(sql.SQL("DELETE FROM {} m WHERE {}").format(table, condition), values)
    check_gone(connection, rule.table, condition, values)
    if not rule.rule.is_merge:
        raise_newest(connection, imports, rule, samples=samples)
    return count


def _move(
    connection: Connection, rule: TableRule, statement: sql.Composed, values: Mapping[str, Any], *, samples: bool
) -> None:
    """Execute a statement that moves rows from the companion into the table.

    Raises:
        SchemaError: A trigger of the table kept rows, which would be lost; or a constraint refuses a row, as foreign keys
            do not see the rows of the companion.
    """
    guards = row_guards(connection, rule.table)
    count = sql.SQL("SELECT count(*) FROM {}").format(identifier(rule.companion))
    before = int(connection.scalar(count)) if guards else 0
    try:
        arrived = connection.execute(statement, values).rowcount
    except psycopg.IntegrityError as error:
        found = error.diag
        row = f": {found.message_detail}" if samples and found.message_detail else ""
        raise SchemaError(
            f"{found.constraint_name or found.column_name} refuses a row of {rule.companion} that would come back{row}",
            where=f"table {rule.table}",
            hint="put back what the row needs, or revert the import of that row too",
        ) from error
    lost = before - int(connection.scalar(count)) - arrived if guards else 0
    if lost:
        raise kept(rule.table, guards, lost)


def _promotion(imports: sql.Identifier, rule: TableRule, loose: Collection[str]) -> sql.Composed:
    key = rule.rule.key
    return _PROMOTE.format(
        table=identifier(rule.table),
        companion=identifier(rule.companion),
        imports=imports,
        schema=rule.table.schema,
        name=rule.table.name,
        key=listed(key, "c"),
        same=same_key(key, "m", "c"),
        timestamp=TIMESTAMP,
        beaten=sql.Identifier(BEATEN),
        order=best_first(rule.rule, "c", "i"),
        values=sql.SQL(", ").join(
            sql.SQL("{} = {}").format(column(name), column(name, "c"))
            for name in rule.row_columns
            if name not in key or name in loose
        ),
    )


def raise_newest(connection: Connection, imports: sql.Identifier, rule: TableRule, *, samples: bool = False) -> None:
    """Move the rows of the greatest import from the companion into a snapshot whose own rows left it.

    Without an import, the rows that were there before the first one are the table again.
    """
    top: datetime | None = connection.scalar(newest_import(imports, rule.rule, rule.table))
    condition = sql.SQL("{} IS NOT DISTINCT FROM %(top)s::timestamp").format(TIMESTAMP)
    for statement in move_back(connection, rule, condition):
        _move(connection, rule, statement, {"top": top}, samples=samples)


def remove_imports(
    connection: Connection,
    imports: sql.Identifier,
    history_schema: str,
    rule: TableRule,
    going: Sequence[ImportRow],
    *,
    samples: bool = False,
) -> int:
    """Remove the rows of imports that the history has marked, outside of the transaction of a load; return their number.

    See :func:`take_out`.
    """
    rule = check_both(connection, rule)
    follow_restore(connection, history_schema, rule)
    follow_types(connection, rule.table, rule.companion)
    with many_going(connection, rule, sum(one.row_count for one in going)):
        count = take_out(connection, imports, rule, going, samples=samples)
    update_flag(connection, imports, rule.table, rule.rule)
    record_xid(connection, history_schema, rule.table)
    return count
