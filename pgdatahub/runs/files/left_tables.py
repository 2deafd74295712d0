"""Rows that files left in other tables: found by a run, a plan and ``status``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import PgDataHubError
from pgdatahub.load.known.left_tables import LeftRows, by_table, left_imports, moving
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.history.imports import History

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def mark_leaving(files: Sequence[SourceFile], left: Sequence[ImportRow]) -> list[SourceFile]:
    """Return the files, with a mark on those whose load takes their rows out of tables that they left."""
    locations = {past.source_file for past in left}
    return [replace(source, leaves=True) if moving(source, locations) else source for source in files]


def find_left(pipeline: Pipeline, files: Sequence[SourceFile]) -> list[ImportRow]:
    """Return the imports of a run's files in tables that the settings do not name for them any more.

    Raises:
        DatabaseError: The database is gone.
    """
    if not files:
        return []
    schema = pipeline.config.schema_name
    return pipeline.queries.ask(lambda connection: left_imports(connection, pipeline.history, files, schema), [])


def warn_of_left(imports: Sequence[ImportRow], reporter: Reporter) -> tuple[str, ...]:
    """Report the rows that files left in other tables, and return the messages."""
    messages = tuple(one.sentence for one in by_table(imports))
    for text in messages:
        reporter(Notice(text=text, warning=True))
    return messages


def rows_left(connection: Connection, history: History, config: Config) -> tuple[LeftRows, ...]:
    """Return the rows that the files of the data root left in other tables; none if it cannot be listed."""
    try:
        files = [source for source in Stages(create_plugin_manager()).discover(config) if not source.ignored]
    except PgDataHubError:
        return ()
    return by_table(left_imports(connection, history, files, config.schema_name))
