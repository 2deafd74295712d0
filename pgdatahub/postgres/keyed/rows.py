"""The rows of one import in a keyed table and its companion, and those among them that were changed by hand."""

from __future__ import annotations

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import IMPORTS, KEYED_TABLES, TableName
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.import_rows import Rows, rows_of
from pgdatahub.postgres.keyed.fragments import identifier
from pgdatahub.postgres.keyed.rules import TableRule

_KNOWN = sql.SQL("""
    SELECT (xid % 4294967296)::text FROM {imports} WHERE table_schema = {schema} AND table_name = {name} AND xid IS NOT NULL
     UNION ALL
    SELECT (unnest(xids) % 4294967296)::text FROM {rules} WHERE table_schema = {schema} AND table_name = {name}
""")
_OF_IMPORT = sql.SQL("""
    SELECT count(*) AS rows, count(*) FILTER (WHERE xmin::text NOT IN ({known})) AS unknown FROM {table} WHERE {condition}
""")
_ANY_KNOWN = sql.SQL("SELECT EXISTS (SELECT FROM {table} WHERE xmin::text IN ({known}))")


def find_keyed_rows(connection: Connection, history_schema: str, rule: TableRule, past: ImportRow) -> Rows:
    """Return the rows of an import in both tables.

    A load, an undo, and a change of types write rows; the history has the numbers of these transactions. A row that another
    transaction wrote was changed by hand. If no row of the tables has a known number, a dump was restored, which gives all
    rows new numbers, and nothing can be told.
    """
    known = _known(history_schema, rule.table)
    count, unknown = 0, 0
    connection.execute("SET LOCAL enable_seqscan = off")
    for table in (rule.table, rule.companion):
        row = connection.one(_OF_IMPORT.format(known=known, table=identifier(table), condition=rows_of([past])))
        count, unknown = count + row.rows, unknown + row.unknown
    connection.execute("SET LOCAL enable_seqscan = on")
    if unknown and not any(
        connection.scalar(_ANY_KNOWN.format(known=known, table=identifier(table)))
        for table in (rule.table, rule.companion)
    ):
        unknown = 0
    return Rows(count=count, rewritten=unknown)


def _known(history_schema: str, table: TableName) -> sql.Composed:
    return _KNOWN.format(
        imports=sql.Identifier(history_schema, IMPORTS),
        rules=sql.Identifier(history_schema, KEYED_TABLES),
        schema=table.schema,
        name=table.name,
    )
