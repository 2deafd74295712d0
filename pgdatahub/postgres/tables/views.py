"""Views that use a column, the views that use these, and the check that all of them can be recreated.

A view blocks a change of a column's type. In a folder with ``views: recreate``, a load drops the views, alters the
table, and recreates the views in the same transaction (:mod:`pgdatahub.postgres.tables.view_definitions`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection

SET_VERSION: Final = 160000
"""``server_version_num`` from which a member of a role may lack the right to ``SET`` it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsingView:
    """A view that uses a column, directly or through other views.

    Attributes:
        oid: Its number in the catalog.
        description: The view for messages, such as ``view public.totals``.
        materialized: It stores rows of its own, and is never recreated.
        owned: The current role may drop it and give it back to its owner.
        owner: The role that owns it.
        temporary: It belongs to a session, which may be another one.
        proved: A proof showed that it can be recreated upon the changed table; see :mod:`pgdatahub.postgres.tables.view_proofs`.
    """

    oid: int
    description: str
    materialized: bool
    owned: bool
    owner: str
    temporary: bool
    proved: bool = False


_VIEWS = """
    WITH RECURSIVE used(oid, depth) AS (
        SELECT r.ev_class, 1
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (%(columns)s)
          JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
          JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s
         UNION
        SELECT r.ev_class, used.depth + 1
          FROM used
          JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = used.oid
          JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
         WHERE r.ev_class <> used.oid
    )
    SELECT used.oid::bigint AS oid, pg_describe_object('pg_class'::regclass, used.oid, 0) AS description,
           v.relkind = 'm' AS materialized, pg_has_role(v.relowner, 'USAGE') AS owned,
           pg_get_userbyid(v.relowner) AS owner, v.relpersistence = 't' AS temporary
      FROM used JOIN pg_class v ON v.oid = used.oid
  GROUP BY used.oid, v.relkind, v.relowner, v.relpersistence
  ORDER BY max(used.depth), used.oid
"""

_DEPENDENTS = """
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on view ' || v.oid::regclass::text
      FROM pg_class v JOIN pg_type t ON t.oid = v.reltype
      JOIN pg_depend d ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid)
                       OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray))
     WHERE v.oid::bigint = ANY (%(oids)s) AND d.deptype = 'n'
       AND NOT EXISTS (SELECT FROM pg_rewrite r
                        WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class::bigint = ANY (%(oids)s))
       AND NOT EXISTS (SELECT FROM pg_trigger g
                        WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid AND g.tgrelid::bigint = ANY (%(oids)s))
     UNION
    SELECT 'view ' || d.objid::regclass::text || ' belongs to an extension' FROM pg_depend d
     WHERE d.classid = 'pg_class'::regclass AND d.objid::bigint = ANY (%(oids)s) AND d.deptype = 'e'
     UNION
    SELECT 'view ' || l.objoid::regclass::text || ' has a security label' FROM pg_seclabel l
     WHERE l.classoid = 'pg_class'::regclass AND l.objoid::bigint = ANY (%(oids)s)
  ORDER BY 1
"""

_RIGHTS = """
    SELECT 'view ' || v.oid::regclass::text AS description, v.relnamespace::regnamespace::text AS schema,
           pg_get_userbyid(v.relowner)::text AS owner,
           has_schema_privilege(v.relnamespace, 'CREATE') AS may_create,
           v.relowner = me.oid OR pg_has_role(v.relowner, %(become)s) AS may_give,
           v.relowner = me.oid OR me.rolsuper OR has_schema_privilege(v.relowner, v.relnamespace, 'CREATE') AS may_own,
           (SELECT min(pg_get_userbyid(g.grantor)::text)
              FROM (SELECT (aclexplode(v.relacl)).grantor
                     UNION
                    SELECT (aclexplode(a.attacl)).grantor FROM pg_attribute a WHERE a.attrelid = v.oid) g
             WHERE g.grantor <> v.relowner AND NOT pg_has_role(g.grantor, %(become)s)) AS grantor
      FROM pg_class v JOIN pg_roles me ON me.rolname = current_user
     WHERE v.oid::bigint = ANY (%(oids)s)
  ORDER BY 1
"""

_PARTS = """
    SELECT pg_describe_object('pg_rewrite'::regclass, oid, 0) FROM pg_rewrite WHERE ev_class::bigint = ANY (%(oids)s)
     UNION ALL
    SELECT pg_describe_object('pg_trigger'::regclass, oid, 0) FROM pg_trigger WHERE tgrelid::bigint = ANY (%(oids)s)
"""


def using_views(connection: Connection, table: TableName, columns: Collection[str]) -> tuple[UsingView, ...]:
    """Return the views that use one of a table's columns, each before the views that use it."""
    parameters = {"schema": table.schema, "name": table.name, "columns": list(columns)}
    return tuple(UsingView(**row._asdict()) for row in connection.execute(_VIEWS, parameters))


def descriptions(connection: Connection, views: Collection[UsingView]) -> frozenset[str]:
    """Return views, their rules and triggers as :func:`~pgdatahub.postgres.tables.dependents.dependents` describes them."""
    if not views:
        return frozenset()
    parts = connection.execute(_PARTS, {"oids": [view.oid for view in views]}).fetchall()
    return frozenset({*(view.description for view in views), *(part[0] for part in parts)})


def describe_recreation(views: Collection[UsingView]) -> str:
    """Return a notice, before a change, about views that it recreates."""
    unproved = ", ".join(view.description for view in views if not view.proved)
    doubt = f"; only the change itself shows whether {unproved} can be recreated, and nothing changes if not"
    return f"recreates {_listed(views)}{doubt if unproved else ''}"


def describe_recreated(views: Collection[UsingView]) -> str:
    """Return a notice, after a change, about views that it recreated."""
    return f"recreated {_listed(views)}"


def _listed(views: Iterable[UsingView]) -> str:
    return ", ".join(view.description for view in views)


def recreation_obstacles(connection: Connection, views: Collection[UsingView]) -> Iterator[str]:
    """Yield the reasons why views cannot be dropped and recreated."""
    for view in views:
        if view.materialized:
            yield f"{view.description} holds rows of its own and is not recreated"
        elif view.temporary:
            yield f"{view.description} is a temporary view of a session"
        elif not view.owned:
            yield f"{view.description} belongs to the role {view.owner}, and this role is not a member of it"
    if views:
        rows = connection.execute(_DEPENDENTS, {"oids": [view.oid for view in views]})
        yield from (row[0] for row in rows)
    yield from _missing_rights(connection, [view for view in views if view.owned and not view.materialized])


def _missing_rights(connection: Connection, views: Collection[UsingView]) -> Iterator[str]:
    """Yield the rights whose absence would let the change of the table fail at its end, when the views are made again."""
    if not views:
        return
    become = "SET" if connection.driver.info.server_version >= SET_VERSION else "MEMBER"
    for row in connection.execute(_RIGHTS, {"oids": [view.oid for view in views], "become": become}):
        if not row.may_create:
            yield f"{row.description} cannot be made again: this role lacks CREATE on the schema {row.schema}"
        elif not row.may_give:
            yield f"{row.description} belongs to the role {row.owner}, which this role may not SET"
        elif not row.may_own:
            yield f"{row.description} cannot be given back to the role {row.owner}: it lacks CREATE on the schema {row.schema}"
        if row.grantor is not None:
            yield f"{row.description} has grants by the role {row.grantor}, and only a member of it can give them again"
