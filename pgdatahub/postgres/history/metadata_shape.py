"""The shape of the metadata tables in the catalog, compared with the one that pgdatahub makes.

A table that was dropped, renamed or replaced by a view, and a column of another type, would fail some later statement in
the server's words. The check names them, and what to do, before anything else is read or written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.schema import FAILURES, IMPORTS, KEYED_TABLES, QUARANTINE, SCHEMA_CHANGES
from pgdatahub.postgres.history.import_columns import ADDED_COLUMNS
from pgdatahub.postgres.history.metadata import COLUMNS

_FAMILIES: Final[Mapping[str, frozenset[str]]] = {
    "bigint": frozenset({"int8", "int4", "numeric"}),
    "integer": frozenset({"int8", "int4", "int2", "numeric"}),
    "text": frozenset({"text", "varchar", "bpchar"}),
    "varchar(64)": frozenset({"text", "varchar", "bpchar"}),
    "timestamp": frozenset({"timestamp"}),
    "double": frozenset({"float8", "float4", "numeric"}),
    "jsonb": frozenset({"jsonb"}),
    "bytea": frozenset({"bytea"}),
    "boolean": frozenset({"bool"}),
    "text[]": frozenset({"_text", "_varchar"}),
    "bigint[]": frozenset({"_int8"}),
}
"""First word of a column's definition → the types that serve as well."""
_KINDS: Final = {"v": "a view", "m": "a materialized view", "f": "a foreign table", "S": "a sequence"}
_RESTORE: Final = "restore it from a backup"
_MARKERS: Final = {FAILURES: "cleared_at", KEYED_TABLES: "companion", QUARANTINE: "section"}
"""Table of a later version → a column that a table of another program with its name lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTable:
    """A table, or another object, with the name of a metadata table.

    Attributes:
        kind: ``pg_class.relkind``.
        types: Column → the name of its type.
        nullable: The columns that may be NULL.
        unfilled: The columns that must not be NULL, and that an INSERT which does not name them leaves NULL.
        has_rules: Rules rewrite statements that write to it.
    """

    kind: str
    types: Mapping[str, str]
    nullable: frozenset[str]
    unfilled: frozenset[str]
    has_rules: bool = False

    @property
    def is_table(self) -> bool:
        """Return whether it is a table."""
        return self.kind in ("r", "p")


def is_foreign(name: str, found: FoundTable) -> bool:
    """Return whether a table is that of another program, which has the name of a table of a later version."""
    marker = _MARKERS.get(name)
    if marker is None or not found.is_table or marker in found.types:
        return False
    return 2 * len(COLUMNS[name].keys() & found.types.keys()) < len(COLUMNS[name])


def check_shapes(schema: str, tables: Mapping[str, FoundTable], foreign: Collection[str]) -> None:
    """Check the metadata tables that exist.

    Args:
        schema: Their schema.
        tables: Name → the table.
        foreign: Those of other programs, which are not checked.

    Raises:
        HistoryDamagedError: A user changed one of them.
    """
    imports = tables.get(IMPORTS)
    for name, found in sorted(tables.items()):
        if not found.is_table:
            raise HistoryDamagedError(
                f"{schema}.{name} is {_KINDS.get(found.kind, 'not a table')}, and should be the table of pgdatahub's history",
                hint=f"rename it, and give the table its name {name} back; or {_RESTORE}",
            )
        if name not in foreign:
            for message, hint in _faults(schema, name, found):
                raise HistoryDamagedError(message, hint=hint)
    if imports is not None and SCHEMA_CHANGES not in tables:
        raise HistoryDamagedError(
            f"the table {schema}.{SCHEMA_CHANGES} is missing, and {schema}.{IMPORTS} is there: it was dropped or renamed by hand",
            hint=f"rename it back, or {_RESTORE}; without a backup, run --adopt makes it again as far as the tables show what"
            " pgdatahub made",
        )


def _faults(schema: str, name: str, found: FoundTable) -> Iterator[tuple[str, str]]:
    """Yield the faults of a table, each with the way out."""
    table = f"{schema}.{name}"
    added = ADDED_COLUMNS if name == IMPORTS else {}
    lost = [column for column in COLUMNS[name] if column not in found.types and column not in added]
    if lost:
        columns = f"columns {', '.join(lost)}" if len(lost) > 1 else f"column {lost[0]}"
        yield (
            f"the table {table} lacks the {columns} of pgdatahub's history: dropped or renamed by hand",
            f"rename it back: ALTER TABLE {table} RENAME COLUMN … TO {lost[0]}; or {_RESTORE}",
        )
    for column, definition in COLUMNS[name].items():
        wanted = definition.split()[0]
        found_type = found.types.get(column)
        if found_type is None:
            continue
        if found_type not in _FAMILIES[wanted]:
            yield (
                f"the column {column} of {table} has the type {found_type}, and pgdatahub made it {wanted}",
                f"ALTER TABLE {table} ALTER {column} TYPE {wanted} USING {_cast(column, found_type, wanted)}; or {_RESTORE}",
            )
        if (
            column not in added
            and column in found.nullable
            and ("NOT NULL" in definition or "PRIMARY KEY" in definition)
        ):
            yield (
                f"the column {column} of {table} may be NULL, as in a copy of the table without its constraints",
                f"{_RESTORE}, or give it its constraint: {definition}",
            )


def _cast(column: str, found: str, wanted: str) -> str:
    """Return SQL that gives a column its type again."""
    return f"{column} AT TIME ZONE 'UTC'" if found == "timestamptz" else f"{column}::{wanted}"


def check_insertable(schema: str, tables: Mapping[str, FoundTable], foreign: Collection[str]) -> None:
    """Check that this version can add rows to the metadata tables.

    Raises:
        HistoryDamagedError: A table needs a value in a column that this version does not know.
    """
    for name, found in sorted(tables.items()):
        if found.has_rules and name not in foreign:
            raise HistoryDamagedError(
                f"the table {schema}.{name} has rules, which may keep rows of the history out of it",
                hint=f"drop them: DROP RULE … ON {schema}.{name}",
            )
        needed = sorted(found.unfilled - COLUMNS[name].keys())
        if needed and name not in foreign:
            raise HistoryDamagedError(
                f"the table {schema}.{name} has a column {needed[0]} that this version of pgdatahub does not know, and that must not"
                " be NULL: a later version, or a user, added it",
                hint="upgrade pgdatahub; or, if a user added it, give the column a default",
            )
        if "id" in COLUMNS[name] and "id" in found.unfilled and name not in foreign:
            raise HistoryDamagedError(
                f"the column id of {schema}.{name} numbers no rows: it lost its identity",
                hint=f"{_RESTORE}, or ALTER TABLE {schema}.{name} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY, and set its sequence",
            )
