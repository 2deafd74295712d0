"""Presence of files, where a file may be out of reach."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path


def is_cut_off(folder: Path) -> bool:
    """Return whether a folder, or one above it, is a link to nothing."""
    return any(one.is_symlink() and not one.exists() for one in (folder, *folder.parents))


def may_exist(path: Path, *, is_cut_off: Callable[[Path], bool] = is_cut_off) -> bool:
    """Return whether a file exists, or cannot be reached, so that nothing proves that it is gone.

    A link to nothing counts: what it leads to may be on a share that is not mounted. A folder with the name of the file does
    not count. A caller with many files passes :func:`is_cut_off` with a cache, since it looks at each folder above a file.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return is_cut_off(path.parent)
    except (OSError, ValueError):
        return True
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return True
