"""Presence of files, where a file may be out of reach."""

from __future__ import annotations

import stat
from pathlib import Path


def may_exist(path: Path) -> bool:
    """Return whether a file exists, or cannot be reached, so that nothing proves that it is gone.

    A link to nothing counts: what it leads to may be on a share that is not mounted. A folder with the name of the file does
    not count.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return any(folder.is_symlink() and not folder.exists() for folder in path.parents)
    except (OSError, ValueError):
        return True
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return True
