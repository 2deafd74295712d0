r"""The values of an import as its table has them now, in canonical text and in the order of their storage.

The order of storage is the order of the file: COPY fills a table from its start to its end, and ``ALTER TABLE`` keeps the
order. Rows that fill the space of deleted rows, or that an UPDATE moved, have another order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import LOAD_TIMESTAMP, SOURCE_FILE, ColumnSchema, OpaqueType, TableName
from pgdatahub.postgres.keyed.both import all_rows
from pgdatahub.postgres.rows.import_rows import rows_of
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.ddl import canonical_text
from pgdatahub.values.sql_types import SqlType

_ROWS_AT_ONCE: Final = 5_000
_COPY = sql.SQL("COPY (SELECT {texts} FROM {table} WHERE {condition}) TO STDOUT (NULL '')")
_FILLED = sql.SQL("SELECT count(*) FROM {table} WHERE {condition} AND ({filled})")
# No way that returns rows in another order than that of storage.
_IN_ORDER: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; "
    "SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0"
)
_AS_BEFORE: Final = (
    "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT; "
    "SET LOCAL enable_indexonlyscan TO DEFAULT; SET LOCAL synchronize_seqscans TO DEFAULT; "
    "SET LOCAL max_parallel_workers_per_gather TO DEFAULT"
)
_CONTROL: Final = re.compile(rb"\\([bfv\\])")
_CONTROLS: Final = {b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\\": b"\\\\"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRows:
    r"""Rows as columns of COPY text: the fields of each column, joined by ``\n``."""

    columns: tuple[bytes, ...]
    rows: int


def stored_values(connection: Connection, past: ImportRow, columns: Sequence[ColumnSchema]) -> Iterator[StoredRows]:
    """Yield the rows of an import, some thousand at a time.

    Args:
        connection: A connection in a transaction, which may be read-only.
        past: The import.
        columns: The columns to read, at least one, with their present types.
    """
    query = _COPY.format(
        texts=sql.SQL(", ").join(map(_text, columns)), table=_table(past.table), condition=rows_of([past])
    )
    connection.execute(_IN_ORDER)
    kept: list[bytes] = []
    with connection.driver.cursor().copy(query) as stream:
        for line in stream:
            kept.append(bytes(line))
            if len(kept) == _ROWS_AT_ONCE:
                yield _columns(kept)
                kept = []
    if kept:
        yield _columns(kept)
    connection.execute(_AS_BEFORE)


def count_filled(connection: Connection, past: ImportRow, names: Collection[str]) -> int:
    """Return the number of an import's rows that have a value in one of some columns."""
    if not names:
        return 0
    filled = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in names)
    rows = all_rows(connection, past.table, (*names, SOURCE_FILE, LOAD_TIMESTAMP))
    query = _FILLED.format(table=rows, condition=rows_of([past]), filled=filled)
    connection.execute("SET LOCAL enable_seqscan = off")
    count = connection.scalar(query)
    connection.execute("SET LOCAL enable_seqscan TO DEFAULT")
    return int(count)


def _table(table: TableName) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)


def _text(column: ColumnSchema) -> sql.Composed:
    name = sql.Identifier(column.name)
    text = canonical_text(name, SqlType.TEXT if isinstance(column.type, OpaqueType) else column.type)
    if isinstance(column.type, OpaqueType) or column.type is SqlType.TEXT:
        # No load stores an empty text, which would look like NULL here.
        return sql.SQL("CASE {0} WHEN '' THEN chr(1) ELSE {0} END").format(text)
    return text


def _columns(lines: Sequence[bytes]) -> StoredRows:
    whole = b"".join(lines)
    if b"\\" in whole:
        # The server writes more characters as escapes than a staged field has.
        whole = _CONTROL.sub(lambda found: _CONTROLS[found[1]], whole)
    rows = [line.split(b"\t") for line in whole.split(b"\n")[:-1]]
    return StoredRows(columns=tuple(map(b"\n".join, zip(*rows, strict=True))), rows=len(rows))
