"""Refusal of settings that would let another user run programs as root."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from pgdatahub.errors import ConfigError

_PROGRAMS: Final = frozenset({"pg_bindir", "pg_osuser", "pgdatahub_home"})
"""Settings that name programs to run, their account, or the directory of their data."""


def require_trusted(path: Path, shown: str, field: str, written: str) -> None:
    """Check that only root can have written a setting that selects programs for root.

    Args:
        path: The file with the setting.
        shown: The file's name in messages.
        field: The setting, as a field of :class:`~pgdatahub.config.settings.Config`.
        written: The setting's name in the file.

    Raises:
        ConfigError: The process runs as root, and another user owns or can write the file or a folder above it.
    """
    if field not in _PROGRAMS or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    for place in {link: None for file in (path.absolute(), path.resolve()) for link in (file, *file.parents)}:
        reason = _reason(place)
        if reason is not None:
            raise ConfigError(
                f"root cannot use {written} of this file, because {place} {reason}",
                where=shown,
                hint=f"set {written} in root's environment, or make root the owner of the file and its folders",
            )


def _reason(place: Path) -> str | None:
    status = place.stat()
    if status.st_uid != 0:
        return "belongs to another user"
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        return "can be written by other users"
    return None
