"""Characters of planned files that the database's encoding lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.schema import TableSchema
from pgdatahub.plugins.copy_rows import encode_rows
from pgdatahub.postgres.server.server_encoding import check_batch, check_path, lacks_characters

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def check_texts(connection: Connection, staged: Staged, table: TableSchema) -> None:
    """Check that the database's encoding can hold a file's texts and path; in UTF-8 it can.

    Args:
        connection: A connection in any transaction.
        staged: A file whose rows are kept.
        table: The table as the file leaves it.

    Raises:
        LoadError: It cannot; the message names the cell.
    """
    if not lacks_characters(connection):
        return
    for batch in encode_rows(staged.spool, table, binary=False):
        check_batch(connection, batch)
    check_path(connection, staged.source.location)
