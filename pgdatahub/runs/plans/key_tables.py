"""The question of a plan whether a table takes rows by a key or as a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.postgres.keyed.intact import check_both, check_takes_rows
from pgdatahub.postgres.keyed.setup import check_name, first_index

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.model.schema import TableName, TableSchema
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.keyed.rules import TableRule
    from pgdatahub.postgres.server.connection import Connection


def check_tables(
    connection: Connection,
    history: History | None,
    stored: TableSchema | None,
    rule: TableRule | None,
    wanted: KeyRule,
    table: TableName,
) -> str | None:
    """Check that a table takes rows by its rule, or that a table without a rule can have its first one.

    Args:
        connection: A connection in a transaction that may be read-only.
        history: The metadata tables; None if they do not exist yet.
        stored: The table's columns; None for a new table.
        rule: The rule in force, if there is one.
        wanted: The rule of the settings.
        table: The table.

    Returns:
        The user's own unique index that a first rule would use, if there is one.

    Raises:
        SchemaError: Its indexes, rules, rows or foreign keys do not allow it, or another object has its companion's name.
    """
    if rule is not None and stored is not None:
        check_both(connection, rule, adding=True)
        check_takes_rows(connection, rule)
        return None
    schema = history.schema if history is not None else None
    own_index = None if stored is None else first_index(connection, schema, table, wanted)
    check_name(connection, table)
    return own_index
