"""Status as metrics of Prometheus: the text that node_exporter's textfile collector and other scrapers read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from pgdatahub.values.printable import printable

if TYPE_CHECKING:
    from pgdatahub.runs.status import DatabaseStatus

_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}
_Labels = Mapping[str, str]


def prometheus_text(status: DatabaseStatus) -> str:
    """Return the status in the text format 0.0.4: gauges only, since a revert lowers every number.

    No name ends in ``_total``, which OpenMetrics keeps for counters.
    """
    lines: list[str] = []
    for name, help_text, samples in _metrics(status):
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(labels)} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


_Metric = tuple[str, str, Iterable[tuple[_Labels, str]]]


def _metrics(status: DatabaseStatus) -> Iterator[_Metric]:
    """Yield the name, the help and the samples of each metric."""
    tables = [({"schema": one.table.schema, "table": one.table.name}, one) for one in status.tables]
    yield "pgdatahub_up", "Whether the database exists.", [({}, str(int(status.exists)))]
    yield "pgdatahub_status_timestamp_seconds", "Time of this status.", [({}, f"{time.time():.3f}")]
    yield (
        "pgdatahub_table_rows",
        "Rows of the loaded imports of a table" + (", counted." if status.counted else ", by the history."),
        [(labels, str(one.rows)) for labels, one in tables if one.exists],
    )
    yield (
        "pgdatahub_table_imports",
        "Loaded imports of a table.",
        [(labels, str(one.imports)) for labels, one in tables],
    )
    yield (
        "pgdatahub_table_bytes",
        "Size of a table on disk, with indexes.",
        [(labels, str(one.bytes)) for labels, one in tables if one.exists],
    )
    yield (
        "pgdatahub_table_exists",
        "Whether a table of the history exists.",
        [(labels, str(int(one.exists))) for labels, one in tables],
    )
    yield (
        "pgdatahub_table_quarantined_rows",
        "Rows that are set aside, of the loaded imports of a table.",
        [(labels, str(one.quarantined)) for labels, one in tables],
    )
    yield "pgdatahub_table_held_files", "Files on hold.", [(labels, str(one.held)) for labels, one in tables]
    yield (
        "pgdatahub_table_last_load_timestamp_seconds",
        "Time of the last import of a table that is still loaded.",
        [(labels, _seconds(one.last_load)) for labels, one in tables if one.last_load is not None],
    )
    failed = dict.fromkeys((one.table for one in status.tables), 0)
    folders = 0
    for failure in status.failures:
        if failure.table is None:
            folders += 1
        else:
            failed[failure.table] = failed.get(failure.table, 0) + 1
    yield (
        "pgdatahub_failed_files",
        "Files that did not load at their last attempt.",
        [({"schema": table.schema, "table": table.name}, str(number)) for table, number in failed.items()],
    )
    yield "pgdatahub_unreadable_folders", "Folders that could not be read.", [({}, str(folders))]
    if status.missing_files is not None:
        yield (
            "pgdatahub_missing_files",
            "Loaded files that are not there any more.",
            [
                ({"schema": table.schema, "table": table.name}, str(files))
                for table, (files, _) in sorted(status.missing_files.items())
            ],
        )
    yield "pgdatahub_paused", "Whether a run waits to be resumed.", [({}, str(int(status.pause_file is not None)))]


def _seconds(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=timezone.utc).timestamp():.3f}"


def _labels(labels: _Labels) -> str:
    """Return labels with their values escaped."""
    if not labels:
        return ""
    pairs = (
        f'{name}="{re.sub(_SPECIAL, lambda mark: _ESCAPES[mark[0]], printable(value))}"'
        for name, value in labels.items()
    )
    return "{" + ",".join(pairs) + "}"


_SPECIAL: Final = re.compile(r'[\\\n"]')
