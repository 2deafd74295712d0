"""The tables that a file may have, as far as the settings tell before the file is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.tables import catalog
from pgdatahub.values.identifiers import CUT_BYTES

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

_COMMON: int = 20
"""Bytes of a long table name that a cut with a hash keeps for certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleTables:
    """The tables that a file may have.

    Attributes:
        fixed: The tables that the settings name.
        begins: The beginning of the names of the others, with their schema; None if there are no others.
    """

    fixed: frozenset[TableName]
    begins: TableName | None = None

    def __contains__(self, table: TableName) -> bool:
        """Return whether the file may have a table."""
        if table in self.fixed:
            return True
        begins = self.begins
        return begins is not None and table.schema == begins.schema and table.name.startswith(begins.name)

    def may_match(self, name: str) -> bool:
        """Return whether the file may have a table of this name, with or without its schema."""
        if any(name in (table.name, str(table)) for table in self.fixed):
            return True
        return self.begins is not None and name.rpartition(".")[2].startswith(self.begins.name)


def possible_tables(source: SourceFile, history_schema: str) -> PossibleTables:
    """Return the tables that a file may have.

    Args:
        source: The file.
        history_schema: The schema of tables without a ``schema`` of their own.
    """
    options = source.options
    if not options.is_routed:
        return PossibleTables(fixed=frozenset((source.table,)))
    fixed = set()
    begins = None
    for rule in options.rules:
        for entry in rule.entries:
            schema = entry.options.schema or history_schema
            if entry.skip:
                continue
            if entry.table is not None:
                fixed.add(TableName(schema=schema, name=entry.table))
            elif options.table_per_sheet:
                begin = f"{source.table.name}_"
                whole = len(begin) <= CUT_BYTES - _COMMON
                begins = TableName(schema=schema, name=begin if whole else begin[:_COMMON])
            else:
                fixed.add(TableName(schema=schema, name=source.table.name))
    return PossibleTables(fixed=frozenset(fixed), begins=begins)


def tables_by_file(
    connection: Connection | None, files: Iterable[SourceFile], history_schema: str
) -> Mapping[str, frozenset[TableName]]:
    """Return location → the tables that a file may have, among them those of the database with a fitting name."""
    possible = {source.location: possible_tables(source, history_schema) for source in files}
    existing: frozenset[TableName] = frozenset()
    if connection is not None and any(tables.begins is not None for tables in possible.values()):
        existing = catalog.all_tables(connection)
    alike: dict[PossibleTables, frozenset[TableName]] = {}
    for tables in possible.values():
        if tables not in alike:
            others = frozenset(table for table in existing if table in tables) if tables.begins else frozenset()
            alike[tables] = tables.fixed | others
    return {location: alike[tables] for location, tables in possible.items()}
