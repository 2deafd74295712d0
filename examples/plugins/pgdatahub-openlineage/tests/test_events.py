"""Events of a real run, written by OpenLineage's own client, and checked by the rules of the specification."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

import pgdatahub
from pgdatahub.testing import make_workbook, temporary_database

SPECIFICATION = os.environ.get("OPENLINEAGE_SPECIFICATION")
"""The path of OpenLineage.json (https://openlineage.io/spec/2-0-2/OpenLineage.json), to validate by it too."""
FACETS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "object", "required": ["_producer", "_schemaURL"]},
}
DATASETS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["namespace", "name"],
        "properties": {"facets": FACETS, "inputFacets": FACETS, "outputFacets": FACETS},
    },
}
RULES: dict[str, Any] = {
    "type": "object",
    "required": ["eventTime", "eventType", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "COMPLETE", "FAIL"]},
        "run": {"type": "object", "required": ["runId"], "properties": {"facets": FACETS}},
        "job": {"type": "object", "required": ["namespace", "name"], "properties": {"facets": FACETS}},
        "inputs": DATASETS,
        "outputs": DATASETS,
    },
}
"""The fields that the specification asks of a run event."""


@pytest.fixture
def database_url() -> Iterator[str]:
    with temporary_database() as url:
        yield url


def events(tmp_path: Path, database_url: str) -> list[dict[str, Any]]:
    """Run, and return the events that the client wrote; all follow the specification."""
    config = pgdatahub.load_config(
        overrides={"database_url": database_url, "state_dir": str(tmp_path), "workers": 1}, directory=tmp_path
    )
    report = pgdatahub.run(config)
    assert report.warnings == ()
    found = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    for event in found:
        jsonschema.Draft202012Validator(RULES).validate(event)
        if SPECIFICATION:
            jsonschema.Draft202012Validator(json.loads(Path(SPECIFICATION).read_text())).validate(event)
        UUID(event["run"]["runId"])
        assert datetime.fromisoformat(event["eventTime"]).utcoffset() is not None
    return found


@pytest.fixture(autouse=True)
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the client appends events to."""
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(tmp_path / "events.jsonl"))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")


def test_a_load_has_files_as_inputs_and_the_table_as_output(tmp_path: Path, database_url: str) -> None:
    book = tmp_path / "data" / "sales" / "1.xlsx"
    make_workbook(book, {"Sales": [["Id", "Amount"], [1, 2.5], [2, 3]]})
    start, complete = events(tmp_path, database_url)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert complete["job"]["name"] == "public.sales"
    assert [(one["namespace"], one["name"]) for one in complete["inputs"]] == [("file", str(book))]
    (output,) = complete["outputs"]
    assert output["name"].endswith(".public.sales")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2
    fields = {field["name"]: field["type"] for field in output["facets"]["schema"]["fields"]}
    assert fields == {"id": "INTEGER", "amount": "DOUBLE PRECISION"}


def test_a_failed_file_fails_the_job_of_its_table(tmp_path: Path, database_url: str) -> None:
    make_workbook(tmp_path / "data" / "sales" / "1.xlsx", {"Sales": [["Id"], [1]]})
    (tmp_path / "data" / "sales" / "2.xlsx").write_text("not a workbook")
    _, end = events(tmp_path, database_url)
    assert end["eventType"] == "FAIL"
    assert end["run"]["facets"]["errorMessage"]["message"] == "sales/2.xlsx: NotAWorkbookError"
    assert end["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 1


def test_no_event_has_a_secret_of_the_database(tmp_path: Path, database_url: str) -> None:
    make_workbook(tmp_path / "data" / "sales" / "1.xlsx", {"Sales": [["Id"], [1]]})
    text = json.dumps(events(tmp_path, database_url))
    assert "passfile" not in text
    assert "password" not in text
