"""Insertion of rows into a table by ``COPY``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, NoReturn

import psycopg
from psycopg import sql

from pgdatahub.errors import FileError
from pgdatahub.model.batches import EncodedBatch, Origin
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.rows.copy_writer import BackgroundWriter
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection, translate
from pgdatahub.postgres.server.server_encoding import check_batch
from pgdatahub.postgres.server.sqlstates import CANCELLED
from pgdatahub.system import failpoints

_BINARY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Signature, flags, and no extension (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS)."""
_BINARY_TRAILER: Final = b"\xff\xff"


def copy(connection: Connection, table: TableName, batches: Iterable[EncodedBatch]) -> int:
    """Copy batches into a table; return the number of rows that the server took.

    Consecutive batches with the same columns and format share one statement. A column that a batch does not name gets
    its default.

    Raises:
        LoadError: The server refused a row; the message names the row's place in the workbook if it is known.
    """
    cursor = driver_connection(connection).cursor()
    rows = 0
    for (names, binary), group in groupby(batches, key=lambda batch: (batch.names, batch.binary)):
        statement = _statement(table, names, binary=binary)
        sent: list[tuple[int, Origin | None]] = []
        try:
            with cursor.copy(statement, writer=BackgroundWriter(cursor)) as stream:
                header = _BINARY_HEADER if binary else b""
                for batch in group:
                    check_batch(connection, batch)
                    sent.append((batch.rows, batch.origin))
                    stream.write(header + batch.data if header else batch.data)
                    header = b""
                    failpoints.reach("copying")
                if binary:
                    stream.write(_BINARY_TRAILER)
        except psycopg.Error as error:
            _raise_located(error, table, names, sent)
        rows += cursor.rowcount
        failpoints.reach("copied")
    return rows


@lru_cache(maxsize=64)
def _statement(table: TableName, names: tuple[str, ...], *, binary: bool) -> bytes:
    # Cached, since many files of a folder have the same columns.
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH ({})").format(
        sql.Identifier(table.schema, table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL("FORMAT binary" if binary else "FORMAT text, NULL ''"),
    )
    return statement.as_bytes(None)


def _raise_located(
    error: psycopg.Error, table: TableName, names: Sequence[str], sent: Sequence[tuple[int, Origin | None]]
) -> NoReturn:
    """Raise an error of COPY with the place in the workbook instead of the line in the stream."""
    translated = translate(error)
    if not isinstance(translated, FileError):
        raise error
    # The row that a cancelled COPY had reached did not cause the error.
    row = None if error.sqlstate == CANCELLED else _place(error, table, names, sent)
    place = row or translated.where or f"table {table}"
    raise type(translated)(translated.message, where=place, hint=translated.hint) from error


def _place(
    error: psycopg.Error, table: TableName, names: Sequence[str], sent: Sequence[tuple[int, Origin | None]]
) -> str | None:
    # "COPY sales, line 3, column amount: …"; its words and marks are in the language of the server.
    context = next((line for line in (error.diag.context or "").splitlines() if line.startswith("COPY")), "")
    _, found, told = context.partition(table.name)
    number = re.search(r"\d+", told) if found else None
    if number is None:
        return None
    before_value = re.split(r"[:：]", told[number.end() :])[0].rstrip()
    column = max((name for name in names if before_value.endswith(name)), key=len, default=error.diag.column_name)
    index = int(number[0]) - 1
    for rows, origin in sent:
        if index < rows:
            return origin.place(index, column) if origin is not None else None
        index -= rows
    return None
