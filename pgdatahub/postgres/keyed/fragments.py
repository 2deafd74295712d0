"""Parts of the statements about keyed tables: lists of columns, joins by key, and the order of imports and rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from psycopg import sql

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.model.imports import Status
from pgdatahub.model.schema import LOAD_TIMESTAMP, SOURCE_FILE, TableName

STAGING: Final = TableName(schema="pg_temp", name="_hub_staging")
"""The rows of the file that is being loaded."""
BEATEN: Final = "_beaten"
"""The companion's column that is true for rows which another row of their own file beats."""
TIMESTAMP: Final = sql.Identifier(LOAD_TIMESTAMP)
FILE: Final = sql.Identifier(SOURCE_FILE)


def identifier(table: TableName) -> sql.Identifier:
    """Return the quoted name of a table."""
    return sql.Identifier(table.schema, table.name)


def listed(names: Iterable[str], prefix: str | None = None) -> sql.Composed:
    """Return columns, separated by commas."""
    return sql.SQL(", ").join(column(name, prefix) for name in names)


def column(name: str, prefix: str | None = None) -> sql.Identifier:
    """Return a quoted column, of a table's alias if one is given."""
    return sql.Identifier(name) if prefix is None else sql.Identifier(prefix, name)


def same_key(key: Sequence[str], left: str, right: str) -> sql.Composed:
    """Return the condition that two rows have one key."""
    return sql.SQL(" AND ").join(sql.SQL("{} = {}").format(column(name, left), column(name, right)) for name in key)


def null_key(key: Sequence[str], prefix: str) -> sql.Composed:
    """Return the condition that a column of the key is NULL."""
    return sql.SQL(" OR ").join(sql.SQL("{} IS NULL").format(column(name, prefix)) for name in key)


def import_order(rule: KeyRule) -> tuple[str, ...]:
    """Return the columns of ``etl_imports`` that order imports, greatest last."""
    if rule.newest == "loaded":
        return ("imported_at",)
    if rule.newest == "modified":
        return ("modified_at", "rank_key", "imported_at")
    return ("rank_key", "imported_at")


def best_first(rule: KeyRule, row: str, imports: str) -> sql.Composed:
    """Return the terms that order rows, the greatest first; a row of no import is the last."""
    terms = [sql.SQL("{} IS NULL").format(column(LOAD_TIMESTAMP, row))]
    if rule.column is not None:
        terms.append(sql.SQL("{} DESC NULLS LAST").format(column(rule.column, row)))
    terms += [sql.SQL("{} DESC NULLS LAST").format(column(name, imports)) for name in import_order(rule)]
    return sql.SQL(", ").join(terms)


def loaded_imports(imports: sql.Identifier, table: TableName) -> sql.Composed:
    """Return the query for the loaded imports of a table; the caller adds columns and conditions around it."""
    return sql.SQL("(SELECT * FROM {} WHERE table_schema = {} AND table_name = {} AND status = {})").format(
        imports, table.schema, table.name, Status.LOADED.value
    )


def newest_import(imports: sql.Identifier, rule: KeyRule, table: TableName) -> sql.Composed:
    """Return the query for the time of the greatest loaded import of a table."""
    return sql.SQL("(SELECT imported_at FROM {} newest ORDER BY {} LIMIT 1)").format(
        loaded_imports(imports, table),
        sql.SQL(", ").join(sql.SQL("{} DESC NULLS LAST").format(sql.Identifier(name)) for name in import_order(rule)),
    )
