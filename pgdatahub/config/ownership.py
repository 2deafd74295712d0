"""Refusal of settings that would let another user run programs as root."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from pgdatahub.errors import ConfigError

_PROGRAMS: Final = frozenset({"pg_bindir", "pg_osuser", "pgdatahub_home"})
"""Settings that name programs which are run, their account, or the directory that their data is in."""


def require_trusted(path: Path, shown: str, field: str, written: str) -> None:
    """Check that only root could have written a setting that root's programs depend on.

    Args:
        path: The file that holds the setting.
        shown: Its name in messages.
        field: The setting, as a field of :class:`~pgdatahub.config.settings.Config`.
        written: The setting as the file has it.

    Raises:
        ConfigError: This process is root's, and another user owns the file or a folder above it, or could write to one.
    """
    if field not in _PROGRAMS or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    for place in {link: None for file in (path.absolute(), path.resolve()) for link in (file, *file.parents)}:
        reason = _reason(place)
        if reason is not None:
            raise ConfigError(
                f"{written} is not taken from this file, since root runs what it names and {place} {reason}",
                where=shown,
                hint=f"set {written} in root's environment, or make the file and its folders root's own",
            )


def _reason(place: Path) -> str | None:
    status = place.stat()
    if status.st_uid != 0:
        return "belongs to another user"
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        return "can be written by other users"
    return None
