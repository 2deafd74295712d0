"""Status of the database: tables, rows, last loads, and a paused run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pgdatahub.config import Config
from pgdatahub.config.loading import config_of
from pgdatahub.load.known.left_tables import LeftRows
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.failures import FailureRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import UNMADE, is_unmade, open_database
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import Inventory, count_rows, take_inventory
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.history.older_rows import tables_of_older_readings
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.readers.reading_rules import READING_VERSIONS
from pgdatahub.runs.files.left_tables import rows_left
from pgdatahub.runs.pause_file import pause_file
from pgdatahub.runs.plans.missing_files import MissingCounts, count_missing


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """Status of the database.

    Attributes:
        destination: Description of the database, without secrets.
        tables: The tables in the history, except dropped tables without imports.
        counted: True if the rows were counted, False if they are those of the history.
        pause_file: Pause file of a run that waits for ``resume``; None without one.
        failures: Files that did not load, and folders that could not be read, at their last attempt.
        exists: The database exists; False before the first run makes the embedded server or its database.
        read_by_older_rules: Table → number of its imports that older rules read, and the first file names.
        missing_files: Table → number of its imports whose file no longer exists, and the first file names; None if the data
            root cannot be listed.
        left_behind: Rows in tables that the settings do not name for their files any more.
    """

    destination: str
    tables: tuple[Inventory, ...] = ()
    counted: bool = False
    pause_file: str | None = None
    failures: tuple[FailureRow, ...] = ()
    exists: bool = True
    read_by_older_rules: Mapping[TableName, tuple[int, list[str]]] = field(default_factory=dict)
    missing_files: MissingCounts | None = field(default_factory=dict)
    left_behind: tuple[LeftRows, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows in all tables."""
        return sum(table.rows for table in self.tables)


def status(
    config: Config | None = None,
    *,
    count: bool = False,
    tables: Collection[str] = (),
    reporter: Reporter | None = None,
    **settings: Any,
) -> DatabaseStatus:
    """Return the status of the database; nothing is written, and an embedded server is not created.

    Args:
        config: The settings, or None for those of the environment and the files.
        count: Count the rows in the tables, which reads the tables; else use the numbers in the history.
        tables: Only these tables and the failures of their files, by name or by ``schema.name``; all if empty.
        reporter: Receives notices on the embedded server.
        settings: Instead of ``config``, single settings by field, such as ``data_root`` and ``database_url``.

    Raises:
        ConfigError: A table is not in the history.
        DatabaseError: The database does not answer.
    """
    config = config_of(config, settings)
    path = pause_file(config)
    waiting = str(path) if path.exists() else None
    announce = announcer(reporter)
    if is_unmade(config, announce):
        return DatabaseStatus(destination=UNMADE, pause_file=waiting, exists=False)
    with (
        open_database(config, announce) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        history = History(config.schema_name)
        known = history.exists(connection)
        inventories = take_inventory(connection, history) if known else ()
        failures = Failures(config.schema_name).select(connection, standing=True) if known else ()
        missing = count_missing(connection, history, config) if known else {}
        left_behind = rows_left(connection, history, config) if known else ()
        if tables:
            with_failures = (one.table for one in failures if one.table is not None)
            meant = named_tables(tables, (*(one.table for one in inventories), *with_failures))
            inventories = tuple(one for one in inventories if one.table in meant)
            failures = tuple(one for one in failures if one.table in meant)
            missing = missing and {table: counted for table, counted in missing.items() if table in meant}
            left_behind = tuple(one for one in left_behind if one.table in meant)
        existing = [one.table for one in inventories if one.exists]
        older = tables_of_older_readings(connection, history, existing, READING_VERSIONS) if known else {}
        shown = tuple(
            replace(table, rows=_count(connection, table)) if count and table.exists else table
            for table in inventories
            if table.exists or table.imports or table.held
        )
        return DatabaseStatus(
            destination=database.description,
            tables=shown,
            counted=count,
            pause_file=waiting,
            failures=failures,
            read_by_older_rules=older,
            missing_files=missing,
            left_behind=left_behind,
        )


def _count(connection: Connection, table: Inventory) -> int:
    """Return the number of rows of a table, with its companion."""
    both = (table.table, *([table.companion] if table.companion else ()))
    return sum(count_rows(connection, one) for one in both)
