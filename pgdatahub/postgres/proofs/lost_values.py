"""Values that are not those of the load although no transaction wrote their rows since.

A transaction number proves nothing in two cases. A dump restored in one transaction (``psql -1``, ``pg_restore -1``) gives
the history and all rows one number. And a column that was dropped and added again is empty, or has its default, in rows
that were not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from psycopg import sql

from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.rules import find_rule
from pgdatahub.postgres.proofs.import_groups import ImportFacts, ImportGroup, find_groups
from pgdatahub.postgres.proofs.stored_values import count_filled
from pgdatahub.postgres.server.connection import Connection

_RESTORED = sql.SQL("""
    SELECT xmin::text AS version FROM {imports} WHERE status = {loaded}
  GROUP BY 1 HAVING min(identity) <> max(identity)
     UNION
    SELECT xmin::text FROM pg_attribute WHERE attrelid = {name}::regclass AND attname = 'id'
""")
"""A load has a number of its own, and so has the transaction that made the metadata tables."""
_ADDED_AGAIN = """
    SELECT a.attname::text AS name, a.atthasmissing AS has_default
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attnum > 0 AND NOT a.attisdropped
       AND EXISTS (SELECT FROM pg_attribute d WHERE d.attrelid = c.oid AND d.attisdropped AND d.attnum BETWEEN 1 AND a.attnum)
"""


def provable_groups(connection: Connection, history: History, table: TableName) -> list[ImportGroup]:
    """Return :func:`~pgdatahub.postgres.proofs.import_groups.find_groups`, with no row as written where a dump was restored."""
    name = sql.Literal(history.imports.as_string(connection.driver))
    query = _RESTORED.format(imports=history.imports, loaded=sql.Literal(Status.LOADED.value), name=name)
    restored = {row.version for row in connection.execute(query)}
    if restored and find_rule(connection, history.schema, table) is not None:
        # rekey writes the history of a table's imports in one transaction too, but no row that stays in the table.
        written = sql.SQL("SELECT DISTINCT xmin::text AS version FROM {} WHERE xmin::text = ANY (%s)")
        rows = connection.execute(written.format(sql.Identifier(table.schema, table.name)), (sorted(restored),))
        restored = {row.version for row in rows}
    groups = find_groups(connection, history, table)
    return [replace(group, original=0) if group.version in restored else group for group in groups]


def added_again(connection: Connection, table: TableName) -> Mapping[str, bool]:
    """Return the columns of a table that were added after another was dropped, and whether rows before have a default there."""
    rows = connection.execute(_ADDED_AGAIN, {"schema": table.schema, "name": table.name})
    return {row.name: row.has_default for row in rows}


def columns_with_values(facts: ImportFacts, names: Iterable[str]) -> list[str]:
    """Return those of some columns in which an import had values when it was loaded."""
    observed = ((name, facts.observed.by_name[name].observed) for name in names if name in facts.observed.by_name)
    return [name for name, evidence in observed if evidence is not None and evidence.evidence]


def emptied_column(connection: Connection, past: ImportRow, names: Iterable[str]) -> str | None:
    """Return the first of some columns that has no value in the rows of an import; None if there is none."""
    return next((name for name in names if not count_filled(connection, past, [name])), None)
