"""Rows into a table by ``COPY``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NoReturn

import psycopg
from psycopg import sql

from pgdatahub.errors import FileError
from pgdatahub.model.flow import EncodedBatch, Origin
from pgdatahub.model.schema import RESERVED_COLUMNS, TableName
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.copy_writer import BackgroundWriter
from pgdatahub.postgres.ddl import lineage_index
from pgdatahub.postgres.engine import driver_connection, translate
from pgdatahub.system import failpoints


def copy(connection: Connection, table: TableName, batches: Iterable[EncodedBatch]) -> int:
    """Copy batches into a table; return the number of rows that the server took.

    Batches in a row with the same columns share one statement. A column that a batch does not name gets its default.

    Raises:
        LoadError: The server refused a row; its place in the workbook is named where that is known.
    """
    cursor = driver_connection(connection).cursor()
    rows = 0
    for names, group in groupby(batches, key=lambda batch: batch.names):
        statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT text, NULL '')").format(
            sql.Identifier(table.schema, table.name), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        sent: list[tuple[int, Origin | None]] = []
        try:
            with cursor.copy(statement, writer=BackgroundWriter(cursor)) as stream:
                for batch in group:
                    sent.append((batch.rows, batch.origin))
                    stream.write(batch.data)
                    failpoints.reach("copying")
        except psycopg.Error as error:
            _raise_located(error, table, names, sent)
        rows += cursor.rowcount
        failpoints.reach("copied")
    return rows


def _raise_located(
    error: psycopg.Error, table: TableName, names: Sequence[str], sent: Sequence[tuple[int, Origin | None]]
) -> NoReturn:
    """Raise an error of COPY with the place in the workbook instead of the line in the stream."""
    translated = translate(error)
    if not isinstance(translated, FileError):
        raise error
    place = _place(error, table, names, sent) or translated.where or f"table {table}"
    raise type(translated)(translated.message, where=place, hint=translated.hint) from error


def _place(
    error: psycopg.Error, table: TableName, names: Sequence[str], sent: Sequence[tuple[int, Origin | None]]
) -> str | None:
    # "COPY sales, line 3, column amount: …", in the language of the server.
    match = re.search(rf"COPY {re.escape(table.name)}, \D*?(\d+)(?:, \w+ ([^:]+):)?", error.diag.context or "")
    if match is None:
        return None
    index = int(match[1]) - 1
    for rows, origin in sent:
        if index < rows:
            column = match[2] if match[2] in names else error.diag.column_name
            return origin.place(index, column) if origin is not None else None
        index -= rows
    return None


def tend(connection: Connection, table: TableName, *, new: bool) -> None:
    """Let the planner know of the new rows, so that undoing an import finds them without reading the table.

    Args:
        connection: In the transaction that copied them.
        table: The table.
        new: It was created in this transaction and was never analysed; otherwise autovacuum's own pace is right.
    """
    index = {"schema": table.schema, "index": lineage_index(table)}
    connection.execute(
        """
            SELECT brin_summarize_new_values(c.oid)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
             WHERE n.nspname = %(schema)s AND c.relname = %(index)s AND m.amname = 'brin'
               AND pg_has_role(c.relowner, 'USAGE')
        """,
        index,
    )
    if new:
        # Of 20 columns and 100,000 rows these two take 0.05 s, all of them 0.35 s. Autovacuum does not count this, so the
        # others have their turn within its minute.
        lineage = sql.SQL(", ").join(map(sql.Identifier, RESERVED_COLUMNS))
        statement = sql.SQL("ANALYZE {} ({})").format(sql.Identifier(table.schema, table.name), lineage)
        driver_connection(connection).execute(statement)
