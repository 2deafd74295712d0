"""The database of a plan: none, one that does not exist yet, or one that is only read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.postgres.database import UNMADE, Database, is_unmade, open_database
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables.rights import describe_refusals
from pgdatahub.runs.plans.result import FilePlan

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@contextmanager
def destination(config: Config, reporter: Reporter) -> Iterator[tuple[Database | None, str]]:
    """Open the database, if there is one, and yield it with its description."""
    if config.skip_db:
        yield None, "nowhere: no database is asked, and every table counts as new"
    elif is_unmade(config, announcer(reporter), warned=True):
        yield None, UNMADE
    else:
        with open_database(config, announcer(reporter)) as database:
            yield database, database.description


@contextmanager
def looking(database: Database | None) -> Iterator[Connection | None]:
    """Yield a connection in a transaction that only reads; None without a database."""
    if database is None:
        yield None
    else:
        with transaction(database.engine, read_only=True) as connection:
            yield connection


def warn_of_refusals(
    connection: Connection | None, config: Config, files: Collection[FilePlan], warn: Callable[[str], None]
) -> None:
    """Warn of reasons for which no run can load into the database now, if the plan has a file to load."""
    if connection is not None and any(file.action != "skip" for file in files):
        for text in describe_refusals(connection, config.schema_name):
            warn(text)
