"""Registry of projects: the directory and the database of each, in the server's home.

A project has one file, named by a hash of its directory, so that processes of different projects never write the same file and a
damaged file concerns one project. Nothing is written to the project's directory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, final

from pgdatahub.errors import DatabaseError
from pgdatahub.system.atomic_write import write_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project directory and its database on the embedded server.

    Attributes:
        directory: The real path of the directory.
        database: The database's name.
        shared: The database is the one that all projects shared in earlier versions.
        moving_to: The project's own database, while ``db move`` is at work or was interrupted.
        inode: Device and inode of the directory, which survive a rename within one file system.
    """

    directory: str
    database: str
    shared: bool = False
    moving_to: str | None = None
    inode: tuple[int, int] | None = None

    @property
    def is_there(self) -> bool:
        """Return whether the directory exists."""
        return Path(self.directory).is_dir()

    def is_moved_to(self, directory: str) -> bool:
        """Return whether the project's directory is gone, and another directory is the same one under a new name."""
        return not self.is_there and self.inode is not None and self.inode == inode_of(directory)


def inode_of(directory: str) -> tuple[int, int] | None:
    """Return device and inode of a directory; None if it does not exist."""
    try:
        status = Path(directory).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@final
class Registry:
    """The files of all projects; the caller holds the server's administration lock for changes.

    Args:
        directory: The directory of the files, which may not exist.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, directory: str) -> Project | None:
        """Return the project at a real path; None if the registry does not have it.

        Raises:
            DatabaseError: The project's file cannot be read.
        """
        return _read(self._file(directory))

    def all(self) -> tuple[Project, ...]:
        """Return all projects, by directory.

        Raises:
            DatabaseError: A file cannot be read.
        """
        found = (_read(path) for path in self._directory.glob("*.json"))
        return tuple(sorted(filter(None, found), key=lambda project: project.directory))

    def write(self, project: Project) -> None:
        """Write the file of a project atomically."""
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"cannot create a directory for the embedded server: {error.strerror}", where=str(self._directory)
            ) from error
        # ASCII JSON: a path that is not UTF-8 has lone surrogates.
        write_file(self._file(project.directory), json.dumps(asdict(project), indent=2).encode("ascii"), mode=0o600)

    def remove(self, project: Project) -> None:
        """Remove the file of a project; its database stays."""
        self._file(project.directory).unlink(missing_ok=True)

    def _file(self, directory: str) -> Path:
        return self._directory / f"{sha256(os.fsencode(directory)).hexdigest()[:24]}.json"


def _read(path: Path) -> Project | None:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="ascii"))
        inode = content["inode"]
        return Project(
            directory=str(content["directory"]),
            database=str(content["database"]),
            shared=bool(content["shared"]),
            moving_to=None if content["moving_to"] is None else str(content["moving_to"]),
            inode=None if inode is None else (int(inode[0]), int(inode[1])),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DatabaseError(
            "a file of the embedded server is damaged",
            where=str(path),
            hint="remove it; pgdatahub creates it again from the comments of the databases",
        ) from error
