"""Rows into a table by ``COPY``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from psycopg import sql
from sqlalchemy import Connection, text

from pgdatahub import faults
from pgdatahub.model import EncodedBatch
from pgdatahub.postgres.ddl import lineage_index
from pgdatahub.postgres.engine import driver_connection
from pgdatahub.schema import TableName


def copy(connection: Connection, table: TableName, batches: Iterable[EncodedBatch]) -> int:
    """Copy batches into a table; return the number of rows that the server took.

    Batches in a row with the same columns share one statement. A column that a batch does not name gets its default.
    """
    cursor = driver_connection(connection).cursor()
    rows = 0
    for names, group in groupby(batches, key=lambda batch: batch.names):
        statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT text, NULL '')").format(
            sql.Identifier(table.schema, table.name), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with cursor.copy(statement) as stream:
            for batch in group:
                stream.write(batch.data)
                faults.reach("copying")
        rows += cursor.rowcount
        faults.reach("copied")
    return rows


def tend(connection: Connection, table: TableName, *, new: bool) -> None:
    """Let the planner know of the new rows, so that undoing an import finds them without reading the table.

    Args:
        connection: In the transaction that copied them.
        table: The table.
        new: It was created in this transaction and was never analysed; otherwise autovacuum's own pace is right.
    """
    index = {"schema": table.schema, "index": lineage_index(table)}
    connection.execute(
        text("""
            SELECT brin_summarize_new_values(c.oid)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
             WHERE n.nspname = :schema AND c.relname = :index AND m.amname = 'brin'
               AND pg_has_role(c.relowner, 'USAGE')
        """),
        index,
    )
    if new:
        driver_connection(connection).execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.schema, table.name)))
