"""Tables that a verification checks: those of the history, and those of a history that was lost."""

from __future__ import annotations

from collections.abc import Sequence

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import take_inventory
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.proofs.unknown_rows import copied_tables, untracked_tables
from pgdatahub.postgres.server.engine import transaction


def tables_to_check(database: Database, history_schema: str, wanted: Sequence[str]) -> list[TableName]:
    """Return the tables to check, all or those with the names ``wanted``.

    Raises:
        ConfigError: The history does not know a table.
    """
    history = History(history_schema)
    with transaction(database.engine, read_only=True) as connection:
        known: set[TableName] = set()
        if not history.exists(connection):
            untracked = untracked_tables(connection, known, history_schema)
        else:
            inventory = take_inventory(connection, history)
            known = {one.table for one in inventory if one.exists or one.imports or one.held}
            untracked = untracked_tables(connection, known, history_schema)
            untracked -= copied_tables(connection, history, untracked)
        found = sorted(known | untracked)
    return sorted(named_tables(wanted, found)) if wanted else found
