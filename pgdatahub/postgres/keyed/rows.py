"""The rows of one import in a keyed table and its companion, and those among them that were changed by hand."""

from __future__ import annotations

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import IMPORTS, KEYED_TABLES, TableName
from pgdatahub.postgres.keyed.fragments import (
    BEATEN,
    TIMESTAMP,
    column,
    identifier,
    import_order,
    listed,
    loaded_imports,
    same_key,
)
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.rows.import_rows import Rows, rows_of
from pgdatahub.postgres.server.connection import Connection

_ALL = sql.SQL("true")
_KNOWN = sql.SQL("""
    SELECT (xid % 4294967296)::text FROM {imports} WHERE table_schema = {schema} AND table_name = {name} AND xid IS NOT NULL
     UNION ALL
    SELECT (unnest(xids) % 4294967296)::text FROM {rules} WHERE table_schema = {schema} AND table_name = {name}
""")
_OF_IMPORT = sql.SQL("""
    SELECT count(*) AS rows, count(*) FILTER (WHERE xmin::text NOT IN ({known})) AS unknown FROM {table} WHERE {condition}
""")
_MISPLACED = sql.SQL("""
    SELECT count(*) FROM {companion} c LEFT JOIN {table} m ON {same}
 LEFT JOIN {imports} i ON i.table_schema = {schema} AND i.table_name = {name} AND i.imported_at = c.{timestamp}
 LEFT JOIN {imports} n ON n.table_schema = {schema} AND n.table_name = {name} AND n.imported_at = m.{timestamp}
     WHERE NOT c.{beaten} AND (m.{first} IS NULL OR m.{timestamp} IS NULL AND c.{timestamp} IS NOT NULL OR {above})
""")
_LATEST = sql.SQL("""
    SELECT bool_or(writer IN ({known})) FROM (
        SELECT xmin::text AS writer FROM {table} WHERE {timestamp} = {latest} LIMIT {sample}) sampled
""")
_SAMPLE = 100
_ANY_KNOWN = sql.SQL("SELECT EXISTS (SELECT FROM {table} WHERE xmin::text IN ({known}))")


def find_keyed_rows(connection: Connection, history_schema: str, rule: TableRule, past: ImportRow) -> Rows:
    """Return the rows of an import in both tables.

    A load, an undo, and a change of types write rows; the history has the numbers of these transactions. A row that another
    transaction wrote was changed by hand. If no row of the tables has a known number, a dump was restored, which gives all
    rows new numbers, and nothing can be told.
    """
    known = known_writers(history_schema, rule.table)
    count, unknown = 0, 0
    connection.execute("SET LOCAL enable_seqscan = off")
    for table in (rule.table, rule.companion):
        row = connection.one(_OF_IMPORT.format(known=known, table=identifier(table), condition=rows_of([past])))
        count, unknown = count + row.rows, unknown + row.unknown
    connection.execute("SET LOCAL enable_seqscan = on")
    if unknown and not _is_any_known(connection, rule, known):
        unknown = 0
    return Rows(count=count, rewritten=unknown)


def _is_any_known(connection: Connection, rule: TableRule, known: sql.Composable) -> bool:
    return any(
        connection.scalar(_ANY_KNOWN.format(known=known, table=identifier(table)))
        for table in (rule.table, rule.companion)
    )


def follow_restore(connection: Connection, history_schema: str, rule: TableRule) -> None:
    """Record the numbers of all rows if none is known, before this transaction writes rows with a number of its own.

    So it is after a dump was restored, see :func:`find_keyed_rows`; the older rows would then look as if a user had changed
    them. Some rows of the latest import show that no dump was restored.

    Args:
        connection: A connection in a transaction that has written no row of the table.
        history_schema: The schema of the metadata tables.
        rule: The rule of the table.
    """
    known = known_writers(history_schema, rule.table)
    imports = loaded_imports(sql.Identifier(history_schema, IMPORTS), rule.table)
    latest = connection.scalar(sql.SQL("SELECT max(imported_at) FROM {} i WHERE row_count > 0").format(imports))
    if latest is None:
        return
    for table in (rule.table, rule.companion):
        query = _LATEST.format(known=known, table=identifier(table), timestamp=TIMESTAMP, latest=latest, sample=_SAMPLE)
        if connection.scalar(query):
            return
    if not _is_any_known(connection, rule, known):
        trust_rows(connection, history_schema, rule)


def trust_rows(connection: Connection, history_schema: str, rule: TableRule, condition: sql.Composable = _ALL) -> None:
    """Count the transactions that wrote rows of a table among those of pgdatahub, after a proof or a restore.

    Args:
        connection: A connection in a transaction.
        history_schema: The schema of the metadata tables.
        rule: The rule of the table.
        condition: The condition on the rows; all rows by default.
    """
    writers = sql.SQL(" UNION ").join(
        sql.SQL("SELECT xmin::text::bigint AS xid FROM {} WHERE {}").format(identifier(table), condition)
        for table in (rule.table, rule.companion)
    )
    query = sql.SQL("""
        UPDATE {} SET xids = xids || ARRAY (SELECT xid FROM ({}) w WHERE xid <> ALL (xids))
         WHERE table_schema = %s AND table_name = %s
    """).format(sql.Identifier(history_schema, KEYED_TABLES), writers)
    connection.execute(query, (rule.table.schema, rule.table.name))


def count_misplaced(connection: Connection, history_schema: str, rule: TableRule) -> int:
    """Return the number of rows in the companion whose key has no row in the table, or a row that ranks below them."""
    if not rule.rule.is_merge:
        return 0
    names = import_order(rule.rule)
    later = sql.SQL("({}) > ({})").format(listed(names, "i"), listed(names, "n"))
    above: sql.Composable = sql.SQL("coalesce({}, false)").format(later)
    ordered = rule.rule.column
    if ordered is not None:
        above = sql.SQL("""
            m.{timestamp} IS NOT NULL AND c.{timestamp} IS NOT NULL
            AND (coalesce({beside} > {shown}, {beside} IS NOT NULL AND {shown} IS NULL)
                 OR {beside} IS NOT DISTINCT FROM {shown} AND {above})
        """).format(timestamp=TIMESTAMP, beside=column(ordered, "c"), shown=column(ordered, "m"), above=above)
    query = _MISPLACED.format(
        companion=identifier(rule.companion),
        table=identifier(rule.table),
        same=same_key(rule.rule.key, "m", "c"),
        imports=sql.Identifier(history_schema, IMPORTS),
        schema=rule.table.schema,
        name=rule.table.name,
        timestamp=TIMESTAMP,
        beaten=sql.Identifier(BEATEN),
        first=sql.Identifier(rule.rule.key[0]),
        above=above,
    )
    return int(connection.scalar(query))


def known_writers(history_schema: str, table: TableName) -> sql.Composed:
    """Return the query for the numbers of the transactions by which pgdatahub wrote rows of a table, as ``xmin`` has them."""
    return _KNOWN.format(
        imports=sql.Identifier(history_schema, IMPORTS),
        rules=sql.Identifier(history_schema, KEYED_TABLES),
        schema=table.schema,
        name=table.name,
    )
