"""History of the tables, oldest first: imports and schema changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TypeAlias

from pgdatahub.config import Config
from pgdatahub.errors import UndoError
from pgdatahub.model.events import Notice, NullReporter, Reporter
from pgdatahub.model.imports import ChangeRow, ImportRow
from pgdatahub.postgres.database import open_database
from pgdatahub.postgres.engine import transaction
from pgdatahub.postgres.history import History

HistoryEntry: TypeAlias = ImportRow | ChangeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Imports and schema changes, oldest first.

    Attributes:
        destination: The database, without secrets.
        entries: Imports and schema changes; a change comes after the import that brought it.
    """

    destination: str
    entries: tuple[HistoryEntry, ...]


def history(
    config: Config,
    *,
    table: str | None = None,
    file: str | None = None,
    since: datetime | None = None,
    reporter: Reporter | None = None,
) -> Timeline:
    """Return the history of the tables; nothing is written.

    Args:
        config: The settings.
        table: Only this table.
        file: Only this file: its path, or the end of its path.
        since: Only entries from this moment on; UTC if it has no time zone.
        reporter: Receives notices on the embedded server.

    Raises:
        UndoError: The table is not in the history.
        DatabaseError: The database does not answer.
    """
    tell = reporter or NullReporter()
    if since is not None and since.tzinfo is not None:
        since = since.astimezone(timezone.utc).replace(tzinfo=None)
    with open_database(config, lambda line: tell(Notice(text=line))) as database:
        with transaction(database.engine, read_only=True) as connection:
            kept = History(config.schema_name)
            if not kept.exists(connection):
                return Timeline(destination=database.description, entries=())
            imports = kept.select_imports(connection, file_tail=file, since=since)
            changes = kept.schema_changes.select(connection, since=since)
            if table is not None:
                known = {str(past.table): past.table for past in kept.select_imports(connection)}
                meant = {name for label, name in known.items() if table in (label, name.name)}
                if not meant:
                    there = ", ".join(sorted(known)) or "none"
                    raise UndoError(f"the history knows no table {table!r}", hint=f"it knows: {there}")
                imports = [past for past in imports if past.table in meant]
                changes = [change for change in changes if change.table in meant]
        if file is not None:
            changes = [change for change in changes if _ends_with(change.source_file, file)]
        entries: list[HistoryEntry] = [*imports, *changes]
        return Timeline(destination=database.description, entries=tuple(sorted(entries, key=_order)))


def _ends_with(source_file: str, file: str) -> bool:
    return source_file == file or source_file.endswith("/" + file.removeprefix("./"))


def _order(entry: HistoryEntry) -> tuple[datetime, int, int]:
    if isinstance(entry, ImportRow):
        return entry.imported_at, 0, entry.id
    return entry.changed_at, 1, entry.id
