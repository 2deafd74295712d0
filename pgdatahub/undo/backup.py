"""Backup of the loaded tables and the history, and its restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, UndoError
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.schema import METADATA_TABLES, TableName
from pgdatahub.postgres.database import Database, open_database
from pgdatahub.postgres.dump import dump, find_dump_programs, tables_of
from pgdatahub.postgres.dump import restore as restore_dump
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import database_name, take_inventory
from pgdatahub.postgres.keyed.rows import trust_rows
from pgdatahub.postgres.keyed.rules import all_rules
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog
from pgdatahub.values.identifiers import fold

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Result of a backup: its file, and the tables in it besides the history."""

    destination: str
    file: Path
    tables: tuple[TableName, ...]


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
        raise ConfigError("the directory for the backup is not found", where=str(config.state_dir))
    now = datetime.now(timezone.utc)
    return config.state_dir / f"pgdatahub-{fold(database_name) or 'database'}-{now:%Y%m%dT%H%M%S}Z.dump"


def write_backup(config: Config, database: Database, tables: Sequence[TableName], file: Path) -> None:
    """Write tables to a file.

    Raises:
        DatabaseError: The file cannot be written, or the program pg_dump is not found.
    """
    dump(database, tables, file, find_dump_programs(database.server_version, config.pg_bindir))


def metadata_tables(connection: Connection, config: Config) -> list[TableName]:
    """Return the tables of the history that exist, and the companions of keyed tables.

    A database of an earlier version lacks some.
    """
    names = [TableName(schema=config.schema_name, name=name) for name in METADATA_TABLES]
    companions = [rule.companion for rule in all_rules(connection, config.schema_name).values()]
    return sorted(catalog.existing_tables(connection, [*names, *companions]))


def backup(config: Config, file: Path | None = None, *, reporter: Reporter | None = None) -> Backup:
    """Write the loaded tables and the history to a file that :func:`restore` takes; nothing else is written.

    Args:
        config: The settings.
        file: The file, which must not exist; by default a name with the time, in the state directory.
        reporter: Receives notices on the embedded server.

    Raises:
        UndoError: There is nothing to back up.
        ConfigError: The file exists, or its directory does not.
        DatabaseError: The database does not answer, the file cannot be written, or the program pg_dump is not found.
    """
    with open_database(config, announcer(reporter)) as database:
        with transaction(database.engine, read_only=True) as connection:
            history = History(config.schema_name)
            known = history.exists(connection)
            tables = tuple(one.table for one in take_inventory(connection, history) if one.exists) if known else ()
            metadata = metadata_tables(connection, config)
            name = database_name(connection)
        if not known:
            raise UndoError("nothing was loaded yet, so there is nothing to back up", where=database.description)
        path = backup_file(config, name) if file is None else config.directory / file.expanduser()
        if path.exists():
            raise ConfigError("the file already exists", where=str(path), hint="name another file")
        if not path.parent.is_dir():
            raise ConfigError("the directory for the backup is not found", where=str(path.parent))
        # pg_dump reads all tables in one snapshot.
        write_backup(config, database, [*tables, *metadata], path)
        return Backup(destination=database.description, file=path, tables=tables)


def restore(config: Config, file: Path, *, reporter: Reporter | None = None) -> Restored:
    """Restore the tables of a backup, in place of existing tables of the same names.

    Args:
        config: The settings.
        file: The file that ``db backup`` or ``reset --backup`` wrote.
        reporter: Receives notices on the embedded server.

    Raises:
        UndoError: The server refused, or the file is not a backup; nothing changed.
        ConfigError: The file does not exist.
        DatabaseError: The database does not answer, or the program pg_restore is not found.
    """
    with open_database(config, announcer(reporter)) as database:
        return _restore(config, database, file)


def _restore(config: Config, database: Database, file: Path) -> Restored:
    programs = find_dump_programs(database.server_version, config.pg_bindir)
    tables = tables_of(file, programs)
    restore_dump(database, file, programs)
    with transaction(database.engine) as connection:
        for rule in all_rules(connection, config.schema_name).values():
            trust_rows(connection, config.schema_name, rule)
    return Restored(destination=database.description, tables=tuple(sorted(tables)))
