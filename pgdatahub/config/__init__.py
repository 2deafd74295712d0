"""Settings, folder options and column options. Re-exports only."""

from __future__ import annotations

from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.destination import Destination
from pgdatahub.config.folders import ConfiguredFolder, FolderTree
from pgdatahub.config.loading import load_config
from pgdatahub.config.option_fields import options
from pgdatahub.config.options import FolderOptions
from pgdatahub.config.registry import Setting, environment_text, settings
from pgdatahub.config.settings import Config
from pgdatahub.config.url_masking import masked_url

__all__ = [
    "ColumnOptions",
    "Config",
    "ConfiguredFolder",
    "Destination",
    "FolderOptions",
    "FolderTree",
    "Setting",
    "environment_text",
    "load_config",
    "masked_url",
    "options",
    "settings",
]
