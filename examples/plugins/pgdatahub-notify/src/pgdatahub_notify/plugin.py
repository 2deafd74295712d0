"""The plugin: a hook for each import, which returns the request to make after COMMIT, and one for the end of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pgdatahub import ImportRecord, RunReport, hookimpl
from pgdatahub.model.schema import AddColumn, CreateTable, SchemaChange

URL_VARIABLE: Final = "PGDATAHUB_WEBHOOK_URL"


@hookimpl
def pgdatahub_audit(record: ImportRecord) -> Callable[[], None] | None:
    """Ask for a request after COMMIT; within the transaction it could tell of an import that is then rolled back.

    What the function that is returned raises is shown to the user as a warning: the rows are loaded whatever it does.
    """
    url = os.environ.get(URL_VARIABLE)
    if not url:
        return None
    # Here, since every command imports every plugin.
    from pgdatahub_notify.webhook import post

    return partial(post, url, json.dumps(describe(record)).encode())


@hookimpl
def pgdatahub_finished(report: RunReport) -> None:
    """Post the files of a run that failed, which no audit hook gets; an error of this hook is a warning too."""
    url = os.environ.get(URL_VARIABLE)
    if not url or report.dry or not report.exit_code:
        return
    from pgdatahub_notify.webhook import post

    post(url, json.dumps(describe_run(report)).encode())


def describe_run(report: RunReport) -> dict[str, Any]:
    """Return the failures of a run; no message, since it may quote a cell."""
    return {
        "event": "failures",
        "run": report.run_id,
        "exit_code": int(report.exit_code),
        "stopped": report.stopped.value if report.stopped else None,
        "unreadable": list(report.unreadable),
        "files": [
            {
                "file": result.source.identity,
                "schema": result.source.table.schema,
                "table": result.source.table.name,
                "kind": result.failure.kind,
                "where": result.failure.where,
            }
            for result in report.results
            if result.failure is not None
        ],
    }


def describe(record: ImportRecord) -> dict[str, Any]:
    """Return what is told of an import: where it came from and went, and how much; no cell, no setting, no secret."""
    return {
        "event": "import",
        "run": record.run_id,
        "schema": record.source.table.schema,
        "table": record.source.table.name,
        # Not its location: that may be a URL with a password in it.
        "file": record.source.identity,
        "sheets": list(record.sheets),
        "sha256": record.file_sha256,
        "rows": record.rows,
        "counts": dict(record.counts),
        "imported_at": f"{record.imported_at.isoformat()}Z",
        "seconds": round(record.seconds, 3),
        "changes": [_describe_change(change) for change in record.plan.changes],
    }


def _describe_change(change: SchemaChange) -> dict[str, Any]:
    if isinstance(change, CreateTable):
        columns = {column.name: column.type.label for column in change.columns}
        return {"change": "create_table", "columns": columns}
    if isinstance(change, AddColumn):
        return {"change": "add_column", "column": change.column.name, "type": change.column.type.label}
    return {"change": "alter_type", "column": change.name, "from": change.old.label, "to": change.new.label}
