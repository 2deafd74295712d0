"""Rows of one key in a planned file, as the server compares them: by a type of its own, or by the collation of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.schema import OpaqueType, TableSchema
from pgdatahub.postgres.keyed.fragments import column, identifier, listed
from pgdatahub.postgres.keyed.key_index import loose_columns
from pgdatahub.postgres.keyed.staging import ROW, BadKey, first_tie
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.values.copytext import unescape
from pgdatahub.values.sql_types import SqlType


def planned_tie(
    connection: Connection,
    rule: KeyRule,
    table: TableSchema,
    stored: TableSchema | None,
    batches: Iterable[ColumnBatch],
) -> BadKey | None:
    """Return the rows of the first key whose best rows the order cannot tell apart, if the server alone can compare them.

    Nothing is staged, since the transaction of a plan only reads: the server gets the values as arrays, of rows whose key
    another row may have.

    Args:
        connection: A connection in a transaction that may be read-only.
        rule: The key and the order.
        table: The columns of the table with the file.
        stored: Its columns now; None for a new table.
        batches: The rows of the file, which can be read several times.
    """
    typed = _typed_keys(connection, rule, table, stored)
    if rule.column is None and not typed:
        return None  # the reading of the file compared all keys
    suspects = None if typed else _equal_hashes(batches, rule.key)
    if suspects is not None and not suspects:
        return None
    names = list(dict.fromkeys([*rule.key, *([rule.column] if rule.column is not None else [])]))
    numbers: list[int] = []
    values: list[list[str | None]] = [[] for _ in names]
    for number, key, others in _rows(batches, rule.key, names):
        if all(key) and (suspects is None or hash(key) in suspects):
            numbers.append(number)
            for found, field in zip(values, others, strict=True):
                found.append(unescape(field) if field else None)
    given = sql.SQL("SELECT {row}, {columns} FROM unnest(%s::bigint[], {arrays}) given ({row}, {names})").format(
        row=sql.Identifier(ROW),
        columns=sql.SQL(", ").join(
            sql.SQL("{}::{}").format(column(name, "given"), sql.SQL(table.by_name[name].type.sql))
            if name in typed or name == rule.column
            else column(name, "given")
            for name in names
        ),
        arrays=sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(names)),
        names=listed(names),
    )
    compared = [name for name in names if name in typed or name == rule.column]
    if stored is not None and all(_stays(name, table, stored) for name in compared):
        # The empty part gives the values the collations of the table's columns.
        columns = (
            sql.Identifier(name) if name in compared else sql.SQL("NULL::text AS {}").format(sql.Identifier(name))
            for name in names
        )
        given = sql.SQL("SELECT NULL::bigint AS {}, {} FROM {} WHERE false UNION ALL {}").format(
            sql.Identifier(ROW), sql.SQL(", ").join(columns), identifier(stored.table), given
        )
    return first_tie(connection, rule, sql.SQL("({})").format(given), [numbers, *values])


def _typed_keys(
    connection: Connection, rule: KeyRule, table: TableSchema, stored: TableSchema | None
) -> frozenset[str]:
    """Return the columns of a key with a type of the server, or a collation in which different texts are equal."""
    found = {name for name in rule.key if isinstance(table.by_name[name].type, OpaqueType)}
    texts = tuple(name for name in rule.key if table.by_name[name].type is SqlType.TEXT)
    if stored is not None and texts:
        found |= loose_columns(connection, stored.table, texts)
    return frozenset(found)


def _stays(name: str, table: TableSchema, stored: TableSchema) -> bool:
    return name in stored.by_name and stored.by_name[name].type.sql == table.by_name[name].type.sql


def _equal_hashes(batches: Iterable[ColumnBatch], key: Sequence[str]) -> set[int]:
    """Return the hashes of keys that several rows have."""
    hashes = sorted(hash(fields) for _, fields, _ in _rows(batches, key, ()))
    return {one for one, following in pairwise(hashes) if one == following}


def _rows(
    batches: Iterable[ColumnBatch], key: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[int, tuple[bytes, ...], tuple[bytes, ...]]]:
    """Yield the number of each row from 1, its key, and its fields in some columns."""
    before = 0
    for batch in batches:
        keys, others = (zip(*(_fields(batch, name) for name in wanted), strict=True) for wanted in (key, names))
        rows = zip(keys, others if names else ((),) * batch.rows, strict=True)
        for number, (fields, further) in enumerate(rows, before + 1):
            yield number, fields, further
        before += batch.rows


def _fields(batch: ColumnBatch, name: str) -> list[bytes]:
    if name not in batch.names:
        return [b""] * batch.rows
    return batch.columns[batch.names.index(name)].split(b"\n")
