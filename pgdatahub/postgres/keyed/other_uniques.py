"""Staged rows that break a unique index of the user's own beside that of the key, found before the server names no row."""

from __future__ import annotations

from psycopg import sql

from pgdatahub.postgres.keyed.fragments import STAGING, identifier, listed, same_key
from pgdatahub.postgres.keyed.key_index import UniqueIndex, unique_indexes
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.staging import ROW, BadKey
from pgdatahub.postgres.server.connection import Connection

_BROKEN = sql.SQL("""
    SELECT s.{row} AS number FROM {staging} s JOIN {table} m ON {same}
     -- A row that the file replaces may have another value then.
     WHERE NOT EXISTS (SELECT FROM {staging} x WHERE {replaced})
     UNION ALL
    SELECT max({row}) FROM {staging} WHERE ({columns}) IS NOT NULL GROUP BY {columns} HAVING count(*) > 1
  ORDER BY number LIMIT 1
""")


def broken_unique(connection: Connection, rule: TableRule) -> tuple[UniqueIndex, BadKey] | None:
    """Return the first index that a staged row breaks, and the row; None if there is none, or the server has to say.

    Args:
        connection: A connection in the transaction that has the table's lock; the staged rows are those that win.
        rule: The rule of the table.
    """
    for index in unique_indexes(connection, rule.table):
        columns = sorted(index.columns)
        if index.defect is not None or index.columns >= set(rule.rule.key) or not index.columns <= set(rule.columns):
            continue
        query = _BROKEN.format(
            row=sql.Identifier(ROW),
            staging=identifier(STAGING),
            table=identifier(rule.table),
            same=same_key(columns, "m", "s"),
            replaced=same_key(rule.rule.key, "x", "m"),
            columns=listed(columns),
        )
        number = connection.scalar(query)
        if number is not None:
            return index, BadKey(rows=(number,), column=columns[0] if len(columns) == 1 else None, count=1)
    return None
