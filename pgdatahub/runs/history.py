"""History of the tables, oldest first: imports, schema changes and failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeAlias

from pgdatahub.config import Config
from pgdatahub.config.loading import config_of
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.failures import FailureRow
from pgdatahub.model.imports import ChangeRow, ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import UNMADE, is_unmade, open_database
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.history.latest_imports import latest_imports, tables_of_imports
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.files.named_file import failures_of_file, imports_of_file

HistoryEntry: TypeAlias = ImportRow | ChangeRow | FailureRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Imports, schema changes and failures, oldest first.

    Attributes:
        destination: The database, without secrets.
        entries: Imports, schema changes and failures; a change comes after the import that brought it, and a failure is at
            the time of its last attempt.
        left_out: Number of earlier imports that a limit left out.
    """

    destination: str
    entries: tuple[HistoryEntry, ...]
    left_out: int = 0


def history(
    config: Config | None = None,
    *,
    table: str | None = None,
    file: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Timeline:
    """Return the history of the tables; nothing is written.

    Args:
        config: The settings, or None for those of the environment and the files.
        table: Only this table.
        file: Only this file: its path, or the end of its path.
        since: Only entries from this moment on; UTC if it has no time zone.
        limit: Only this number of imports, the latest ones, and the changes since the first of them.
        reporter: Receives notices on the embedded server.
        settings: Instead of ``config``, single settings by field, such as ``data_root`` and ``database_url``.

    Raises:
        ConfigError: The table is not in the history.
        DatabaseError: The database does not answer.
    """
    config = config_of(config, settings)
    if since is not None and since.tzinfo is not None:
        since = since.astimezone(timezone.utc).replace(tzinfo=None)
    announce = announcer(reporter)
    if is_unmade(config, announce):
        return Timeline(destination=UNMADE, entries=())
    with open_database(config, announce) as database:
        with transaction(database.engine, read_only=True) as connection:
            kept = History(config.schema_name)
            if not kept.exists(connection):
                return Timeline(destination=database.description, entries=())
            failures = list(Failures(config.schema_name).select(connection, since=since))
            ids: set[int] | None = None
            files: set[str] | None = None
            tables: frozenset[TableName] | None = None
            if file is not None:
                named = imports_of_file(connection, kept, file, config)
                ids, files = {past.id for past in named}, {past.source_file for past in named}
                failures = failures_of_file(failures, file, config)
            if table is not None:
                known = tables_of_imports(connection, kept)
                known |= {one.table for one in failures if one.table is not None}
                tables = named_tables([table], known)
                failures = [failure for failure in failures if failure.table in tables]
            latest = latest_imports(connection, kept, tables=tables, ids=ids, since=since, limit=limit)
            if latest.left_out:
                since = latest.imports[0].imported_at
                failures = [failure for failure in failures if failure.last_failed_at >= since]
            changes = [
                change
                for change in kept.schema_changes.select(connection, since=since)
                if (files is None or change.source_file in files) and (tables is None or change.table in tables)
            ]
        entries: list[HistoryEntry] = [*latest.imports, *changes, *failures]
        return Timeline(
            destination=database.description, entries=tuple(sorted(entries, key=_order)), left_out=latest.left_out
        )


def _order(entry: HistoryEntry) -> tuple[datetime, int, int]:
    if isinstance(entry, ImportRow):
        return entry.imported_at, 0, entry.id
    if isinstance(entry, FailureRow):
        return entry.last_failed_at, 2, entry.id
    return entry.changed_at, 1, entry.id
