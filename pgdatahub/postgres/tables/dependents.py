"""Objects that depend on a table or on its columns, so that an error can name the objects that block a change.

PostgreSQL names one such object at a time, and only when the change is tried; ``pg_depend`` lists all of them
beforehand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Dependent:
    """An object that depends on a column, or on a table as a whole.

    Attributes:
        column: The column; None if the object depends on the table.
        description: The object for messages, such as ``view public.totals``.
        blocks_alter: The object blocks a change of the column's type.
        part_of_table: The object belongs to the table and is dropped with it (an index, a constraint, a trigger …); any
            other object blocks dropping the table. Dropping a column would drop some objects of either kind; the others
            block it.
    """

    column: str | None
    description: str
    blocks_alter: bool
    part_of_table: bool


_DEPENDENTS = """
    WITH wanted AS (
        SELECT c.oid, c.reltype
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p')
    ), reference AS (
        SELECT d.classid, d.objid, d.objsubid, d.refobjsubid, d.deptype, wanted.oid AS table_oid
          FROM wanted JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = wanted.oid
         WHERE d.deptype IN ('n', 'a')
         UNION ALL
        -- Functions and columns that use the table's row type.
        SELECT d.classid, d.objid, d.objsubid, 0, d.deptype, wanted.oid
          FROM wanted JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = wanted.reltype
         WHERE d.deptype = 'n'
    ), found AS (
        SELECT classid, objid, max(objsubid) AS objsubid, refobjsubid, table_oid,
               bool_or(bool_or(deptype = 'a')) OVER (PARTITION BY classid, objid) AS part_of_table
          FROM reference
      GROUP BY classid, objid, refobjsubid, table_oid,
               CASE WHEN classid = 'pg_class'::regclass AND objid = table_oid THEN objsubid END
    )
    SELECT DISTINCT
           a.attname AS column_name,
           CASE WHEN v.oid IS NOT NULL AND r.rulename = '_RETURN'
                THEN pg_describe_object('pg_class'::regclass, v.oid, 0)
                WHEN g.attname IS NOT NULL THEN 'generated column ' || quote_ident(g.attname)
                ELSE pg_describe_object(f.classid, f.objid, f.objsubid) END AS description,
           CASE WHEN a.attname IS NULL THEN f.classid = 'pg_class'::regclass AND i.relkind <> 'v'
                ELSE g.attname IS NOT NULL
                     OR f.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass,
                                      'pg_proc'::regclass, 'pg_publication_rel'::regclass) END AS blocks_alter,
           f.part_of_table OR g.attname IS NOT NULL AS part_of_table
      FROM found f
 LEFT JOIN pg_attribute a ON a.attrelid = f.table_oid AND a.attnum = f.refobjsubid AND a.attnum > 0
 LEFT JOIN pg_rewrite r ON f.classid = 'pg_rewrite'::regclass AND r.oid = f.objid
 LEFT JOIN pg_class v ON v.oid = r.ev_class
 LEFT JOIN pg_attrdef e ON f.classid = 'pg_attrdef'::regclass AND e.oid = f.objid
            -- Before PostgreSQL 14 the generated column depends on the others, later its expression does.
LEFT JOIN pg_attribute g ON g.attgenerated <> '' AND (g.attrelid, g.attnum) <> (f.table_oid, f.refobjsubid)
                         AND ((g.attrelid = e.adrelid AND g.attnum = e.adnum)
                           OR (f.classid = 'pg_class'::regclass AND f.objid = f.table_oid
                               AND g.attrelid = f.objid AND g.attnum = f.objsubid))
 LEFT JOIN pg_class i ON f.classid = 'pg_class'::regclass AND i.oid = f.objid
 LEFT JOIN pg_constraint k ON f.classid = 'pg_constraint'::regclass AND k.oid = f.objid
     WHERE -- A column's own default, and its NOT NULL, which is a constraint from PostgreSQL 18 on.
           NOT (f.classid = 'pg_attrdef'::regclass AND g.attname IS NULL)
       AND k.contype IS DISTINCT FROM 'n'
       AND (a.attname IS NOT NULL OR NOT f.part_of_table)
           -- Indexes that pgdatahub made.
       AND (i.relname IS NULL OR i.relname <> ALL (%(own_indexes)s))
  ORDER BY column_name, description
"""


def dependents(connection: Connection, table: TableName, *, own_indexes: Collection[str] = ()) -> tuple[Dependent, ...]:
    """Return the objects that depend on a table and on its columns; indexes and constraints included.

    Args:
        connection: A connection in any transaction.
        table: The table.
        own_indexes: The names of pgdatahub's own indexes, which the result leaves out.
    """
    parameters = {"schema": table.schema, "name": table.name, "own_indexes": list(own_indexes)}
    return tuple(
        Dependent(
            column=row.column_name,
            description=row.description,
            blocks_alter=row.blocks_alter,
            part_of_table=row.part_of_table,
        )
        for row in connection.execute(_DEPENDENTS, parameters)
    )
