"""Upkeep of loaded tables, after the transactions that loaded them.

The BRIN index on ``load_timestamp`` finds the rows of one import. It knows the rows of new pages after they are
summarised; until then it returns all of them, so a search is right and reads more. One call for each table at the end
of a run keeps that work out of the time of a file. Autovacuum does the same after a run that was killed.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.engine import Engine, transaction
from pgdatahub.postgres.tables import locks
from pgdatahub.postgres.tables.ddl import import_index

_WAIT_SECONDS = 1

_SUMMARISE = """
    SELECT brin_summarize_new_values(c.oid)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
     WHERE n.nspname = %(schema)s AND c.relname = %(index)s AND m.amname = 'brin' AND pg_has_role(c.relowner, 'USAGE')
"""


def summarise_new_rows(engine: Engine, tables: Iterable[TableName]) -> None:
    """Summarise the new rows of each table in its index; leave a table that another session keeps busy to autovacuum.

    Raises:
        DatabaseError: The database is gone.
    """
    for table in tables:
        with transaction(engine) as connection:
            locks.limit_lock_waits(connection, _WAIT_SECONDS)
            values = {"schema": table.schema, "index": import_index(table)}
            try:
                with connection.driver.transaction():
                    connection.execute(_SUMMARISE, values)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.ObjectNotInPrerequisiteState):
                continue
