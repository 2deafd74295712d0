"""Completion of option values in a shell: tables of the data root, and the words that an option takes."""

from __future__ import annotations


def complete_table(incomplete: str) -> list[str]:
    """Return the tables of the folders in the data root; no database is asked, so that completion is quick."""
    from pgdatahub.config import load_config
    from pgdatahub.errors import PgDataHubError
    from pgdatahub.plugins.manager import Stages, create_plugin_manager

    try:
        config = load_config()
        tables = {
            source.table.name for source in Stages(create_plugin_manager()).discover(config) if not source.ignored
        }
    except PgDataHubError:
        return []
    return sorted(table for table in tables if table.startswith(incomplete))


def complete_on_error(incomplete: str) -> list[str]:
    """Return the values of ``--on-error``."""
    return [word for word in ("continue", "stop") if word.startswith(incomplete)]


def complete_executor(incomplete: str) -> list[str]:
    """Return the names of the installed executors."""
    from pgdatahub.runs.workers.executors import executor_names

    return [name for name in executor_names() if name.startswith(incomplete)]
