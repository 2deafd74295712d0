"""Folders for marked copies, which must lie outside of the data root: a run would load the copies."""

from __future__ import annotations

import os
from pathlib import Path

from pgdatahub.config.options import FolderOptions
from pgdatahub.config.settings import Config
from pgdatahub.errors import ConfigError


def check_report_folders(config: Config) -> None:
    """Check ``report_dir`` of all folders.

    Raises:
        ConfigError: One of them is in the data root.
    """
    places = {(): str(config.config_file or "")} | {
        folder.parts: folder.where for folder in config.folders.configured_folders()
    }
    for parts, where in places.items():
        report_folder(config, config.folders.options_for(parts), where=where)


def report_folder(config: Config, options: FolderOptions, *, where: str | None = None) -> Path | None:
    """Return the folder for marked copies, absolute; None without one.

    Args:
        config: The settings; relative paths are relative to their directory.
        options: The options of a folder.
        where: The place of the setting for an error.

    Raises:
        ConfigError: The folder is in the data root, also by a link.
    """
    if options.report_dir is None:
        return None
    folder = config.directory / Path(options.report_dir).expanduser()
    if is_in_data_root(config, folder):
        raise ConfigError(
            f"report_dir {options.report_dir} is in the data root, where a run would load the marked copies",
            where=where,
            hint=f"name a folder outside of {config.data_root}",
        )
    return folder


def is_in_data_root(config: Config, path: Path) -> bool:
    """Return whether a path leads into the data root, whatever links are on the way."""
    if "://" in config.data_root:
        return False
    root = Path(os.path.realpath(config.root_path))
    return Path(os.path.realpath(path)).is_relative_to(root)
