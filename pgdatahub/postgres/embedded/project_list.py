"""List of the databases on the embedded server, with the projects that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgdatahub.postgres.embedded import SHARED, EmbeddedServer, databases


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDatabase:
    """A database on the embedded server.

    Attributes:
        database: Its name.
        directory: The directory of a project that uses it; None if no project does.
        kind: ``project``; ``shared`` by projects in earlier versions; ``other``: made by the user.
        bytes: Its size on disk; None if it does not exist any more.
        sessions: Open sessions.
        is_there: The directory exists.
    """

    database: str
    directory: str | None
    kind: Literal["project", "shared", "other"]
    bytes: int | None
    sessions: int
    is_there: bool


def list_databases(server: EmbeddedServer) -> tuple[ListedDatabase, ...]:
    """Return the databases of the running server, one entry for each project that uses one, by name and directory.

    Raises:
        DatabaseError: The server or the registry cannot be used.
    """
    with server.session() as session:
        present = databases(session)
    projects = server.registry.all()
    own = {project.database for project in projects if not project.shared}
    listed = []
    for project in projects:
        facts = present.get(project.database)
        listed.append(
            ListedDatabase(
                database=project.database,
                directory=project.directory,
                kind="shared" if project.shared else "project",
                bytes=None if facts is None else facts.bytes,
                sessions=0 if facts is None else facts.sessions,
                is_there=project.is_there,
            )
        )
    listed += [
        ListedDatabase(
            database=name,
            directory=None,
            kind="shared" if name == SHARED and name not in own else "other",
            bytes=present[name].bytes,
            sessions=present[name].sessions,
            is_there=False,
        )
        for name in present.keys() - {project.database for project in projects}
    ]
    return tuple(sorted(listed, key=lambda one: (one.database, one.directory or "")))
