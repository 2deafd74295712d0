"""``etl.log`` has a line for each event, stays readable whatever a file is named, and never ends a run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.model.events import (
    Event,
    FileFinished,
    FileStarted,
    Notice,
    PauseTick,
    RowsRead,
    RunFinished,
    RunStarted,
)
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Failure, FileResult, Outcome, RunReport, StopReason
from pgdatahub.model.schema import TableName
from pgdatahub.runs.logs import log
from pgdatahub.runs.logs.log import run_log


def _source(identity: str) -> SourceFile:
    table = TableName(schema="public", name="sales")
    return SourceFile(location=f"/data/{identity}", identity=identity, table=table, options=FolderOptions(), size=123)


def _events(identity: str = "sales/a.xlsx") -> list[Event]:
    source = _source(identity)
    loaded = FileResult(source=source, outcome=Outcome.LOADED, rows=7, seconds=0.12345)
    failure = Failure(kind="CorruptError", message="cut off", where="Sheet1 › A1", traceback="Traceback …")
    failed = FileResult(source=source, outcome=Outcome.FAILED, failure=failure)
    report = RunReport(
        run_id="r", destination="here", results=(loaded, failed), stopped=StopReason.FAILURE, remaining=(source,)
    )
    return [
        RunStarted(destination="here", files=2, bytes=246),
        FileStarted(source=source),
        RowsRead(source=source, rows=5),
        FileFinished(result=loaded),
        PauseTick(seconds_left=2),
        PauseTick(seconds_left=1),
        Notice(text="mind\nthe gap", warning=True),
        FileFinished(result=failed),
        RunFinished(report=report),
    ]


def _written(directory: Path, events: list[Event], *, as_json: bool = False, debug: bool = False) -> list[str]:
    with run_log(directory, "run-1", as_json=as_json, debug=debug, reporter=lambda _event: None) as reporter:
        for event in events:
            reporter(event)
    return (directory / "etl.log").read_text().splitlines()


def test_every_event_is_a_line_and_a_pause_is_one(tmp_path: Path) -> None:
    lines = _written(tmp_path / "made", _events())
    assert len(lines) == 7
    assert all("run=run-1" in line for line in lines)
    assert "file loaded file=sales/a.xlsx table=sales seconds=0.123 rows=7" in lines[2]
    assert "ERROR" in lines[5]
    assert "exit_code=1" in lines[6]
    assert "remaining=1" in lines[6]


@pytest.mark.parametrize("as_json", [False, True])
def test_no_name_can_forge_a_line(as_json: bool, tmp_path: Path) -> None:
    name = 'x\n2026-01-01T00:00:00.000Z INFO run=run-1 file loaded file=y\r\x1b[31m "z"'
    lines = _written(tmp_path, _events(name), as_json=as_json)
    assert len(lines) == 7
    assert not any(character in "".join(lines) for character in "\r\x1b")


def test_lines_can_be_json(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in _written(tmp_path, _events("sales/Größe.xlsx"), as_json=True)]
    assert [line["event"] for line in lines] == [
        *("run started", "file started", "file loaded", "pause", "notice", "file failed", "run finished")
    ]
    assert lines[2]["file"] == "sales/Größe.xlsx"
    assert lines[2]["rows"] == 7
    assert lines[5]["where"] == "Sheet1 › A1"
    assert {line["run"] for line in lines} == {"run-1"}


def test_debug_adds_batches_and_tracebacks(tmp_path: Path) -> None:
    assert "Traceback" not in "".join(_written(tmp_path, _events()))
    lines = _written(tmp_path / "debug", _events(), debug=True)
    assert len(lines) == 8
    assert "Traceback" in "".join(lines)


def test_runs_are_appended(tmp_path: Path) -> None:
    _written(tmp_path, _events())
    assert len(_written(tmp_path, _events())) == 14


def test_log_rotates_and_two_writers_lose_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_BYTES", 4000)
    quiet: Callable[[Event], None] = lambda _event: None  # noqa: E731 - shorter than a function
    with (
        run_log(tmp_path, "one", as_json=True, debug=False, reporter=quiet) as one,
        run_log(tmp_path, "two", as_json=True, debug=False, reporter=quiet) as two,
    ):
        for number in range(60):
            one(Notice(text=f"one {number}"))
            two(Notice(text=f"two {number}"))
    files = sorted(tmp_path.glob("etl.log*"))
    assert 2 < len(files) <= 6
    texts = [json.loads(line)["text"] for path in files for line in path.read_text().splitlines()]
    assert sorted(texts) == sorted(f"{name} {number}" for name in ("one", "two") for number in range(60))


def test_a_log_that_cannot_be_written_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[Event] = []
    with run_log(tmp_path / "file", "run-1", as_json=False, debug=False, reporter=told.append) as reporter:
        reporter(Notice(text="goes on"))
    warning, notice = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert notice == Notice(text="goes on")


def test_lines_of_skipped_files_are_written_together_and_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = 0
    emit = log._SharedFileHandler.emit

    def counted(handler: log._SharedFileHandler, record: logging.LogRecord) -> None:
        nonlocal writes
        writes += 1
        emit(handler, record)

    monkeypatch.setattr(log._SharedFileHandler, "emit", counted)
    skipped = [
        FileFinished(
            result=FileResult(source=_source(f"sales/{number}.xlsx"), outcome=Outcome.SKIPPED, reason="loaded")
        )
        for number in range(1200)
    ]
    lines = _written(tmp_path, [*skipped, Notice(text="done"), *skipped[:2]])
    assert writes == 4, "two full batches, the rest with the notice, and those at the end"
    assert len(lines) == 1203
    assert sum("file skipped" in line for line in lines) == 1202
    assert "done" in lines[1200]
