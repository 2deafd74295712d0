"""Rows of loaded files that are set aside, for people who correct them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pgdatahub.config import Config
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.postgres.database import is_unmade, open_database
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.history.latest_imports import tables_of_imports
from pgdatahub.postgres.history.quarantine import QuarantinedRow
from pgdatahub.postgres.server.engine import transaction


@contextmanager
def quarantine(
    config: Config,
    *,
    table: str | None = None,
    file: str | None = None,
    import_id: int | None = None,
    reporter: Reporter | None = None,
) -> Iterator[Iterator[QuarantinedRow]]:
    """Open the rows in ``etl_quarantine``, in the order of loading and of the sheets; nothing is written.

    Args:
        config: The settings.
        table: Only rows of this table, by name or by ``schema.name``.
        file: Only rows of this file: absolute path, URL, or the end of a path.
        import_id: Only rows of this import.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The history knows no such table.
        DatabaseError: The database does not answer.
    """
    announce = announcer(reporter)
    if is_unmade(config, announce):
        yield iter(())
        return
    with (
        open_database(config, announce) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        history = History(config.schema_name)
        if not history.exists(connection):
            yield iter(())
            return
        if table is not None:
            failed = (one.table for one in Failures(config.schema_name).select(connection) if one.table is not None)
            named_tables([table], tables_of_imports(connection, history).union(failed))
        tail = None if file is None else file.removeprefix("./")
        yield history.quarantine.select(connection, table=table, file_tail=tail, import_id=import_id)
