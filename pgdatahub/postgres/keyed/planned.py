"""The number of keys that planned files would add, replace, leave as they are, or lose against the table.

All rows of the files are staged in a temporary table, as texts, and one query answers. The caller rolls the transaction
back; a transaction that only reads may not create a temporary table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.model.batches import EncodedBatch
from pgdatahub.model.schema import LOAD_TIMESTAMP, RESERVED_COLUMNS, OpaqueType, TableName, TableSchema
from pgdatahub.postgres.connection import Connection
from pgdatahub.postgres.copy import copy
from pgdatahub.postgres.ddl import canonical_text
from pgdatahub.postgres.keyed.fragments import column, identifier, import_order, listed
from pgdatahub.values.sql_types import SqlType

_PLANNED = TableName(schema="pg_temp", name="_hub_planned")
_FILE, _ROW = sql.Identifier("_file"), sql.Identifier("_row")
_COUNT = sql.SQL("""
    WITH best AS (
        SELECT DISTINCT ON ({key}) p.* FROM {planned} p ORDER BY {key}, {order}_file DESC, _row {way}
    ), compared AS (
        SELECT m.{first} IS NOT NULL AS known, coalesce({above}, false) AS above, {same} AS same
          FROM best b JOIN (VALUES {files}) f (number, rank_key, modified_at, imported_at) ON f.number = b._file
     LEFT JOIN (SELECT {stored}, {timestamp} FROM {table}) m ON {joined}
     LEFT JOIN {imports} i ON i.table_schema = {schema} AND i.table_name = {name} AND i.imported_at = m.{timestamp}
    )
    SELECT count(*) FILTER (WHERE NOT known) AS new, count(*) FILTER (WHERE known AND NOT above AND NOT same) AS replaced,
           count(*) FILTER (WHERE known AND NOT above AND same) AS unchanged, count(*) FILTER (WHERE known AND above) AS older
      FROM compared
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedKeys:
    """The keys of planned files by their place after the run.

    Attributes:
        new: Keys that the table does not have.
        replaced: Keys whose row changes.
        unchanged: Keys whose row is replaced by an equal one.
        older: Keys whose row in the table ranks above those of the files.
    """

    new: int
    replaced: int
    unchanged: int
    older: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file that a run would load.

    Attributes:
        rank_key: The rank of its path.
        modified_at: The time when it was changed last, if known.
        batches: Its rows as lines of COPY text.
    """

    rank_key: bytes
    modified_at: datetime | None
    batches: Iterable[EncodedBatch]


def count_planned(
    connection: Connection,
    imports: sql.Identifier,
    rule: KeyRule,
    current: TableSchema,
    stored: TableSchema,
    files: Sequence[PlannedFile],
    *,
    columns: Collection[str],
    going: Sequence[datetime],
) -> PlannedKeys:
    """Return the keys of planned files by their place after the run.

    Args:
        connection: A connection in a transaction that is rolled back.
        imports: The table ``etl_imports``.
        rule: The key and the order.
        current: The columns of the table after the run.
        stored: Its columns now.
        files: The files, in the order of the run.
        columns: The columns that imports have, or the files.
        going: The times of the imports that the files replace.
    """
    names = [one.name for one in current.columns if one.name in columns]
    _make(connection, names)
    order = import_order(rule)
    ranked = sorted(files, key=lambda one: _rank(one, order)) if order != ("imported_at",) else list(files)
    _stage(connection, ranked)
    key = rule.key
    known = [name for name in names if name in stored.by_name]
    values = sql.SQL(", ").join(
        sql.SQL("({}, {}::bytea, {}::timestamp, 'infinity'::timestamp)").format(number, one.rank_key, one.modified_at)
        for number, one in enumerate(ranked)
    )
    same = sql.SQL(" AND ").join(
        sql.SQL("b.{0} IS NOT DISTINCT FROM {1}").format(
            sql.Identifier(name), sql.Identifier("m", name) if name in known else sql.SQL("NULL::text")
        )
        for name in names
    )
    query = _COUNT.format(
        key=listed(key, "p"),
        planned=identifier(_PLANNED),
        order=_ordered(rule, stored, "p"),
        way=sql.SQL("DESC" if rule.duplicates == "last" else "ASC"),
        first=sql.Identifier(key[0]),
        above=_above(rule, stored, order, going),
        same=same,
        files=values,
        stored=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(_text(stored, name), sql.Identifier(name)) for name in known
        ),
        timestamp=sql.Identifier(LOAD_TIMESTAMP),
        table=identifier(stored.table),
        joined=sql.SQL(" AND ").join(sql.SQL("{} = {}").format(column(name, "m"), column(name, "b")) for name in key),
        imports=imports,
        schema=stored.table.schema,
        name=stored.table.name,
    )
    row = connection.one(query)
    return PlannedKeys(new=row.new, replaced=row.replaced, unchanged=row.unchanged, older=row.older)


def count_new(
    connection: Connection, key: Sequence[str], current: TableSchema, files: Sequence[PlannedFile]
) -> PlannedKeys:
    """Return the keys of planned files for a table that does not exist; see :func:`count_planned`."""
    _make(connection, [one.name for one in current.columns if one.name not in RESERVED_COLUMNS])
    _stage(connection, files)
    query = sql.SQL("SELECT count(*) FROM (SELECT DISTINCT {} FROM {}) keys").format(listed(key), identifier(_PLANNED))
    return PlannedKeys(new=int(connection.scalar(query)), replaced=0, unchanged=0, older=0)


def _make(connection: Connection, names: Sequence[str]) -> None:
    texts = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}, {} int, {} bigint GENERATED ALWAYS AS IDENTITY)").format(
            sql.Identifier(_PLANNED.name), texts, _FILE, _ROW
        )
    )


def _stage(connection: Connection, files: Sequence[PlannedFile]) -> None:
    for number, file in enumerate(files):
        default = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}")
        connection.execute(default.format(identifier(_PLANNED), _FILE, number))
        copy(connection, _PLANNED, file.batches)


def _rank(file: PlannedFile, order: Sequence[str]) -> tuple[str, bytes]:
    moment = file.modified_at if "modified_at" in order else None
    return "" if moment is None else moment.isoformat(" ", "microseconds"), file.rank_key


def _text(stored: TableSchema, name: str) -> sql.Composable:
    kind = stored.by_name[name].type
    return canonical_text(sql.Identifier(name), SqlType.TEXT if isinstance(kind, OpaqueType) else kind)


def _typed(stored: TableSchema, name: str, alias: str) -> sql.Composed:
    return sql.SQL("{}::{}").format(column(name, alias), sql.SQL(stored.by_name[name].type.sql))


def _ordered(rule: KeyRule, stored: TableSchema, alias: str) -> sql.Composable:
    if rule.column is None:
        return sql.SQL("")
    return sql.SQL("{} DESC NULLS LAST, ").format(_typed(stored, rule.column, alias))


def _above(rule: KeyRule, stored: TableSchema, order: Sequence[str], going: Sequence[datetime]) -> sql.Composable:
    """Return the condition that the table's row ranks above the best planned one."""
    later = sql.SQL("({}) > ({})").format(listed(order, "i"), listed(order, "f"))
    above: sql.Composable = later
    if rule.column is not None:
        shown, planned = _typed(stored, rule.column, "m"), _typed(stored, rule.column, "b")
        above = sql.SQL(
            "(coalesce({0} > {1}, {0} IS NOT NULL AND {1} IS NULL) OR {0} IS NOT DISTINCT FROM {1} AND {2})"
        ).format(shown, planned, later)
    stays = sql.SQL("m.{0} IS NOT NULL AND m.{0} <> ALL ({1}::timestamp[])").format(
        sql.Identifier(LOAD_TIMESTAMP), list(going)
    )
    return sql.SQL("{} AND {}").format(stays, above)
