"""The columns of a key in the files that a table has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from pgdatahub.errors import UndoError
from pgdatahub.postgres.keyed.fragments import loaded_imports

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.model.schema import TableName
    from pgdatahub.postgres.server.connection import Connection


def check_key_columns(connection: Connection, imports: sql.Identifier, table: TableName, rule: KeyRule) -> None:
    """Check that files without a row have the columns of a key, as a load asks of each file; rows tell it by their values.

    Args:
        connection: A connection in any transaction.
        imports: The table ``etl_imports``.
        table: The table.
        rule: The key.

    Raises:
        UndoError: A file lacks one; the message names both.
    """
    query = sql.SQL("""
        SELECT i.source_file, k.name FROM {} i CROSS JOIN unnest(%(key)s::text[]) WITH ORDINALITY k (name, place)
         WHERE i.row_count = 0 AND NOT i.observed ? k.name ORDER BY i.source_file, k.place LIMIT 1
    """)
    found = connection.execute(query.format(loaded_imports(imports, table)), {"key": list(rule.key)}).fetchone()
    if found is not None:
        raise UndoError(
            f"the file lacks the column {found.name} of the key ({', '.join(rule.key)})",
            where=f"{table}, {found.source_file}",
            hint="revert the file; or take another key",
        )
