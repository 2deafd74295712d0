"""Proof that rows of a table are exactly those of a file: the server compares them as multisets."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from pgdatahub.errors import FileError
from pgdatahub.model.batches import EncodedBatch
from pgdatahub.model.schema import LOAD_TIMESTAMP, RESERVED_COLUMNS, SOURCE_FILE, TableName, TableSchema
from pgdatahub.postgres.keyed.both import all_rows, companion_of
from pgdatahub.postgres.proofs.unknown_rows import RowGroup
from pgdatahub.postgres.rows.copy import copy
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection, savepoint
from pgdatahub.values.counting import count

_STAGED = "pgdatahub_adopted"
_PART = sql.SQL("{table} WHERE {moment} = {at}::timestamp AND {file} = {name}")


def difference(
    connection: Connection,
    current: TableSchema,
    group: RowGroup,
    observed: TableSchema,
    batches: Iterable[EncodedBatch],
) -> str | None:
    """Return why the rows of a group are not those of a file; None if the server finds them equal.

    The function copies the file's rows into a temporary table with the table's own types. Two sets of rows are equal if
    they have the same rows, each the same number of times, compared as text in every column of the file; the table's
    other columns must be NULL.

    Args:
        connection: A connection in the transaction that has the table's lock.
        current: The table's columns.
        group: The rows.
        observed: The columns of the file.
        batches: The rows of the file.
    """
    names = [column.name for column in observed.columns]
    missing = [name for name in names if name not in current.by_name]
    if missing:
        return f"the table has no column {missing[0]}"
    table = current.table
    beside = companion_of(connection, table)
    part = _part(all_rows(connection, table, (*names, SOURCE_FILE, LOAD_TIMESTAMP)), group)
    execute = driver_connection(connection).execute
    others = [name for name in current.by_name if name not in names and name not in RESERVED_COLUMNS]
    filled = [name for name in others if current.by_name[name].filled or current.by_name[name].required]
    nulls = [sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in others if name not in filled]
    if beside is not None:
        nulls = []  # columns that no file has belong to the keys
    if nulls:
        query = sql.SQL("SELECT 1 FROM {} AND ({}) LIMIT 1").format(part, sql.SQL(" OR ").join(nulls))
        if execute(query).fetchone():
            return "the rows have values in columns that the file lacks"
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    staged = sql.Identifier("pg_temp", _STAGED)
    execute(sql.SQL("DROP TABLE IF EXISTS {}").format(staged))
    source = sql.Identifier(table.schema, table.name)
    execute(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            sql.Identifier(_STAGED), columns, source
        )
    )
    try:
        with savepoint(connection):
            rows = copy(connection, TableName(schema="pg_temp", name=_STAGED), batches)
    except (FileError, psycopg.Error) as error:
        message = error.message if isinstance(error, FileError) else str(error)
        return f"the table cannot hold its values: {message}"
    counted = execute(sql.SQL("SELECT count(*) FROM {}").format(part)).fetchone()
    if counted is None or rows != counted[0]:
        return f"the file has {count(rows, 'row')}"
    compare = sql.SQL("SELECT count(*) FROM (SELECT {texts} FROM {part} EXCEPT ALL SELECT {texts} FROM {staged}) x")
    # Of two multisets of one size, each contains the other if one does.
    row = execute(compare.format(texts=texts, part=part, staged=staged)).fetchone()
    different = row[0] if row else 0
    return f"rows with other values than the file: {different:,}" if different else None


def _part(rows: sql.Composable, group: RowGroup) -> sql.Composed:
    return _PART.format(
        table=rows,
        moment=sql.Identifier(LOAD_TIMESTAMP),
        at=sql.Literal(group.load_timestamp.isoformat(" ")),
        file=sql.Identifier(SOURCE_FILE),
        name=sql.Literal(group.source_file),
    )
