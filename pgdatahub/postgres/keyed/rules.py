"""The rules in force for keyed tables and snapshots: the rows of ``etl_tables``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule, check_stored_rule
from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.schema import IMPORTS, KEYED_TABLES, RESERVED_COLUMNS, TableName
from pgdatahub.postgres.keyed.both import companion_exists, companion_of, companion_values
from pgdatahub.postgres.keyed.names import companion_name, timestamp_index
from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRule:
    """The rule in force for a table.

    Attributes:
        table: The table.
        rule: The key and the order of rows.
        companion: The table of all rows that are not in the table.
        key_index: The unique index on the key; None for a snapshot.
        index_is_ours: pgdatahub made that index.
        columns: The columns that imports have, without ``source_file`` and ``load_timestamp``; all other columns belong to
            the keys.
    """

    table: TableName
    rule: KeyRule
    companion: TableName
    key_index: str | None
    index_is_ours: bool
    columns: tuple[str, ...]

    @property
    def row_columns(self) -> tuple[str, ...]:
        """The columns of a row that is in the companion or comes from there."""
        return (*self.columns, *RESERVED_COLUMNS)

    @property
    def own_indexes(self) -> tuple[str, ...]:
        """The names of the indexes of the table that pgdatahub made."""
        key_index = [self.key_index] if self.index_is_ours and self.key_index is not None else []
        return (timestamp_index(self.table), *key_index)

    def needs(self, column: str) -> bool:
        """Return whether the rule is about a column, which tells the rows of a key, their order, or their import."""
        return column in (*self.rule.key, self.rule.column, *RESERVED_COLUMNS)

    def with_columns(self, names: Iterable[str]) -> TableRule:
        """Return the rule with further columns of imports."""
        new = [name for name in names if name not in self.columns and name not in RESERVED_COLUMNS]
        return replace(self, columns=(*self.columns, *new)) if new else self

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> TableRule:
        """Return the rule in a row of ``etl_tables``.

        Raises:
            HistoryDamagedError: A user changed the row.
        """
        schema = row["table_schema"]
        rule = KeyRule(
            mode=row["mode"],
            key=tuple(row["key"]),
            newest=row["newest"],
            duplicates=row["duplicates"],
            missing=row["missing"],
        )
        try:
            check_stored_rule(rule)
        except ValueError as error:
            raise HistoryDamagedError(
                f"the row of {schema}.{row['table_name']} in {KEYED_TABLES} was changed by hand: {error}",
                hint="give it back the values of the folder's options, or restore it from a backup",
            ) from error
        return cls(
            table=TableName(schema=schema, name=row["table_name"]),
            rule=rule,
            companion=TableName(schema=schema, name=row["companion"]),
            key_index=row["key_index"],
            index_is_ours=row["index_is_ours"],
            columns=tuple(row["columns"]),
        )


def rule_subquery(history_schema: str) -> sql.Composed:
    """Return the scalar subquery for the rule of the table %(schema)s.%(name)s, or of the table whose companion it is."""
    return sql.SQL("""
        (SELECT to_jsonb(r) - 'xids' FROM {} r
          WHERE r.table_schema = %(schema)s AND %(name)s IN (r.table_name, r.companion) LIMIT 1)
    """).format(sql.Identifier(history_schema, KEYED_TABLES))


def find_rule(connection: Connection, history_schema: str, table: TableName) -> TableRule | None:
    """Return the rule of a table, or of the table whose companion it is; None if all its rows are in it.

    Raises:
        HistoryDamagedError: A user deleted or changed the row of the rule.
    """
    readable = _is_readable(connection, history_schema)
    if not readable and companion_of(connection, table) is None:
        return None
    query = sql.SQL("SELECT {rule} AS rule, {beside} AND {loaded} AS lost").format(
        rule=sql.SQL("NULL::jsonb") if readable is None else rule_subquery(history_schema),
        beside=companion_exists(),
        loaded=_LOADED.format(sql.Identifier(history_schema, IMPORTS)),
    )
    row = connection.one(query, {"schema": table.schema, "name": table.name, **companion_values(table)})
    if row.rule is not None:
        return TableRule.from_row(row.rule)
    if row.lost:
        raise lost_rule(table)
    return None


_LOADED = sql.SQL(
    "EXISTS (SELECT FROM {} WHERE table_schema = %(schema)s AND table_name = %(name)s AND status = 'loaded')"
)
_LOST = sql.SQL("""
    SELECT DISTINCT i.table_schema, i.table_name FROM {imports} i WHERE i.status = 'loaded' AND NOT EXISTS (
        SELECT FROM {rules} r WHERE (r.table_schema, r.table_name) = (i.table_schema, i.table_name))
