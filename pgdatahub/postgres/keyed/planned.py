"""The number of keys that planned files would add, replace, leave as they are, or lose against the table.

All rows of the files are staged in a temporary table, as texts, and one query answers. The caller rolls the transaction
back; a transaction that only reads may not create a temporary table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeAlias

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.model.batches import ColumnBatch, EncodedBatch
from pgdatahub.model.schema import LOAD_TIMESTAMP, OpaqueType, TableName, TableSchema
from pgdatahub.postgres.keyed.fragments import BEATEN, column, identifier, import_order, listed, loaded_imports
from pgdatahub.postgres.keyed.planned_keys import PlannedFile, PlannedKeys, by_rank, count_new
from pgdatahub.postgres.rows.copy import copy
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.ddl import canonical_text
from pgdatahub.values.sql_types import SqlType

Encode: TypeAlias = Callable[[ColumnBatch], EncodedBatch]

_PLANNED = TableName(schema="pg_temp", name="_hub_planned")
_ORDERED = "_ordered"
_FILE, _ROW = sql.Identifier("_file"), sql.Identifier("_row")
_COUNT = sql.SQL("""
    WITH best AS (
        SELECT DISTINCT ON ({key}) p.* FROM {planned} p ORDER BY {key}, {order}_file DESC, _row {way}
    ), compared AS (
        SELECT m._known IS NOT NULL AS known, coalesce({above}, false) AS above, {same} AS same
          FROM best b JOIN (VALUES {files}) f (number, rank_key, modified_at, imported_at) ON f.number = b._file
     LEFT JOIN (SELECT true AS _known, {stored} FROM {table}) m ON {joined}{stays}
    )
    SELECT count(*) FILTER (WHERE NOT known) AS new, count(*) FILTER (WHERE known AND NOT above AND NOT same) AS replaced,
           count(*) FILTER (WHERE known AND NOT above AND same) AS unchanged, count(*) FILTER (WHERE known AND above) AS older
      FROM compared
