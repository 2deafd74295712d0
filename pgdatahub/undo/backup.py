"""Backup of the loaded tables and the history, and its restore."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError
from pgdatahub.model.events import Notice, NullReporter, Reporter
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import Database, open_database
from pgdatahub.postgres.dump import find_dump_programs, tables_of
from pgdatahub.postgres.dump import restore as restore_dump
from pgdatahub.values.identifiers import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Result of a restore."""

    destination: str
    tables: tuple[TableName, ...]


def backup_file(config: Config, database_name: str) -> Path:
    """Return the path of a backup made now, in the state directory.

    Raises:
        ConfigError: The state directory is not found.
    """
    if not config.state_dir.is_dir():
        raise ConfigError("the directory for the backup is not there", where=str(config.state_dir))
    now = datetime.now(timezone.utc)
    return config.state_dir / f"pgdatahub-{fold(database_name) or 'database'}-{now:%Y%m%dT%H%M%S}Z.dump"


def restore(config: Config, file: Path, *, reporter: Reporter | None = None) -> Restored:
    """Restore the tables of a backup, in place of existing tables of the same names.

    Args:
        config: The settings.
        file: The file that ``reset --backup`` wrote.
        reporter: Receives notices on the embedded server.

    Raises:
        UndoError: The server refused; nothing changed.
        DatabaseError: The database does not answer, or the dump or the program pg_restore is not found.
    """
    tell = reporter or NullReporter()
    with open_database(config, lambda line: tell(Notice(text=line))) as database:
        return _restore(config, database, file)


def _restore(config: Config, database: Database, file: Path) -> Restored:
    programs = find_dump_programs(database.server_version, config.pg_bindir)
    tables = tables_of(file, programs)
    restore_dump(database, file, programs)
    return Restored(destination=database.description, tables=tuple(sorted(tables)))
