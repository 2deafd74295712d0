"""The metadata tables of a database: which exist, and their creation at the first run or after an upgrade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgdatahub.errors import DatabaseError
from pgdatahub.model.schema import FAILURES, IMPORTS, KEYED_TABLES, METADATA_TABLES, QUARANTINE, SCHEMA_CHANGES
from pgdatahub.postgres.history.import_columns import ADDED_COLUMNS
from pgdatahub.postgres.history.metadata import IMPORT_INDEXES, create_import_indexes, create_tables
from pgdatahub.postgres.history.metadata_shape import FoundTable, check_insertable, check_shapes, is_foreign
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.locks import metadata_lock_key, wait_for_turn

_NAMED_LATER: Final[Mapping[str, str]] = {
    FAILURES: "failures",
    QUARANTINE: "rows with faults",
    KEYED_TABLES: "the keys of tables",
}
"""Tables of later versions, whose names a table of the user may have → their content."""

_MANY_IMPORTS: Final = 100_000
"""Rows from which new indexes take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The metadata tables that exist.

    Attributes:
        tables: Their names.
        missing: The columns that ``etl_imports`` of an older version lacks.
        foreign: Those of other programs, which have their names only.
        found: Name → the table or other object with the name.
        unindexed: The indexes that ``etl_imports`` of an older version lacks, if this role may create them.
        imports: The rows of ``etl_imports`` as the server estimates them.
    """

    tables: frozenset[str]
    missing: frozenset[str]
    foreign: frozenset[str]
    found: Mapping[str, FoundTable]
    unindexed: frozenset[str] = frozenset()
    imports: int = 0

    @classmethod
    def of(cls, connection: Connection, schema: str) -> Extent:
        """Return the extent of the tables in a schema."""
        query = """
            SELECT c.relname::text AS name, c.relkind::text AS kind, c.relhasrules AS has_rules, c.reltuples AS rows,
                   array_agg(a.attname::text) FILTER (WHERE a.attname IS NOT NULL) AS columns,
                   array_agg(t.typname::text) FILTER (WHERE a.attname IS NOT NULL) AS types,
                   array_agg(a.attname::text) FILTER (WHERE NOT a.attnotnull) AS nullable,
                   array_agg(a.attname::text) FILTER (WHERE a.attnotnull AND NOT a.atthasdef AND a.attidentity = '') AS unfilled,
                   CASE WHEN c.relname = %(imports)s AND pg_has_role(c.relowner, 'USAGE')
                             AND has_schema_privilege(n.oid, 'CREATE')
                        THEN ARRAY(SELECT i.relname::text FROM pg_class i
                                    WHERE i.relnamespace = n.oid AND i.relname = ANY (%(indexes)s)) END AS indexes
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_type t ON t.oid = a.atttypid
             WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          -- Before PostgreSQL 14, catalogs have no primary keys from which the other columns would follow.
          GROUP BY c.oid, c.relname, c.relkind, c.relhasrules, c.reltuples, c.relowner, n.oid
        """
        values = {
            "schema": schema,
            "names": list(METADATA_TABLES),
            "imports": IMPORTS,
            "indexes": list(IMPORT_INDEXES),
        }
        rows = connection.execute(query, values).fetchall()
        found = {
            str(row.name): FoundTable(
                kind=row.kind,
                types=dict(zip(row.columns or (), row.types or (), strict=True)),
                nullable=frozenset(row.nullable or ()),
                unfilled=frozenset(row.unfilled or ()),
                has_rules=row.has_rules,
            )
            for row in rows
        }
        columns = found[IMPORTS].types if IMPORTS in found else {}
        indexes = next((row.indexes for row in rows if row.indexes is not None), IMPORT_INDEXES)
        return cls(
            tables=frozenset(name for name, table in found.items() if table.is_table),
            missing=frozenset(ADDED_COLUMNS).difference(columns),
            foreign=frozenset(name for name, table in found.items() if is_foreign(name, table)),
            found=found,
            unindexed=frozenset(IMPORT_INDEXES).difference(indexes),
            imports=max((int(row.rows) for row in rows if row.name == IMPORTS), default=0),
        )

    def check(self, schema: str) -> None:
        """Check that no user changed the tables; see :func:`~pgdatahub.postgres.history.metadata_shape.check_shapes`.

        Raises:
            HistoryDamagedError: A user changed one of them.
        """
        check_shapes(schema, self.found, self.foreign)

    @property
    def has_columns(self) -> bool:
        """Return whether the tables exist with all columns of this version."""
        return not self.missing and not self.foreign and len(self.tables) == len(METADATA_TABLES)


def ensure_tables(connection: Connection, schema: str, announce: Callable[[str], None] | None = None) -> None:
    """Create the schema, the tables and their indexes if they are missing; safe when several processes begin at once.

    Args:
        connection: A connection in a transaction.
        schema: The schema of the tables.
        announce: Receives a line if a long history gets indexes, which takes a while.

    Raises:
        DatabaseError: A table of the user has the name of a metadata table.
        HistoryDamagedError: A user changed one of the tables.
    """
    extent = Extent.of(connection, schema)
    if not extent.foreign:
        extent.check(schema)
        check_insertable(schema, extent.found, ())
    if extent.has_columns and not extent.unindexed:
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
    if extent.unindexed and extent.imports > _MANY_IMPORTS and announce is not None:
        announce(
            f"{schema}.{IMPORTS} has some {extent.imports:,} rows; creating {', '.join(sorted(extent.unindexed))} once"
            " takes some seconds for each million, and other loads wait"
        )
    if not extent.has_columns:
        connection.execute(create_tables(schema))
    elif extent.unindexed:  # alone, since adding columns makes readers wait too
        connection.execute(create_import_indexes(schema, sorted(extent.unindexed)))
    if IMPORTS in extent.tables and KEYED_TABLES not in extent.tables:
        _grant_alike(connection, schema)


def create_missing_changes(connection: Connection, schema: str) -> bool:
    """Create ``etl_schema_changes`` if it alone is missing; return whether it was.

    Raises:
        HistoryDamagedError: A user changed another table.
    """
    extent = Extent.of(connection, schema)
    if IMPORTS not in extent.tables or SCHEMA_CHANGES in extent.found:
        return False
    wait_for_turn(connection, metadata_lock_key(schema))
    connection.execute(create_tables(schema))
    Extent.of(connection, schema).check(schema)
    return True


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
