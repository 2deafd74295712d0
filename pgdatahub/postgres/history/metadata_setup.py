"""The metadata tables of a database: which exist, and their creation at the first run or after an upgrade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgdatahub.errors import DatabaseError
from pgdatahub.model.schema import FAILURES, IMPORTS, KEYED_TABLES, METADATA_TABLES, QUARANTINE
from pgdatahub.postgres.history.import_columns import ADDED_COLUMNS
from pgdatahub.postgres.history.metadata import create_tables
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.locks import metadata_lock_key, wait_for_turn

_NAMED_LATER: Final[Mapping[str, str]] = {
    FAILURES: "failures",
    QUARANTINE: "rows with faults",
    KEYED_TABLES: "the keys of tables",
}
"""Tables of later versions, whose names a table of the user may have → their content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The metadata tables that exist.

    Attributes:
        tables: Their names.
        missing: The columns that ``etl_imports`` of an older version lacks.
        foreign: Those of other programs, which have their names only.
    """

    tables: frozenset[str]
    missing: frozenset[str]
    foreign: frozenset[str]

    @classmethod
    def of(cls, connection: Connection, schema: str) -> Extent:
        """Return the extent of the tables in a schema."""
        query = """
            SELECT c.relname AS name, array_remove(array_agg(a.attname::text), NULL) AS columns
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
                                 AND (c.relname = %(imports)s AND a.attname = ANY (%(added)s)
                                      OR c.relname = %(failures)s AND a.attname = 'cleared_at'
                                      OR c.relname = %(rules)s AND a.attname = 'companion'
                                      OR c.relname = %(quarantine)s AND a.attname = 'section')
             WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s) AND c.relkind IN ('r', 'p')
          GROUP BY 1
        """
        values = {
            "schema": schema,
            "names": list(METADATA_TABLES),
            "imports": IMPORTS,
            "failures": FAILURES,
            "rules": KEYED_TABLES,
            "quarantine": QUARANTINE,
            "added": list(ADDED_COLUMNS),
        }
        columns = {str(row.name): row.columns or () for row in connection.execute(query, values)}
        return cls(
            tables=frozenset(columns),
            missing=frozenset(ADDED_COLUMNS).difference(columns.get(IMPORTS, ())),
            foreign=frozenset(name for name in _NAMED_LATER if name in columns and not columns[name]),
        )

    @property
    def is_complete(self) -> bool:
        """Return whether the tables exist with all columns of this version."""
        return not self.missing and not self.foreign and len(self.tables) == len(METADATA_TABLES)


def ensure_tables(connection: Connection, schema: str) -> None:
    """Create the schema and the tables if they are missing; safe when several processes begin at once.

    Raises:
        DatabaseError: A table of the user has the name of a metadata table.
    """
    if Extent.of(connection, schema).is_complete:
        return  # as in every run but the first; the rest takes as long as all other work before a file
    wait_for_turn(connection, metadata_lock_key(schema))
    # Even with IF NOT EXISTS, the server requires the right to create schemas.
    if not connection.scalar("SELECT count(*) FROM pg_namespace WHERE nspname = %(name)s", {"name": schema}):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    extent = Extent.of(connection, schema)
    for name in sorted(extent.foreign):
        raise DatabaseError(
            f"{schema}.{name} is not a table of pgdatahub, which records {_NAMED_LATER[name]} under that name",
            hint="rename it, or set ETL_SCHEMA to another schema",
        )
    connection.execute(create_tables(schema))
    if IMPORTS in extent.tables and KEYED_TABLES not in extent.tables:
        _grant_alike(connection, schema)


def _grant_alike(connection: Connection, schema: str) -> None:
    """Grant the new table of keys as ``etl_imports`` is granted: each load and each look reads it."""
    rows = connection.execute(
        """
        SELECT r.rolname::text AS role, g.privilege_type AS privilege
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) g
     LEFT JOIN pg_roles r ON r.oid = g.grantee
         WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND g.grantee <> c.relowner
           AND g.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        """,
        {"schema": schema, "name": IMPORTS},
    ).fetchall()
    for row in rows:
        role = sql.SQL("PUBLIC") if row.role is None else sql.Identifier(row.role)
        grant = sql.SQL("GRANT {} ON {} TO {}")
        connection.execute(grant.format(sql.SQL(row.privilege), sql.Identifier(schema, KEYED_TABLES), role))
