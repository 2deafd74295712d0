"""Definitions of views that can recreate them: owner, grants, comments, options, defaults, rules, triggers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection
from pgdatahub.postgres.tables.views import UsingView

_Driver = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDefinition:
    """A view as statements.

    Attributes:
        oid: Its number in the catalog, before it was dropped.
        description: The view for messages.
        name: Its name, quoted.
        owner: The role that owns it.
        statements: The statements that recreate it, except its owner.
        grants: Its privileges, and its columns': grantor, grantee (empty for PUBLIC), privilege, grantable, column.
    """

    oid: int
    description: str
    name: sql.Composed
    owner: str
    statements: tuple[sql.Composed, ...]
    grants: tuple[tuple[str, str, str, bool, str | None], ...]


def take_down(connection: Connection, views: Sequence[UsingView]) -> tuple[ViewDefinition, ...]:
    """Drop views, and return the definitions that recreate them.

    Args:
        connection: A connection in the transaction that alters the table.
        views: The views, each before the views that use it.

    Raises:
        SchemaError: A view cannot be dropped.
    """
    driver = driver_connection(connection)
    definitions = tuple(_define(driver, view) for view in views)
    if definitions:
        names = sql.SQL(", ").join(definition.name for definition in definitions)
        _execute(driver, sql.SQL("DROP VIEW {}").format(names), definitions[0], "dropped")
    return definitions


def put_up(connection: Connection, definitions: Sequence[ViewDefinition], table: TableName) -> None:
    """Recreate views.

    Raises:
        SchemaError: A view does not fit the altered table, or cannot be given to its owner; the message names the view.
    """
    driver = driver_connection(connection)
    for definition in definitions:
        for statement in definition.statements:
            _execute(driver, statement, definition, f"made again upon the table {table}")
        if definition.owner != driver.execute("SELECT current_user").fetchone()[0]:  # type: ignore[index]
            owner = sql.SQL("ALTER VIEW {} OWNER TO {}").format(definition.name, sql.Identifier(definition.owner))
            _execute(driver, owner, definition, f"given back to the role {definition.owner}")
        for statement in _privileges(driver, definition):
            _execute(driver, statement, definition, "given its grants")


def _execute(driver: _Driver, statement: sql.Composed, definition: ViewDefinition, done: str) -> None:
    try:
        driver.execute(statement)
    except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError, psycopg.DataError) as error:
        raise SchemaError(
            f"{definition.description} cannot be {done}: {error.diag.message_primary}",
            hint="change or drop the view, run again, and make it again; nothing of the file was kept",
        ) from error


def _define(driver: _Driver, view: UsingView) -> ViewDefinition:
    schema, name, body, options, owner = _row(
        driver,
        "SELECT n.nspname, c.relname, pg_get_viewdef(c.oid), c.reloptions, pg_get_userbyid(c.relowner)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s",
        view.oid,
    )
    identifier = sql.Composed([sql.Identifier(schema, name)])
    settings = [option.partition("=") for option in options or ()]
    written = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(key), sql.Literal(value)) for key, _, value in settings
    )
    create = sql.SQL("CREATE VIEW {} {} AS {}").format(
        identifier, sql.SQL("WITH ({})").format(written) if settings else sql.SQL(""), _catalog_text(body)
    )
    return ViewDefinition(
        oid=view.oid,
        description=view.description,
        name=identifier,
        owner=owner,
        statements=(create, *_extras(driver, view.oid, identifier)),
        grants=tuple(driver.execute(_GRANTS, [view.oid, view.oid]).fetchall()),
    )


def _extras(driver: _Driver, oid: int, name: sql.Composed) -> Iterator[sql.Composed]:
    """Yield the statements for the parts of a view beside its query: defaults, rules, triggers, comments."""
    defaults = driver.execute(
        "SELECT a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d"
        " JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = %s ORDER BY a.attnum",
        [oid],
    )
    for column, expression in defaults.fetchall():
        template = sql.SQL("ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {}")
        yield template.format(name, sql.Identifier(column), _catalog_text(expression))
    rules = driver.execute(
        "SELECT rulename, pg_get_ruledef(oid), ev_enabled::text, obj_description(oid, 'pg_rewrite') FROM pg_rewrite"
        " WHERE ev_class = %s AND rulename <> '_RETURN' ORDER BY rulename",
        [oid],
    )
    for rule, definition, enabled, comment in rules.fetchall():
        yield sql.Composed([_catalog_text(definition)])
        yield from _state(name, "RULE", rule, enabled, comment)
    triggers = driver.execute(
        "SELECT tgname, pg_get_triggerdef(oid), tgenabled::text, obj_description(oid, 'pg_trigger') FROM pg_trigger"
        " WHERE tgrelid = %s AND NOT tgisinternal ORDER BY tgname",
        [oid],
    )
    for trigger, definition, enabled, comment in triggers.fetchall():
        yield sql.Composed([_catalog_text(definition)])
        yield from _state(name, "TRIGGER", trigger, enabled, comment)
    comments = driver.execute(
        "SELECT a.attname, d.description FROM pg_description d"
        " LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0"
        " WHERE d.classoid = 'pg_class'::regclass AND d.objoid = %s ORDER BY d.objsubid",
        [oid],
    )
    for column, comment in comments.fetchall():
        if column is None:
            yield sql.SQL("COMMENT ON VIEW {} IS {}").format(name, sql.Literal(comment))
        else:
            place = sql.SQL("{}.{}").format(name, sql.Identifier(column))
            yield sql.SQL("COMMENT ON COLUMN {} IS {}").format(place, sql.Literal(comment))


_STATES = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def _state(name: sql.Composed, kind: str, part: str, enabled: str, comment: str | None) -> Iterator[sql.Composed]:
    if enabled in _STATES:
        # ALTER TABLE, since ALTER VIEW does not support rules and triggers.
        template = _catalog_text(f"ALTER TABLE {{}} {_STATES[enabled]} {kind} {{}}")
        yield template.format(name, sql.Identifier(part))
    if comment is not None:
        template = _catalog_text(f"COMMENT ON {kind} {{}} ON {{}} IS {{}}")
        yield template.format(sql.Identifier(part), name, sql.Literal(comment))


_GRANTS = """
    SELECT pg_get_userbyid(x.grantor)::text, CASE WHEN x.grantee = 0 THEN '' ELSE pg_get_userbyid(x.grantee) END::text,
           x.privilege_type::text, x.is_grantable, x.attname::text
      FROM (SELECT e.*, NULL::name AS attname, c.relowner
              FROM pg_class c CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e WHERE c.oid = %s
             UNION ALL
            SELECT e.*, a.attname, c.relowner
              FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid CROSS JOIN aclexplode(a.attacl) e
             WHERE c.oid = %s) x
  ORDER BY x.grantor <> x.relowner, x.attname NULLS FIRST, 2, 3