""")


def count_planned(
    connection: Connection,
    imports: sql.Identifier | None,
    rule: KeyRule,
    current: TableSchema,
    stored: TableSchema,
    files: Sequence[PlannedFile],
    *,
    columns: Collection[str],
    going: Sequence[datetime],
    companion: TableName | None,
    encode: Encode,
) -> PlannedKeys:
    """Return the keys of planned files by their place after the run.

    Args:
        connection: A connection in a transaction that is rolled back.
        imports: The table ``etl_imports``; None if nothing was loaded into the table.
        rule: The key and the order.
        current: The columns of the table after the run.
        stored: Its columns now.
        files: The files, in the order of the run.
        columns: The columns that imports have, or the files.
        going: The times of the imports that the files replace.
        companion: The companion; None for a table without imports.
        encode: Returns a batch as lines of COPY text.
    """
    if any(name not in stored.by_name for name in rule.key):
        return count_new(rule, files)
    names = [one.name for one in current.columns if one.name in columns]
    _make(connection, names)
    ranked = by_rank(files, rule)
    _stage(connection, ranked, encode)
    known = [name for name in names if name in stored.by_name]
    values = sql.SQL(", ").join(
        sql.SQL("({}, {}::bytea, {}::timestamp, 'infinity'::timestamp)").format(number, one.rank_key, one.modified_at)
        for number, one in enumerate(ranked)
    )
    compared = (
        sql.SQL("b.{0} IS NOT DISTINCT FROM {1}").format(
            sql.Identifier(name), sql.Identifier("m", name) if name in known else sql.SQL("NULL::text")
        )
        for name in names
        if name not in rule.key
    )
    same = sql.SQL(" AND ").join([sql.SQL("true"), *compared])
    keys = [_key_term(stored, name, "p") for name in rule.key]
    query = _COUNT.format(
        key=sql.SQL(", ").join(keys),
        planned=identifier(_PLANNED),
        order=_ordered(rule, stored, "p"),
        way=sql.SQL("DESC" if rule.duplicates == "last" else "ASC"),
        above=sql.SQL("false") if imports is None else _above(rule, stored),
        same=same,
        files=values,
        stored=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(_stored_text(stored, name, rule), sql.Identifier(name)) for name in known
        ),
        table=identifier(stored.table),
        joined=sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(column(name, "m"), _key_term(stored, name, "b")) for name in rule.key
        ),
        stays=sql.SQL("") if imports is None else _staying(rule, stored, imports, going, companion),
    )
    row = connection.one(query)
    return PlannedKeys(new=row.new, replaced=row.replaced, unchanged=row.unchanged, older=row.older)


def count_new_typed(
    connection: Connection,
    rule: KeyRule,
    current: TableSchema,
    files: Sequence[PlannedFile],
    *,
    columns: Collection[str],
    encode: Encode,
) -> PlannedKeys:
    """Return the keys of planned files for a new table whose key has a type of the server, by which the server compares.

    See :func:`count_planned`.
    """
    _make(connection, [one.name for one in current.columns if one.name in columns])
    _stage(connection, files, encode)
    keys = sql.SQL(", ").join(_key_term(current, name, "p") for name in rule.key)
    query = sql.SQL("SELECT count(*) FROM (SELECT DISTINCT {} FROM {} p) known")
    return PlannedKeys(
        new=int(connection.scalar(query.format(keys, identifier(_PLANNED)))), replaced=0, unchanged=0, older=0
    )


def count_snapshot(
    connection: Connection,
    imports: sql.Identifier | None,
    rule: KeyRule,
    current: TableSchema,
    stored: TableSchema,
    files: Sequence[PlannedFile],
    *,
    columns: Collection[str],
    going: Sequence[datetime],
    encode: Encode,
) -> PlannedKeys:
    """Return the rows of planned files of a snapshot; see :func:`count_planned`."""
    order = import_order(rule)
    *others, newest = by_rank(files, rule)
    rows = sum(one.rows for one in others)
    if imports is not None:
        query = sql.SQL(
            "SELECT EXISTS (SELECT FROM {} r CROSS JOIN (VALUES {}) f (rank_key, modified_at, imported_at)"
            " WHERE ({}) > ({}) AND r.imported_at <> ALL ({}::timestamp[]))"
        ).format(
            loaded_imports(imports, stored.table),
            _facts(newest),
            listed(order, "r"),
            listed(order, "f"),
            list(going),
        )
        if connection.scalar(query):
            return PlannedKeys(new=0, replaced=0, unchanged=0, older=rows + newest.rows, of="rows")
    names = [one.name for one in current.columns if one.name in columns]
    _make(connection, names)
    _stage(connection, [newest], encode)
    texts = (_stored_text(stored, name, rule) if name in stored.by_name else sql.SQL("NULL::text") for name in names)
    table = identifier(stored.table)
    equal = sql.SQL("SELECT count(*) FROM (SELECT {} FROM {} INTERSECT ALL SELECT {} FROM {}) equal_rows").format(
        listed(names), identifier(_PLANNED), sql.SQL(", ").join(texts), table
    )
    unchanged = int(connection.scalar(equal))
    before = int(connection.scalar(sql.SQL("SELECT count(*) FROM {}").format(table)))
    return PlannedKeys(
        new=newest.rows - unchanged, replaced=before - unchanged, unchanged=unchanged, older=rows, of="rows"
    )


def _facts(file: PlannedFile) -> sql.Composed:
    return sql.SQL("({}::bytea, {}::timestamp, 'infinity'::timestamp)").format(file.rank_key, file.modified_at)


def _make(connection: Connection, names: Sequence[str]) -> None:
    texts = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}, {} int, {} bigint GENERATED ALWAYS AS IDENTITY)").format(
            sql.Identifier(_PLANNED.name), texts, _FILE, _ROW
        )
    )


def _stage(connection: Connection, files: Sequence[PlannedFile], encode: Encode) -> None:
    for number, file in enumerate(files):
        default = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}")
        connection.execute(default.format(identifier(_PLANNED), _FILE, number))
        copy(connection, _PLANNED, map(encode, file.batches))


def _stored_text(stored: TableSchema, name: str, rule: KeyRule) -> sql.Composable:
    """Return a stored column as text, but a key of a foreign type, which compares by its own ``=``."""
    kind = stored.by_name[name].type
    if isinstance(kind, OpaqueType):
        return sql.Identifier(name) if name in rule.key else canonical_text(sql.Identifier(name), SqlType.TEXT)
    return canonical_text(sql.Identifier(name), kind)


def _key_term(stored: TableSchema, name: str, alias: str) -> sql.Composable:
    return _typed(stored, name, alias) if isinstance(stored.by_name[name].type, OpaqueType) else column(name, alias)


def _typed(stored: TableSchema, name: str, alias: str) -> sql.Composed:
    return sql.SQL("{}::{}").format(column(name, alias), sql.SQL(stored.by_name[name].type.sql))


def _ordered(rule: KeyRule, stored: TableSchema, alias: str) -> sql.Composable:
    if rule.column is None:
        return sql.SQL("")
    term = column(rule.column, alias) if rule.column not in stored.by_name else _typed(stored, rule.column, alias)
    return sql.SQL("{} DESC NULLS LAST, ").format(term)


def _above(rule: KeyRule, stored: TableSchema) -> sql.Composable:
    """Return the condition that the best stored row that stays, of an import, ranks above the best planned one."""
    order = import_order(rule)
    above: sql.Composable = sql.SQL("({}) > ({})").format(listed(order, "r"), listed(order, "f"))
    if rule.column in stored.by_name:
        planned = _typed(stored, str(rule.column), "b")
        above = sql.SQL(
            "(coalesce({0} > {1}, {0} IS NOT NULL AND {1} IS NULL) OR {0} IS NOT DISTINCT FROM {1} AND {2})"
        ).format(column(_ORDERED, "r"), planned, above)
    elif rule.column is not None:
        above = sql.SQL("({} IS NULL AND {})").format(column(rule.column, "b"), above)
    return above


def _staying(
    rule: KeyRule, stored: TableSchema, imports: sql.Identifier, going: Sequence[datetime], companion: TableName | None
) -> sql.Composable:
    """Return the join with the best row of each key that is of an import which no planned file replaces.

    It is the table's row, unless that row's import is replaced: then a row of the companion may be above the planned one.
    """
    is_stored = rule.column is not None and rule.column in stored.by_name
    ordered = column(str(rule.column)) if is_stored else sql.SQL("NULL::text")
    keys = sql.SQL(", ").join(_stored_text(stored, name, rule) + sql.SQL(" AS ") + column(name) for name in rule.key)
    select = sql.SQL("SELECT {}, {} AS {}, {} AS _moment FROM {}")
    parts = keys, ordered, column(_ORDERED), column(LOAD_TIMESTAMP)
    rows: sql.Composable = select.format(*parts, identifier(stored.table))
    unique: sql.Composable = sql.SQL("")
    order: sql.Composable = sql.SQL("")
    if going and companion is not None:
        rows += sql.SQL(" UNION ALL ") + select.format(*parts, identifier(companion))
        rows += sql.SQL(" WHERE NOT {}").format(column(BEATEN))
        unique = sql.SQL("DISTINCT ON ({})").format(listed(rule.key, "s"))
        terms = [column(_ORDERED, "s"), *(column(name, "i") for name in import_order(rule))]
        order = sql.SQL(" ORDER BY {}, {}").format(
            listed(rule.key, "s"), sql.SQL(", ").join(sql.SQL("{} DESC NULLS LAST").format(one) for one in terms)
        )
    joined = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(column(name, "r"), _key_term(stored, name, "b")) for name in rule.key
    )
    return sql.SQL("""
     LEFT JOIN (SELECT {unique} s.*, {ranks} FROM ({rows}) s
                  JOIN {imports} i ON i.table_schema = {schema} AND i.table_name = {name} AND i.imported_at = s._moment
                 WHERE i.imported_at <> ALL ({going}::timestamp[]){order}) r ON {joined}
    """).format(
        unique=unique,
        ranks=listed(import_order(rule), "i"),
        rows=rows,
        imports=imports,
        schema=stored.table.schema,
        name=stored.table.name,
        going=list(going),
        order=order,
        joined=joined,
    )
