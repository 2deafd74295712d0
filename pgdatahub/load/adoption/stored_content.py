"""Proof that the rows of an import have the values that the load brought: their content hash is that of the history.

The hash covers the rows in the file's order, sheet by sheet. The history does not have the number of rows of each sheet,
so only an import from one sheet can be proved this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.load.staging.content_hash import ContentHash
from pgdatahub.model.aside import content_with
from pgdatahub.model.imports import ImportRow, Provenance
from pgdatahub.model.schema import RESERVED_COLUMNS, TableSchema
from pgdatahub.postgres.proofs.import_groups import ImportFacts
from pgdatahub.postgres.proofs.stored_values import count_filled, stored_values

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection


def dropped_values(facts: ImportFacts, current: TableSchema) -> tuple[str, ...]:
    """Return the columns in which an import had values and that the table does not have now."""
    return tuple(
        column.name
        for column in facts.observed.columns
        if column.name not in current.by_name and column.observed is not None and column.observed.evidence
    )


def has_content(
    connection: Connection, history: History, past: ImportRow, facts: ImportFacts, current: TableSchema
) -> bool:
    """Return whether the rows of an import have the content of its file, in the file's order.

    Args:
        connection: A connection in a transaction, which may be read-only.
        history: The metadata tables.
        past: The import, from one sheet.
        facts: Its columns.
        current: The table's columns; all in which the import had values.
    """
    content = ContentHash()
    observed = facts.observed
    # Staging hashes the headers before the first row.
    content.add_rows({column.name: b"" for column in observed.columns if column.header is not None}, 0)
    columns = [current.by_name[column.name] for column in observed.columns if column.name in current.by_name]
    names = [column.name for column in columns]
    if columns:
        for part in stored_values(connection, past, columns):
            content.add_rows(dict(zip(names, part.columns, strict=True)), part.rows)
    digest = content.hexdigest(observed)
    return content_with(digest, history.quarantine.contents(connection, past.id)) == past.content_sha256


def foreign_values(
    connection: Connection, past: ImportRow, facts: ImportFacts, current: TableSchema, provenance: Provenance
) -> int:
    """Return the number of an import's rows with a value in a column of pgdatahub that the import's file lacks."""
    others = provenance.columns & current.by_name.keys()
    return count_filled(connection, past, sorted(others - facts.observed.by_name.keys() - set(RESERVED_COLUMNS)))
