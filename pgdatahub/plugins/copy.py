"""Built-in load stage: DDL as planned, then COPY, in the file's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgdatahub.model.batches import ColumnBatch, EncodedBatch
from pgdatahub.model.results import LoadResult
from pgdatahub.model.schema import SchemaPlan
from pgdatahub.plugins.copy_rows import encode_rows
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.postgres.rows import copy
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.server_encoding import server_encoding
from pgdatahub.postgres.tables import ddl

if TYPE_CHECKING:
    import sqlalchemy


@hookimpl(trylast=True)
def pgdatahub_load(
    plan: SchemaPlan, batches: Iterable[ColumnBatch | EncodedBatch], connection: Connection | sqlalchemy.Connection
) -> LoadResult:
    """Change the table as planned and copy the rows."""
    connection = Connection.beneath(connection)
    ddl.carry_out(connection, plan)
    # In another encoding, the text of a batch is checked beforehand, so that an error names the cell.
    binary = server_encoding(connection) == "UTF8"
    rows = copy.copy(connection, plan.table, encode_rows(batches, plan.result, binary=binary))
    ddl.create_indexes(connection, plan)
    return LoadResult(rows=rows)
