"""Presence of files, where a file may be out of reach."""

from __future__ import annotations

from pathlib import Path


def may_exist(path: Path) -> bool:
    """Return whether a file exists, or cannot be reached, so that nothing proves that it is gone.

    A link to nothing counts: what it leads to may be on a share that is not mounted.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return any(folder.is_symlink() and not folder.exists() for folder in path.parents)
    except (OSError, ValueError):
        return True
    return True
