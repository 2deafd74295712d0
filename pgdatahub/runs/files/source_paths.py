"""Places of files in relation to paths that the user names."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from pgdatahub.model.files import SourceFile
from pgdatahub.system.storage import is_url


def is_above(folder: SourceFile, path: Path) -> bool:
    """Return whether a path is at or below a folder."""
    if is_url(folder.location):
        names = (folder.location.replace("://", ":/"), folder.identity)
        return any(path.is_relative_to(name) for name in names)
    return _absolute(path).is_relative_to(folder.location)


def exists(path: Path) -> bool:
    """Return whether a path exists in this system."""
    try:
        return _absolute(path).exists()
    except OSError:  # such as a name that is too long
        return False


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        return path.absolute()  # "~$a.xlsx" is not a home directory


def is_below(source: SourceFile, path: Path) -> bool:
    """Return whether a file is at or below a path."""
    if is_url(source.location):
        # By URL, of whose two slashes a Path keeps one, or by path below the data root.
        names = (source.location.replace("://", ":/"), source.identity)
        return any(PurePosixPath(name).is_relative_to(path.as_posix()) for name in names)
    root = _absolute(path)
    return Path(source.location).is_relative_to(root) or _real(source.location).is_relative_to(_real(root))


def _real(path: str | Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve() raises on a cycle of links
