"""Events of a run in the standard library's logging."""

from __future__ import annotations

import logging

import pytest

from pgdatahub import LoggingReporter
from pgdatahub.model.events import RowsRead
from tests.unit.runs.test_log import _events, _source


def test_events_have_levels_and_texts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pgdatahub")
    reporter = LoggingReporter()
    for event in _events():
        reporter(event)
    assert [(record.levelname, record.getMessage().split(" file=")[0]) for record in caplog.records] == [
        ("INFO", "run started destination=here files=2 bytes=246"),
        ("INFO", "file started"),
        ("INFO", "file loaded"),
        ("INFO", "pause seconds=2"),
        ("WARNING", 'notice text="mind\\nthe gap"'),
        ("ERROR", "file failed"),
        ("WARNING", caplog.records[-1].getMessage()),
    ]
    assert "table=sales seconds=0.123 rows=7" in caplog.text
    assert caplog.records[2].event.result.rows == 7  # type: ignore[attr-defined] # the reporter's own attribute


def test_batches_of_rows_are_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("of.a.notebook")
    for level, records in ((logging.INFO, 0), (logging.DEBUG, 1)):
        caplog.clear()
        caplog.set_level(level, "of.a.notebook")
        LoggingReporter(logger)(RowsRead(source=_source("sales/a.xlsx"), rows=5))
        assert len(caplog.records) == records