"""


def _privileges(driver: _Driver, definition: ViewDefinition) -> Iterator[sql.Composed]:
    """Yield the statements that restore the grants of a recreated view; default privileges may have added others."""
    row = _row(driver, "SELECT to_regclass(%s)::oid", definition.name.as_string(driver))
    present = driver.execute(_GRANTS, [row[0], row[0]]).fetchall()
    if present == list(definition.grants):
        return
    for grantee in dict.fromkeys(grant[1] for grant in present):
        yield sql.SQL("REVOKE ALL ON {} FROM {}").format(definition.name, _grantee(grantee))
    for grantor, grantee, privilege, grantable, column in definition.grants:
        columns = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column))
        template = "GRANT {}{} ON {} TO {} WITH GRANT OPTION" if grantable else "GRANT {}{} ON {} TO {}"
        grant = sql.SQL(template).format(_catalog_text(privilege), columns, definition.name, _grantee(grantee))
        if grantor == definition.owner:
            yield grant
        else:
            yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor))
            yield grant
            yield sql.Composed([sql.SQL("RESET ROLE")])


def _grantee(name: str) -> sql.Composable:
    return sql.Identifier(name) if name else sql.SQL("PUBLIC")


def _row(driver: _Driver, query: str, value: object) -> tuple[Any, ...]:
    return tuple(driver.execute(query.encode(), [value]).fetchall()[0])


def _catalog_text(fragment: str) -> sql.SQL:
    """Return text from the server's catalog unchanged; it is not user input."""
    return sql.SQL(fragment)
