"""The plugin: one hook, which emits events at the end of a run if a variable of OpenLineage names a receiver."""

from __future__ import annotations

import os

from pgdatahub import Config, RunReport, hookimpl


@hookimpl
def pgdatahub_finished(report: RunReport, config: Config) -> None:
    """Emit two events for each table: the start of its load and its end. An error here is a warning of the run."""
    configured = any(
        name == "OPENLINEAGE_CONFIG" or name.startswith(("OPENLINEAGE_URL", "OPENLINEAGE__")) for name in os.environ
    )
    if report.dry or not configured:
        return
    # Here, since every command imports every plugin.
    from openlineage.client import OpenLineageClient

    from pgdatahub_openlineage.events import events_of

    client = OpenLineageClient()
    try:
        for event in events_of(report, config):
            client.emit(event)
    finally:
        client.close()
