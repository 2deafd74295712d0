"""Loaded tables whose key is not that of the settings; where all their files are loaded already, no file tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pgdatahub.config.key_rule import describe_change
from pgdatahub.errors import HistoryDamagedError
from pgdatahub.load.keys.key_settings import agrees
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.rules import all_rules

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.postgres.server.connection import Connection


def describe_other_rules(connection: Connection, history: History, files: Iterable[SourceFile]) -> tuple[str, ...]:
    """Return a warning for each table with imports whose rule differs from that of the settings.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables, which exist.
        files: The files, with the settings of their folders.
    """
    wanted: dict[TableName, KeyRule | None] = {}
    for source in files:
        for table, rule in wanted_rules(source):
            wanted.setdefault(table, rule)
    try:
        stored = {one.table: one.rule for one in all_rules(connection, history.schema).values()}
    except HistoryDamagedError:
        return ()  # the files of that table fail and name the damage
    differing = [
        table
        for table, rule in wanted.items()
        if rule != stored.get(table) and (rule is None or table not in stored or not agrees(stored[table], rule))
    ]
    if not differing:
        return ()
    loaded = history.tables_with_rows(connection)
    return tuple(
        "the table {} has {}, and the settings of its folder say {}; pgdatahub rekey {} changes the table".format(
            table, *describe_change(stored.get(table), wanted[table]), table.name
        )
        for table in differing
        if table in loaded
    )


def wanted_rules(source: SourceFile) -> Iterator[tuple[TableName, KeyRule | None]]:
    """Yield the tables that the settings of a file name, each with its rule."""
    if not source.options.is_routed:
        yield source.table, source.options.rule
        return
    for rule in source.options.rules:
        for entry in rule.entries:
            if entry.table is not None and not entry.skip:
                schema = entry.options.schema or source.table.schema
                yield TableName(schema=schema, name=entry.table), entry.options.rule
