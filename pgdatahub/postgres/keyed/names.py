"""Names of the objects beside a keyed table."""

from __future__ import annotations

from typing import Final

from pgdatahub.model.schema import LOAD_TIMESTAMP, TableName
from pgdatahub.values.identifiers import cut

_SUFFIX: Final = "_replaced"


def companion_name(table: TableName) -> TableName:
    """Return the name of a table's companion, cut so that the server takes it as it is."""
    return TableName(schema=table.schema, name=cut(f"{table.name}{_SUFFIX}"))


def timestamp_index(table: TableName) -> str:
    """Return the name of the index that finds the rows of one import of a keyed table."""
    return cut(f"{table.name}_{LOAD_TIMESTAMP}_btree")
