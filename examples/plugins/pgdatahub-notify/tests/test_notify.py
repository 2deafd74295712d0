"""Imports of a real run, announced to a real web server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from pgdatahub_notify import webhook
from pgdatahub_notify.plugin import URL_VARIABLE

import pgdatahub
from pgdatahub.model.events import Event, Notice
from pgdatahub.testing import make_workbook, temporary_database

if TYPE_CHECKING:
    from conftest import Receiver


@pytest.fixture
def database_url() -> Iterator[str]:
    with temporary_database() as url:
        yield url


def load(database_url: str, directory: Path) -> list[Event]:
    config = pgdatahub.load_config(
        overrides={
            "database_url": database_url,
            "data_root": str(directory / "data"),
            "state_dir": str(directory),
            "workers": 1,
        },
        directory=directory,
    )
    events: list[Event] = []
    report = pgdatahub.run(config, reporter=events.append)
    assert [result.failure for result in report.results] == [None] * len(report.results)
    return events


def test_each_import_is_announced_once(
    receiver: Receiver, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, f"http://127.0.0.1:{receiver.port}/hook")
    make_workbook(tmp_path / "data" / "sales" / "1.xlsx", {"Sales": [["id", "amount"], [1, 2], [2, 3]]})
    make_workbook(tmp_path / "data" / "sales" / "2.xlsx", {"Sales": [["id", "amount"], [3, 0.5]]})
    load(database_url, tmp_path)
    load(database_url, tmp_path)
    first, second = map(json.loads, receiver.bodies)
    assert (first["table"], first["file"], first["sheets"], first["rows"]) == ("sales", "sales/1.xlsx", ["Sales"], 2)
    assert first["changes"][0]["change"] == "create_table"
    assert second["changes"] == [
        {"change": "alter_type", "column": "amount", "from": "INTEGER", "to": "DOUBLE PRECISION"}
    ]
    with psycopg.connect(database_url) as connection:
        hashes = connection.execute("SELECT file_sha256 FROM etl_imports ORDER BY id").fetchall()
    assert [(first["sha256"],), (second["sha256"],)] == hashes


def test_a_webhook_that_fails_is_a_warning_and_the_rows_are_loaded(
    receiver: Receiver, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "WAITS_SECONDS", ())
    monkeypatch.setenv(URL_VARIABLE, f"http://ann:hunter2@127.0.0.1:{receiver.port}/T0KEN")
    receiver.answers = [500]
    make_workbook(tmp_path / "data" / "sales" / "1.xlsx", {"Sales": [["id"], [1]]})
    events = load(database_url, tmp_path)
    (warning,) = [event.text for event in events if isinstance(event, Notice) and event.warning]
    assert "127.0.0.1 answered 500" in warning
    assert "hunter2" not in str(events)
    assert "T0KEN" not in str(events)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM sales").fetchone() == (1,)


def test_a_failed_file_is_announced_at_the_end_of_the_run(
    receiver: Receiver, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, f"http://127.0.0.1:{receiver.port}/hook")
    make_workbook(tmp_path / "data" / "sales" / "1.xlsx", {"Sales": [["id"], [1]]})
    (tmp_path / "data" / "sales" / "2.xlsx").write_text("not a workbook")
    config = pgdatahub.load_config(
        overrides={"database_url": database_url, "state_dir": str(tmp_path), "workers": 1}, directory=tmp_path
    )
    report = pgdatahub.run(config)
    loaded, failed = map(json.loads, receiver.bodies)
    assert (loaded["event"], loaded["file"]) == ("import", "sales/1.xlsx")
    assert (failed["event"], failed["run"], failed["exit_code"]) == ("failures", report.run_id, 1)
    assert [(one["file"], one["table"]) for one in failed["files"]] == [("sales/2.xlsx", "sales")]


def test_without_a_url_nothing_is_sent(
    receiver: Receiver, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    make_workbook(tmp_path / "data" / "sales" / "1.xlsx", {"Sales": [["id"], [1]]})
    load(database_url, tmp_path)
    assert receiver.bodies == []
