"""Objects that block a planned change: all found before the change, and never removed with ``CASCADE``.

Objects that block every change of a column's type come from :mod:`pgdatahub.postgres.tables.dependents`. Other objects block
some changes only. A check or an index expression has to be valid for the new type; a query without rows asks the
server. A foreign key compares with a column of its own type.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import AddColumn, AlterType, CreateTable, SchemaPlan, TableName, TableSchema
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.dependents import dependents
from pgdatahub.postgres.tables.view_proofs import prove_views
from pgdatahub.postgres.tables.views import UsingView, descriptions, recreation_obstacles, using_views
from pgdatahub.values.sql_types import SqlType

MAX_COLUMNS = 1600
"""Maximum number of columns of a table, dropped columns included
(https://www.postgresql.org/docs/current/limits.html)."""


def check_obstacles(
    connection: Connection,
    stored: TableSchema | None,
    current: TableSchema | None,
    plan: SchemaPlan,
    *,
    recreate_views: bool = False,
    companion: TableName | None = None,
) -> tuple[UsingView, ...]:
    """Check that a plan can be carried out, and return the views to recreate.

    Args:
        connection: A connection in any transaction.
        stored: The table's columns in the database; None if the table does not exist.
        current: The columns that the plan starts from: ``stored``, or the columns as earlier files will leave them.
        plan: The plan.
        recreate_views: Drop and recreate the views that use an altered column, where possible.
        companion: The table's companion, which changes like the table; views on it are not recreated.

    Returns:
        The views to recreate, each before the views that use it.

    Raises:
        SchemaError: The plan cannot be carried out; the message names every blocking object.
    """
    if not plan.changes:
        return ()
    planned = len(current.columns) if current is not None else 0
    _check_width(connection, plan, planned - (len(stored.columns) if stored is not None else 0))
    if stored is None:
        return ()
    alterations = [change for change in plan.changes if isinstance(change, AlterType) and change.name in stored.by_name]
    foreign = _foreign_owner(connection, plan.table)
    found = [*([foreign] if foreign else ()), *_table_obstacles(connection, plan)]
    views: tuple[UsingView, ...] = ()
    if alterations:
        views = using_views(connection, plan.table, [change.name for change in alterations])
        if recreate_views:
            found += recreation_obstacles(connection, views)
            views, problem = prove_views(connection, stored, _new_types(alterations), views)
            found += [problem] if problem else []
        found += _blocking(
            connection, plan.table, alterations, apart=descriptions(connection, views) if recreate_views else ()
        )
        if not recreate_views:
            found += _upon(found, views)
        found += _structural(connection, plan.table, alterations)
        found += _foreign_keys(connection, plan.table, alterations)
        found += _expressions(connection, stored, alterations)
        if companion is not None:
            found += (f"{one} of {companion}" for one in _blocking(connection, companion, alterations, apart=()))
    if found:
        raise SchemaError(
            f"the table must change for the file ({_changes(plan)}), and this stands in the way: {'; '.join(found)}",
            where=f"table {plan.table}",
            hint=(_NOT_OWNED if len(found) == 1 and foreign else "drop what is named, run again, and make it again")
            + "; or keep the file out with types: freeze"
            + ("; views: recreate does it for views" if views and not recreate_views else ""),
        )
    return views


def _changes(plan: SchemaPlan) -> str:
    parts = [
        f"{change.name} from {change.old.label} to {change.new.label}"
        if isinstance(change, AlterType)
        else f"new column {change.column.name}"
        for change in plan.changes
        if not isinstance(change, CreateTable)
    ]
    more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
    return ", ".join(parts[:5]) + more


def _check_width(connection: Connection, plan: SchemaPlan, planned_before: int) -> None:
    added = sum(
        len(change.columns) if isinstance(change, CreateTable) else isinstance(change, AddColumn)
        for change in plan.changes
    )
    if not added:
        return
    query = """
        SELECT count(*) AS used, count(*) FILTER (WHERE a.attisdropped) AS dropped
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
    """
    row = connection.one(query, {"schema": plan.table.schema, "name": plan.table.name})
    total = row.used + planned_before + added
    if total > MAX_COLUMNS:
        dropped = f", {row.dropped:,} dropped ones included" if row.dropped else ""
        raise SchemaError(
            f"the table would have {total:,} columns{dropped}, and PostgreSQL allows {MAX_COLUMNS:,}",
            where=f"table {plan.table}",
            hint="skip: leaves columns out; one sheet for several tables may be split into several folders",
        )


_NOT_OWNED = "load as that role, or have it alter the table"


def _foreign_owner(connection: Connection, table: TableName) -> str | None:
    if catalog.owns_table(connection, table):
        return None
    query = """
        SELECT pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
    """
    owner = connection.scalar(query, {"schema": table.schema, "name": table.name})
    return f"the table belongs to the role {owner}, and only its members may alter it"


def _table_obstacles(connection: Connection, plan: SchemaPlan) -> Iterator[str]:
    query = """
        SELECT c.relispartition AS partition, c.reloftype <> 0 AS typed
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
    """
    row = connection.one(query, {"schema": plan.table.schema, "name": plan.table.name})
    if row.typed:
        yield "the table is made of a composite type"
    if row.partition and any(isinstance(change, AddColumn) for change in plan.changes):
        yield "the table is a partition, and columns are added to the whole only"


def _upon(found: Iterable[str], views: Iterable[UsingView]) -> list[str]:
    """Return the views that use the named views and are not named yet."""
    named = {text.partition(" (uses ")[0] for text in found}
    return [f"{view.description} upon it" for view in views if view.description not in named]


def _blocking(
    connection: Connection, table: TableName, alterations: Iterable[AlterType], *, apart: Collection[str]
) -> Iterator[str]:
    names = {change.name for change in alterations}
    for dependent in dependents(connection, table):
        if dependent.description in apart:
            continue
        if dependent.blocks_alter and (dependent.column is None or dependent.column in names):
            yield dependent.description + (f" (uses {dependent.column})" if dependent.column else "")


def _structural(connection: Connection, table: TableName, alterations: Iterable[AlterType]) -> Iterator[str]:
    query = """
        SELECT a.attname AS name, a.attinhcount > 0 AS inherited,
               coalesce(a.attnum = ANY (p.partattrs::int2[]), false) OR EXISTS (
                   SELECT FROM pg_depend d
                    WHERE p.partexprs IS NOT NULL AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.objsubid = 0 AND d.refobjid = c.oid AND d.refobjsubid = a.attnum) AS key
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid
     LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(names)s)
    """
    names = [change.name for change in alterations]
    for row in connection.execute(query, {"schema": table.schema, "name": table.name, "names": names}):
        if row.key:
            yield f"the table is partitioned by {row.name}"
        if row.inherited:
            yield f"{row.name} is inherited from another table"


def _new_types(alterations: Iterable[AlterType]) -> dict[str, str]:
    return {change.name: change.new.sql for change in alterations}


_INTEGERS = (SqlType.INTEGER, SqlType.BIGINT, SqlType.BIGINT_WIDE)


def _foreign_keys(connection: Connection, table: TableName, alterations: Iterable[AlterType]) -> Iterator[str]:
    # A foreign key needs an index that compares both types; of our types, only integers of two sizes have one.
    names = [change.name for change in alterations if change.new not in _INTEGERS]
    query = """
        SELECT DISTINCT k.conname AS name, k.conrelid::regclass::text AS referencing
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid
          JOIN pg_constraint k ON k.contype = 'f' AND ((k.conrelid = c.oid AND a.attnum = ANY (k.conkey))
                                                    OR (k.confrelid = c.oid AND a.attnum = ANY (k.confkey)))
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attname = ANY (%(names)s)
      ORDER BY 1, 2
    """
    for row in connection.execute(query, {"schema": table.schema, "name": table.name, "names": names}):
        yield f"foreign key {row.name} of {row.referencing}"


def _expressions(connection: Connection, current: TableSchema, alterations: Iterable[AlterType]) -> Iterator[str]:
    """Yield the checks and indexes whose expressions are invalid for the new types."""
    query = """
        WITH wanted AS (
            SELECT c.oid, array_agg(a.attnum) AS columns
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (%(names)s)
             WHERE n.nspname = %(schema)s AND c.relname = %(name)s GROUP BY c.oid
        )
        SELECT 'check ' || quote_ident(k.conname) AS description, pg_get_expr(k.conbin, k.conrelid) AS expression
          FROM wanted JOIN pg_constraint k ON k.conrelid = wanted.oid AND k.contype = 'c' AND k.conkey && wanted.columns
         UNION ALL
        SELECT 'index ' || i.indexrelid::regclass::text, concat_ws(
                   ', ', pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid))
          FROM wanted JOIN pg_index i ON i.indrelid = wanted.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
         WHERE EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = wanted.oid
                          AND d.refobjsubid = ANY (wanted.columns))
    """
    new = _new_types(alterations)
    parameters = {"schema": current.table.schema, "name": current.table.name, "names": list(new)}
    expressions = connection.execute(query, parameters).fetchall()
    # A row of the table as it will be; the type names are those of format_type.
    columns = sql.SQL(", ").join(
        sql.SQL("NULL::{} AS {}").format(
            _catalog_text(new.get(column.name, column.type.sql)), sql.Identifier(column.name)
        )
        for column in current.columns
    )
    driver = driver_connection(connection)
    for row in expressions:
        probe = sql.SQL("SELECT {} FROM (SELECT {}) AS {} LIMIT 0").format(
            _catalog_text(row.expression), columns, sql.Identifier(current.table.name)
        )
        try:
            with driver.transaction():
                driver.execute(probe)
        except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
            yield f"{row.description} ({error.diag.message_primary})"
        except psycopg.DataError:
            continue  # a failure on a constant of the expression says nothing about the type


def _catalog_text(fragment: str) -> sql.SQL:
    """Return an expression or a type from the server's catalog unchanged; it is not user input."""
    return sql.SQL(fragment)
