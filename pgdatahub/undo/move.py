"""``db move``: a project's own database, out of the one that all projects shared in earlier versions.

If the shared database has files of this project only, it is renamed. Otherwise it is copied; then the copy loses the imports of
the other projects, and the shared database those of this project, each by an exact undo. The new database is complete before the
shared one loses a row, and :mod:`pgdatahub.postgres.embedded.projects` finishes or forgets a move that was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, DatabaseError, PauseFileError, UndoError
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import connect_embedded, embedded_server
from pgdatahub.postgres.embedded import (
    EmbeddedServer,
    Project,
    copy_database,
    databases,
    drop_database,
    inode_of,
    rename_database,
    set_comment,
)
from pgdatahub.postgres.embedded.projects import ProjectDatabases, comment_of, data_root_of, directory_of
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_files import known_roots
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.pause_file import pause_file, read_pause
from pgdatahub.system import failpoints
from pgdatahub.undo.check import make_plan
from pgdatahub.undo.execute import execute, lock
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.select import Choice

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Result of a move.

    Attributes:
        database: The project's own database.
        former: The database that the project used before.
        tables: The tables of the project.
        copied: True if the shared database stays, for other projects.
    """

    database: str
    former: str
    tables: tuple[TableName, ...] = ()
    copied: bool = False


def move(config: Config, *, reporter: Reporter | None = None) -> Moved:
    """Give a project that uses the shared database its own.

    Args:
        config: The settings.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The project does not use the shared database.
        UndoError: The projects cannot be separated; the message has the reason, and nothing changed.
        DatabaseError: The embedded server does not answer, or the shared database is in use.
        PauseFileError: A paused run waits for the shared database.
    """
    announce = announcer(reporter)
    _require_embedded(config)
    if read_pause(config) is not None:
        raise PauseFileError(
            "a run is paused, which goes on in the shared database",
            where=str(pause_file(config)),
            hint="pgdatahub resume",
        )
    with embedded_server(config, announce) as server:
        projects = ProjectDatabases(server=server, config=config, announce=announce)
        project = projects.find()
        if project is None:
            raise ConfigError("this project has no database yet", hint="pgdatahub run makes its own")
        if not project.shared:
            raise ConfigError(f"this project has its own database already: {project.database}")
        with server.administration():
            return _move(server, projects, project, config)


def take_over(config: Config, former: str, *, reporter: Reporter | None = None) -> Moved:
    """Give a project the database of a directory that is gone.

    Args:
        config: The settings.
        former: The directory that is gone.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The directory has no database, still exists, or this project has loaded files already.
        DatabaseError: The embedded server does not answer.
    """
    announce = announcer(reporter)
    _require_embedded(config)
    with embedded_server(config, announce) as server:
        found = {project.directory: project for project in server.registry.all()}
        old = found.get(former) or found.get(former.rstrip("/"))
        if old is None or old.shared:
            raise ConfigError("no project was in this directory", where=former, hint="pgdatahub db list names all")
        if old.is_there:
            raise ConfigError("the directory exists, so its database stays with it", where=former)
        directory = directory_of(config)
        own = server.registry.find(directory)
        if own is not None and _is_used(server, own, config):
            raise ConfigError(f"this project has loaded files into its own database already: {own.database}")
        with server.administration():
            project = replace(old, directory=directory, inode=inode_of(directory))
            server.registry.write(project)
            server.registry.remove(old)
            with server.session() as session:
                set_comment(session, project.database, comment_of(project))
                if own is not None and not own.shared:
                    drop_database(session, own.database)
        return Moved(database=project.database, former=former)


def imports_of_others(connection: Connection, config: Config) -> list[ImportRow]:
    """Return the imports in a shared database of files that are not this project's."""
    imports = History(config.schema_name).select_imports(connection)
    own = _own_roots(connection, config)
    return [past for past in imports if not past.source_file.startswith(own)]


