"""Proof, without a change of the database, that views can be recreated upon changed column types.

The server analyses each view's query, and does not plan or run it, with the table and the views in between replaced by
common table expressions of the new types. Some queries cannot be analysed in that form: those with ``FOR UPDATE``, system
columns, or the table's row type. Such a query fails with the present types too, and then nothing is known about the view.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import pq, sql

from pgdatahub.model.schema import TableSchema
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.tables.views import UsingView

_PATH = """
    SELECT set_config('search_path', concat_ws(', ', 'pg_catalog', (
               SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_class c
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.oid::bigint = ANY (%(oids)s) OR (n.nspname, c.relname) = (%(schema)s, %(name)s)
           ), nullif(current_setting('search_path'), '')), true)
"""
_RELATIONS = """
    SELECT c.relname::text AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS qualified,
           pg_table_is_visible(c.oid) AS visible,
           CASE WHEN v.number IS NOT NULL THEN rtrim(pg_get_viewdef(c.oid), '; ') END AS query,
           v.number IS NOT NULL AND (
               EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = c.oid)
            OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')) AS more
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN unnest(%(oids)s::bigint[]) WITH ORDINALITY v(oid, number) ON v.oid = c.oid::bigint
     WHERE v.number IS NOT NULL OR (n.nspname, c.relname) = (%(schema)s, %(name)s)
  ORDER BY v.number NULLS FIRST
"""


def prove_views(
    connection: Connection, current: TableSchema, new_types: Mapping[str, str], views: Sequence[UsingView]
) -> tuple[tuple[UsingView, ...], str | None]:
    """Try whether views can be recreated after a change.

    Args:
        connection: A connection in any transaction.
        current: The table before the change.
        new_types: Column → its type after the change, as SQL.
        views: The views to recreate, each before the views that use it.

    Returns:
        The views with the result, and the reason if one of them cannot be recreated.
    """
    if not views:
        return (), None
    driver = driver_connection(connection)
    values = {
        "oids": [view.oid for view in views],
        "schema": current.table.schema,
        "name": current.table.name,
    }
    with driver.transaction(force_rollback=True):  # of the search path
        connection.execute(_PATH, values)
        relations = connection.execute(_RELATIONS, values).fetchall()
        table, *found = relations
        if len({row.name for row in relations}) < len(relations) or not all(row.visible for row in relations):
            return tuple(views), None
        before: list[tuple[str, sql.Composable]] = [(table.name, _rows(current, {}))]
        after: list[tuple[str, sql.Composable]] = [(table.name, _rows(current, new_types))]
        proved = []
        for view, row in zip(views, found, strict=True):
            if any(relation.qualified in row.query for relation in relations):
                break  # the query has an expression of the same name as a relation
            query = _catalog_text(row.query)
            problem = _problem(driver, after, query)
            if problem is not None and not _of_rows(problem) and _problem(driver, before, query) is None:
                return tuple(views), f"{view.description} cannot be made again: {problem}"
            if problem is not None:
                break  # the views upon it would have nothing to be analysed with
            proved.append(replace(view, proved=not row.more))
            before.append((row.name, query))
            after.append((row.name, query))
        return (*proved, *views[len(proved) :]), None


def _rows(current: TableSchema, types: Mapping[str, str]) -> sql.Composed:
    """Return a query with the columns of a table, some of other types."""
    columns = sql.SQL(", ").join(
        sql.SQL("NULL::{} AS {}").format(
            _catalog_text(types.get(column.name, column.type.sql)), sql.Identifier(column.name)
        )
        for column in current.columns
    )
    return sql.SQL("SELECT {}").format(columns)


def _problem(
    driver: psycopg.Connection[Any], relations: Sequence[tuple[str, sql.Composable]], query: sql.Composable
) -> str | None:
    """Return the server's reason for not understanding a query with other relations; None if it does."""
    expressions = sql.SQL(", ").join(
        sql.SQL("{} AS ({})").format(sql.Identifier(name), body) for name, body in relations
    )
    text = sql.SQL("WITH {} SELECT FROM ({}) AS {}").format(expressions, query, sql.Identifier("view"))
    try:
        with driver.transaction():
            answer = driver.pgconn.prepare(b"", text.as_bytes(driver))
            if answer.status != pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(answer, driver.info.encoding)
    except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.DataError) as error:
        return error.diag.message_primary or str(error)
    return None


def _of_rows(problem: str) -> bool:
    """Return whether an error is about whole rows, which are of the type ``record`` here and of the table's type in the view."""
    return re.search(r"\brecord\b", problem) is not None  # the names of types are the same in all languages


def _catalog_text(fragment: str) -> sql.SQL:
    """Return text from the server's catalog unchanged; it is not user input."""
    return sql.SQL(fragment)
