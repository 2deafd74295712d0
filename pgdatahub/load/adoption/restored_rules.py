"""``run --adopt`` of keyed tables and snapshots whose rule in ``etl_tables`` was lost: the rule of the folder's settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.keyed.both import companion_of, filled_columns
from pgdatahub.postgres.keyed.key_index import is_our_index, usable_index
from pgdatahub.postgres.keyed.rows import count_misplaced
from pgdatahub.postgres.keyed.rules import TableRule, forget_rule, lost_rules, store_rule

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.model.files import SourceFile
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection


def rule_of_settings(connection: Connection, table: TableName, rule: KeyRule, companion: TableName) -> TableRule:
    """Return the rule of a folder's settings for a table whose companion is still there."""
    index = usable_index(connection, table, rule.key) if rule.is_merge else None
    return TableRule(
        table=table,
        rule=rule,
        companion=companion,
        key_index=index,
        index_is_ours=index is not None and is_our_index(connection, table, index),
        columns=filled_columns(connection, table, companion),
    )


def restore_rules(connection: Connection, history: History, files: Iterable[SourceFile]) -> dict[TableName, str | None]:
    """Put the rules of the settings in force for the tables that lost theirs.

    Args:
        connection: A connection in a transaction.
        history: The history.
        files: The files of the run, with the settings of their folders.

    Returns:
        Table → the reason why its rule is not the one of the settings; None if the rule is in force.
    """
    found: dict[TableName, str | None] = {}
    wanted = {source.table: source.options.rule for source in files}
    for table in sorted(lost_rules(connection, history.schema)):
        rule, companion = wanted.get(table), companion_of(connection, table)
        if rule is None or companion is None:
            found[table] = "the settings of its folder have no key and no mode: snapshot"
            continue
        restored = rule_of_settings(connection, table, rule, companion)
        if rule.is_merge and restored.key_index is None:
            found[table] = f"it has no unique index on the key of the settings ({', '.join(rule.key)})"
            continue
        names = [column.name for one in history.observed(connection, table) for column in one.columns]
        store_rule(connection, history.schema, restored.with_columns(dict.fromkeys(names)))
        if count_misplaced(connection, history.schema, restored):
            forget_rule(connection, history.schema, table)
            found[table] = f"its rows are not those of {rule.describe()}"
            continue
        found[table] = None
    return found