""")


def lost_rules(connection: Connection, history_schema: str) -> set[TableName]:
    """Return the tables with imports and a companion that have no rule; their metadata tables exist."""
    query = _LOST.format(
        imports=sql.Identifier(history_schema, IMPORTS), rules=sql.Identifier(history_schema, KEYED_TABLES)
    )
    tables = (TableName(schema=row[0], name=row[1]) for row in connection.execute(query).fetchall())
    return {table for table in tables if companion_of(connection, table) is not None}


def lost_rule(table: TableName) -> HistoryDamagedError:
    """Return the error of a table that has a companion and no rule."""
    return HistoryDamagedError(
        f"{KEYED_TABLES} has no row for the table {table}, whose rows that others replace are in {companion_name(table)}: it was"
        " deleted by hand",
        hint="run --adopt puts the rule of the folder's options in force; or restore the row from a backup",
    )


def all_rules(connection: Connection, history_schema: str) -> dict[TableName, TableRule]:
    """Return table → its rule, of all tables that have one."""
    if not _is_readable(connection, history_schema):
        return {}
    query = sql.SQL("SELECT to_jsonb(r) - 'xids' AS rule FROM {} r").format(
        sql.Identifier(history_schema, KEYED_TABLES)
    )
    rules = (TableRule.from_row(row.rule) for row in connection.execute(query))
    return {one.table: one for one in rules}


def _is_readable(connection: Connection, history_schema: str) -> bool | None:
    """Return whether this role may read the rules; None if the metadata tables of an earlier version have none."""
    query = """
        SELECT has_table_privilege(c.oid, 'SELECT')
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'companion'
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind = 'r'
    """
    found: bool | None = connection.scalar(query, {"schema": history_schema, "name": KEYED_TABLES})
    return found


def store_rule(connection: Connection, history_schema: str, rule: TableRule) -> None:
    """Put a rule in force, or replace the rule of its table."""
    values = {
        "table_schema": rule.table.schema,
        "table_name": rule.table.name,
        "mode": rule.rule.mode,
        "key": list(rule.rule.key),
        "newest": rule.rule.newest,
        "duplicates": rule.rule.duplicates,
        "missing": rule.rule.missing,
        "companion": rule.companion.name,
        "key_index": rule.key_index,
        "index_is_ours": rule.index_is_ours,
        "columns": list(rule.columns),
    }
    connection.execute(_upsert(history_schema, tuple(values)), values)


@lru_cache(maxsize=4)
def _upsert(history_schema: str, names: tuple[str, ...]) -> bytes:
    changed = names[2:]
    query = sql.SQL(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (table_schema, table_name) DO UPDATE SET ({}) = ROW ({})"
    ).format(
        sql.Identifier(history_schema, KEYED_TABLES),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
        sql.SQL(", ").join(map(sql.Identifier, changed)),
        sql.SQL(", ").join(sql.Identifier("excluded", name) for name in changed),
    )
    return query.as_bytes(None)


def forget_rule(connection: Connection, history_schema: str, table: TableName) -> None:
    """End the rule of a table."""
    query = sql.SQL("DELETE FROM {} WHERE table_schema = %s AND table_name = %s")
    connection.execute(query.format(sql.Identifier(history_schema, KEYED_TABLES)), (table.schema, table.name))


def current_xid(connection: Connection, history_schema: str, table: TableName) -> int:
    """Return the number that rows written now get as ``xmin``; the table has a rule.

    ``txid_current()`` is the number of the outermost transaction; rows written under a savepoint have another.
    """
    query = sql.SQL(
        "UPDATE {} SET mode = mode WHERE table_schema = %s AND table_name = %s RETURNING xmin::text::bigint"
    )
    found: int = connection.scalar(
        query.format(sql.Identifier(history_schema, KEYED_TABLES)), (table.schema, table.name)
    )
    return found


def recorded_xids(connection: Connection, history_schema: str, table: TableName) -> list[int]:
    """Return the recorded transactions that wrote rows of a table with a rule, other than loads."""
    query = sql.SQL("SELECT xids FROM {} WHERE table_schema = %s AND table_name = %s")
    found = connection.scalar(query.format(sql.Identifier(history_schema, KEYED_TABLES)), (table.schema, table.name))
    return list(found or ())


def add_xids(connection: Connection, history_schema: str, table: TableName, xids: list[int]) -> None:
    """Record further transactions that wrote rows of a table with a rule."""
    query = sql.SQL("UPDATE {} SET xids = xids || %s::bigint[] WHERE table_schema = %s AND table_name = %s")
    connection.execute(query.format(sql.Identifier(history_schema, KEYED_TABLES)), (xids, table.schema, table.name))


def record_xid(connection: Connection, history_schema: str, table: TableName) -> None:
    """Record that this transaction, which is not a load, writes rows of a table with a rule."""
    xid = current_xid(connection, history_schema, table)
    query = sql.SQL("UPDATE {} SET xids = xids || %s::bigint WHERE table_schema = %s AND table_name = %s")
    connection.execute(query.format(sql.Identifier(history_schema, KEYED_TABLES)), (xid, table.schema, table.name))
