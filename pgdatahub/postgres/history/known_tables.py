"""Tables that a user names, among those that the history knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pgdatahub.config.found import nearest
from pgdatahub.errors import ConfigError
from pgdatahub.model.schema import TableName


def named_tables(names: Collection[str], known: Iterable[TableName]) -> frozenset[TableName]:
    """Return the known tables with one of the names, each a table's own or ``schema.table``.

    Raises:
        ConfigError: A name is that of no known table; the hint has the nearest name.
    """
    tables = sorted(set(known))
    found = frozenset(table for table in tables if {table.name, str(table)} & set(names))
    unknown = set(names) - {table.name for table in found} - set(map(str, found))
    if unknown:
        hint = nearest(min(unknown), tuple(map(str, tables))) if tables else "nothing was loaded yet"
        raise ConfigError(f"the history knows no table {min(unknown)!r}", hint=hint)
    return found
