"""The database of a project on the embedded server: found, recognized after a move, or made.

Each project directory has its own database, named after the directory. In earlier versions all projects of an account shared
the database ``pgdatahub``; a project whose files its history knows goes on in it until ``db move``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pgdatahub.errors import ConfigError, DatabaseError
from pgdatahub.postgres.embedded import (
    SHARED,
    DatabaseFacts,
    EmbeddedServer,
    Project,
    databases,
    drop_database,
    inode_of,
    set_comment,
)
from pgdatahub.postgres.history.known_files import known_roots
from pgdatahub.values.identifiers import cut, fold

if TYPE_CHECKING:
    from pgdatahub.config import Config

_COMMENT: Final = "project of pgdatahub: "
_NAME_BYTES: Final = 40
_RESERVED: Final = frozenset({"postgres", "template0", "template1"})


def directory_of(config: Config) -> str:
    """Return the real path of the project directory."""
    return os.path.realpath(config.directory)


def data_root_of(config: Config) -> str:
    """Return the data root: an absolute path as ``source_file`` has it, or a URL."""
    try:
        return os.path.abspath(config.root_path)  # noqa: PTH100 - as in discovery, which keeps links
    except ConfigError:
        return config.data_root


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDatabases:
    """The databases of projects on the embedded server, as one project sees them.

    Attributes:
        server: The server, to which the caller is attached.
        config: The settings of the project.
        announce: Receives lines for the user about recognized and new databases.
    """

    server: EmbeddedServer
    config: Config
    announce: Callable[[str], None]

    def find(self) -> Project | None:
        """Return the project, if it has a database; a database is recognized, not made.

        Raises:
            DatabaseError: The server or the registry cannot be used.
        """
        return self._find(create=False)

    def ensure(self) -> Project:
        """Return the project, with a new database if it has none.

        Raises:
            DatabaseError: The server or the registry cannot be used.
        """
        project = self._find(create=True)
        if project is None:
            raise DatabaseError("the project has no database", where=directory_of(self.config))
        return project

    def _find(self, *, create: bool) -> Project | None:
        directory = directory_of(self.config)
        project = self.server.registry.find(directory)
        if project is None or project.moving_to is not None or (project.shared and not self._is_present(project)):
            with self.server.administration():
                project = self._settle(directory, create=create)
        if project is not None and create and not project.shared:
            self.server.ensure_database(project.database, comment=comment_of(project))
        return project

    def _is_present(self, project: Project) -> bool:
        with self.server.session() as session:
            return project.database in databases(session)

    def _settle(self, directory: str, *, create: bool) -> Project | None:
        """Return the project under the administration lock; another process may have made it meanwhile."""
        registry = self.server.registry
        with self.server.session() as session:
            present = databases(session)
        project = registry.find(directory)
        if project is not None and project.moving_to is not None:
            return self.settle_move(project)
        if project is not None and (not project.shared or project.database in present):
            return project
        project = self._recognize(directory, present)
        if project is None and create:
            project = Project(directory=directory, database=self._free_name(directory, present))
            self._report_gone(directory)
        if project is not None:
            registry.write(replace(project, inode=inode_of(directory)))
        return project

    # ── recognition ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _recognize(self, directory: str, present: dict[str, DatabaseFacts]) -> Project | None:
        registry = self.server.registry
        projects = registry.all()
        recorded = {project.database for project in projects if not project.shared}
        for name, facts in present.items():
            if name not in recorded and facts.comment == f"{_COMMENT}{directory}":
                return Project(directory=directory, database=name)  # its file in the registry was lost
        for project in projects:
            if not project.shared and not project.is_there and project.database in present:
                if not self._knows(project.database):
                    continue
                registry.remove(project)
                moved = replace(project, directory=directory)
                with self.server.session() as session:
                    set_comment(session, moved.database, comment_of(moved))
                self.announce(f"this project was {project.directory}, and keeps its database {project.database}")
                return moved
        if SHARED in present and SHARED not in recorded and self._knows(SHARED):
            for project in projects:
                if project.shared and project.is_moved_to(directory):
                    registry.remove(project)
                    self.announce(f"this project was {project.directory}, and goes on in the shared database")
            return Project(directory=directory, database=SHARED, shared=True)
        return None

    def _knows(self, database: str) -> bool:
        with self.server.session(database) as session:
            return bool(known_roots(session, self.config.schema_name, data_root_of(self.config)))

    def _report_gone(self, directory: str) -> None:
        """Tell which directories are gone, one of which may have been this project without a file that proves it."""
        gone = [project for project in self.server.registry.all() if not project.shared and not project.is_there]
        alike = [project for project in gone if project.is_moved_to(directory)]
        for project in alike or gone[:1]:
            more = f" (and {len(gone) - 1} more)" if len(gone) > 1 and not alike else ""
            self.announce(
                f"made a new database for this project; if it was {project.directory}{more}, which is gone, "
                f"`pgdatahub db move --from {project.directory}` gives it its database {project.database}"
            )

    # ── names and interrupted moves ───────────────────────────────────────────────────────────────────────────────────

    def free_name(self) -> str:
        """Return a free name for a database of the project, while the caller holds the administration lock."""
        with self.server.session() as session:
            return self._free_name(directory_of(self.config), databases(session))

    def _free_name(self, directory: str, present: dict[str, DatabaseFacts]) -> str:
        taken = {*present, *_RESERVED, *(project.database for project in self.server.registry.all())}
        base = cut(fold(Path(directory).name))[:_NAME_BYTES].strip("_") or "project"
        names = (base if number == 1 else f"{base}_{number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def settle_move(self, project: Project) -> Project:
        """Finish or forget an interrupted ``db move``, while the caller holds the administration lock.

        The shared database loses the project's rows in one transaction, after the new database is complete.

        Args:
            project: The project as it was during the move.
        """
        target = project.moving_to
        if target is None:
            return project
        with self.server.session() as session:
            present = databases(session)
            if target in present and (project.database not in present or not self._knows(project.database)):
                settled = replace(project, database=target, shared=False, moving_to=None)
                set_comment(session, target, comment_of(settled))
            else:
                settled = replace(project, moving_to=None)
                drop_database(session, target)
        self.server.registry.write(settled)
        return settled


def comment_of(project: Project) -> str | None:
    """Return the comment of a project's own database, by which a lost file of the registry is made again."""
    if project.shared:
        return None
    # The server's text is UTF-8; a path that is not has no such comment.
    try:
        project.directory.encode()
    except UnicodeEncodeError:
        return None
    return f"{_COMMENT}{project.directory}"
