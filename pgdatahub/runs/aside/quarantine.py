"""Rows of loaded files that are set aside, for people who correct them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pgdatahub.config import Config
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.postgres.database import is_unmade, open_database
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import (
    NOTHING_LOADED,
    has_file,
    has_import,
    named_tables,
    unknown_file,
    unknown_import,
)
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
        ConfigError: The history knows no such table, file or import.
        DatabaseError: The database does not answer.
    """
    announce = announcer(reporter)
    if is_unmade(config, announce):
        _refuse_without_history(table, file, import_id)
        yield iter(())
        return
    with (
        open_database(config, announce) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        history = History(config.schema_name)
        if not history.exists(connection):
            _refuse_without_history(table, file, import_id)
            yield iter(())
            return
        failures = Failures(config.schema_name)  # a file that failed is known, and has no rows that are set aside
        if table is not None:
            failed = (one.table for one in failures.select(connection) if one.table is not None)
            named_tables([table], tables_of_imports(connection, history).union(failed))
        tail = None if file is None else file.removeprefix("./")
        if tail is not None and not (
            has_file(connection, history, tail) or failures.select(connection, file_tail=tail)
        ):
            raise unknown_file(tail, "pgdatahub history lists the files")
        if import_id is not None and not has_import(connection, history, import_id):
            raise unknown_import(import_id, "pgdatahub history lists the imports")
        yield history.quarantine.select(connection, table=table, file_tail=tail, import_id=import_id)


def _refuse_without_history(table: str | None, file: str | None, import_id: int | None) -> None:
    """Refuse a name that no history can know: an empty answer would tell a scheduler that no rows are set aside."""
    if table is not None:
        named_tables([table], ())
    if file is not None:
        raise unknown_file(file, NOTHING_LOADED)
    if import_id is not None:
        raise unknown_import(import_id, NOTHING_LOADED)
