"""Staged rows of an import's quarantine that a keyed table cannot take."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.postgres.keyed.fragments import STAGING, column, identifier, listed, null_key, same_key
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.staging import MAX_KEY_BYTES, ROW
from pgdatahub.postgres.rows.import_rows import rows_of
from pgdatahub.postgres.server.connection import Connection

_TIED = sql.SQL("""
    SELECT {row} FROM (
        SELECT {row}, _place, count(*) OVER (PARTITION BY {key}, _place) AS _often
          FROM (SELECT *, rank() OVER (PARTITION BY {key} ORDER BY {order}) AS _place FROM {staging}) ranked) counted
     WHERE _place = 1 AND _often > 1
""")


def rows_that_stay(connection: Connection, rule: TableRule, past: ImportRow) -> list[int]:
    """Return the numbers of the staged rows, from 1, that must stay in the quarantine.

    Their key is empty or too long, a row of their import in the table or its companion has it, or several of them have it and
    nothing tells their order.

    Args:
        connection: A connection in the transaction of the staging table.
        rule: The rule of the table.
        past: The import.
    """
    if not rule.rule.is_merge:
        return []
    key = rule.rule.key
    own = sql.SQL(" OR ").join(
        sql.SQL("EXISTS (SELECT FROM (SELECT * FROM {table} WHERE {own}) m WHERE {same})").format(
            table=identifier(table), own=rows_of([past]), same=same_key(key, "m", "s")
        )
        for table in (rule.table, rule.companion)
    )
    size = sql.SQL(" + ").join(sql.SQL("octet_length({}::text)").format(column(name, "s")) for name in key)
    query = sql.SQL("SELECT s.{row} AS number FROM {staging} s WHERE {empty} OR {size} > {most} OR {own}").format(
        row=sql.Identifier(ROW),
        staging=identifier(STAGING),
        empty=null_key(key, "s"),
        size=size,
        most=MAX_KEY_BYTES,
        own=own,
    )
    found = {row.number for row in connection.execute(query)}
    if rule.rule.duplicates == "fail":
        found |= _tied_rows(connection, key, rule.rule.column)
    return sorted(found)


def _tied_rows(connection: Connection, key: Sequence[str], ordered: str | None) -> set[int]:
    order = sql.SQL("true") if ordered is None else sql.SQL("{} DESC NULLS LAST").format(sql.Identifier(ordered))
    query = _TIED.format(row=sql.Identifier(ROW), key=listed(key), order=order, staging=identifier(STAGING))
    return {row[0] for row in connection.execute(query)}
