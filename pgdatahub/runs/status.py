"""How things stand: where the rows go, which tables there are, what was loaded last, what is left to resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pgdatahub.config import Config
from pgdatahub.model.events import Notice, NullReporter, Reporter
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import is_unmade, open_database
from pgdatahub.postgres.engine import transaction
from pgdatahub.postgres.history import History
from pgdatahub.postgres.inventory import Inventory, count_rows, take_inventory
from pgdatahub.readers.reading_rules import READING_VERSIONS
from pgdatahub.runs.pause_file import pause_file


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """How things stand.

    Attributes:
        destination: Where the rows go, without secrets.
        tables: The tables that the history names, without those that are gone and have no import any more.
        counted: The rows were counted; else they are what the history says.
        pause_file: The file of a run that waits to be resumed; None if there is none.
        read_by_older_rules: Table → how many of its imports were read by older rules, and the first names.
    """

    destination: str
    tables: tuple[Inventory, ...] = ()
    counted: bool = False
    pause_file: str | None = None
    read_by_older_rules: Mapping[TableName, tuple[int, list[str]]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)


def status(config: Config, *, count: bool = False, reporter: Reporter | None = None) -> DatabaseStatus:
    """Return how things stand; nothing is written, and an embedded server that was never used is not made.

    Args:
        config: The settings.
        count: Count the rows in the tables, which reads them whole; else the history tells.
        reporter: Is told of the embedded server.

    Raises:
        DatabaseError: There is no database.
    """
    path = pause_file(config)
    waiting = str(path) if path.exists() else None
    if is_unmade(config):
        return DatabaseStatus(destination="the embedded server, which the first run makes", pause_file=waiting)
    tell = reporter or NullReporter()
    with (
        open_database(config, _announcer(tell)) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        history = History(config.schema_name)
        known = history.exists(connection)
        inventories = take_inventory(connection, history) if known else ()
        existing = [one.table for one in inventories if one.exists]
        older = history.tables_of_older_readings(connection, existing, READING_VERSIONS) if known else {}
        tables = tuple(
            replace(table, rows=count_rows(connection, table.table)) if count and table.exists else table
            for table in inventories
            if table.exists or table.imports or table.held
        )
        return DatabaseStatus(
            destination=database.description,
            tables=tables,
            counted=count,
            pause_file=waiting,
            read_by_older_rules=older,
        )


def _announcer(reporter: Reporter) -> Callable[[str], None]:
    return lambda line: reporter(Notice(text=line))