def _move(server: EmbeddedServer, projects: ProjectDatabases, project: Project, config: Config) -> Moved:
    name = projects.free_name()
    _require_unused(server, project.database)
    moving = replace(project, moving_to=name)
    server.registry.write(moving)
    with _connected(server, project.database) as connection:
        shared = bool(imports_of_others(connection, config))
    try:
        if shared:
            _divide(server, project, name, config)
        else:
            with server.session() as session:
                rename_database(session, project.database, name)
    except BaseException:
        projects.settle_move(moving)
        raise
    settled = replace(project, database=name, shared=False, moving_to=None)
    with server.session() as session:
        set_comment(session, name, comment_of(settled))
    server.registry.write(settled)
    if not shared:
        for other in server.registry.all():
            if other.shared and not other.is_there:
                server.registry.remove(other)  # it had nothing in the database, which is renamed
    with _connected(server, name) as connection:
        tables = tuple(sorted(History(config.schema_name).tables_with_rows(connection)))
    return Moved(database=name, former=project.database, tables=tables, copied=shared)


def _divide(server: EmbeddedServer, project: Project, name: str, config: Config) -> None:
    """Copy the shared database, and leave each import in one of the two."""
    with server.session() as session:
        copy_database(session, project.database, name)
    failpoints.reach("move copied")
    with _connected(server, name) as connection:
        own = _own_roots(connection, config)
        kept, _ = _keep(connection, config, lambda file: file.startswith(own))
    failpoints.reach("move divided")
    with _connected(server, project.database) as connection:
        _, left = _keep(connection, config, lambda file: not file.startswith(own))
        if left != kept:
            raise UndoError("a run loaded files meanwhile; nothing was moved", hint="try again")
    failpoints.reach("move done")


def _keep(
    connection: Connection, config: Config, keeps: Callable[[str], bool]
) -> tuple[frozenset[int], frozenset[int]]:
    """Undo and forget the imports of some files.

    Args:
        connection: In a transaction.
        config: The settings.
        keeps: Returns whether the import of a ``source_file`` stays.

    Returns:
        The ids of the imports that stay, and of those that went.

    Raises:
        UndoError: An import cannot be undone; the message has the reason.
    """
    history = History(config.schema_name)
    history.ensure(connection)
    imports = history.select_imports(connection)
    going = [past for past in imports if not keeps(past.source_file)]
    choices = [
        Choice(table=table, imports=tuple(past for past in going if past.table == table))
        for table in sorted({past.table for past in going})
    ]
    lock(connection, history, choices)
    for choice in choices:
        # Rows that were changed by hand go with their import: each database keeps them once.
        request = UndoRequest(rows=bool(choice.loaded), schema=True, force=True)
        plan = make_plan(connection, history, choice, request, warn_of_reload=False)
        if plan.refusals:
            first = plan.refusals[0]
            raise UndoError(f"nothing was moved: {first.reason}", where=first.subject, hint=first.hint)
        execute(connection, history, plan)
    gone = frozenset(past.id for past in going)
    history.forget(connection, gone)
    failures = Failures(config.schema_name)
    failures.forget(connection, [row.id for row in failures.select(connection) if not keeps(row.source_file)])
    return frozenset(past.id for past in imports) - gone, gone


def _own_roots(connection: Connection, config: Config) -> tuple[str, ...]:
    roots = known_roots(connection.driver, config.schema_name, data_root_of(config))
    return tuple(f"{root.rstrip('/')}/" for root in roots)


@contextmanager
def _connected(server: EmbeddedServer, name: str) -> Iterator[Connection]:
    """Yield a connection to a database in a transaction."""
    with closing(connect_embedded(server, name)) as database, transaction(database.engine) as connection:
        yield connection


def _require_unused(server: EmbeddedServer, name: str) -> None:
    with server.session() as session:
        facts = databases(session).get(name)
    if facts is not None and facts.sessions:
        raise DatabaseError(
            f"the database {name} is in use by {facts.sessions} open sessions", hint="end them, and try again"
        )


def _is_used(server: EmbeddedServer, project: Project, config: Config) -> bool:
    with server.session() as session:
        if project.database not in databases(session):
            return False
    with _connected(server, project.database) as connection:
        history = History(config.schema_name)
        return history.exists(connection) and bool(history.select_imports(connection))


def _require_embedded(config: Config) -> None:
    if config.destination.kind != "embedded":
        raise ConfigError(
            "the settings name another server, and only the embedded one keeps a database for each project",
            where=config.destination.place or "PGHOST or PGSERVICE",
        )
