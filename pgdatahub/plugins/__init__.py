"""Built-in plugins, one for each stage or format; they use the same hooks as other plugins."""

from __future__ import annotations

BUILTIN_PLUGINS = (
    "pgdatahub.plugins.discover_folders",
    "pgdatahub.plugins.discover_remote",
    "pgdatahub.plugins.read_xlsx",
    "pgdatahub.plugins.read_xls",
    "pgdatahub.plugins.read_xlsb",
    "pgdatahub.plugins.read_ods",
    "pgdatahub.plugins.read_calamine",
    "pgdatahub.plugins.read_encrypted",
    "pgdatahub.plugins.refuse_others",
    "pgdatahub.plugins.normalize",
    "pgdatahub.plugins.evolve",
    "pgdatahub.plugins.copy",
    "pgdatahub.plugins.audit",
    "pgdatahub.plugins.apprise",
)
"""Module names. All are ``trylast``, so pluggy calls them after other plugins, in this order."""
