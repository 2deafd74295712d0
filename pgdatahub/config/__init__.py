"""Settings: what can be set, where it is read, what a folder inherits. Re-exports only."""

from __future__ import annotations

from pgdatahub.config.folders import ConfiguredFolder, FolderTree
from pgdatahub.config.loading import load_config
from pgdatahub.config.options import ColumnOptions, FolderOptions, options
from pgdatahub.config.settings import Config, Setting, as_written, settings
from pgdatahub.config.urls import Destination, masked_url

__all__ = [
    "ColumnOptions",
    "Config",
    "ConfiguredFolder",
    "Destination",
    "FolderOptions",
    "FolderTree",
    "Setting",
    "as_written",
    "load_config",
    "masked_url",
    "options",
    "settings",
]
