"""Built-in audit stage: ``etl_imports`` and ``etl_schema_changes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.model.imports import ImportRecord
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection

if TYPE_CHECKING:
    import sqlalchemy


@hookimpl(trylast=True)
def pgdatahub_audit(record: ImportRecord, connection: Connection | sqlalchemy.Connection, config: Config) -> None:
    """Write the record of an import and of its schema changes."""
    History(config.schema_name).add(Connection.beneath(connection), record)
