"""Round trips of a small file, which are most of its time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.model.events import NullReporter
from pgdatahub.model.results import Outcome
from pgdatahub.plugins.copy_rows import has_core
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import Database, connect
from pgdatahub.runs.files.selection import Selection, find_files
from pgdatahub.testing.workbooks import make_workbook

pytestmark = pytest.mark.integration


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    for number in range(8):
        rows: list[list[int | str]] = [["Id", "Name"], [number, f"name {number}"]]
        make_workbook(tmp_path / "data" / "sales" / f"{number}.xlsx", {"Sheet1": rows})
    return load_config(
        overrides={"database_url": database_url, "data_root": str(tmp_path / "data"), "state_dir": str(tmp_path)}
    )


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = connect(database_url, keep_connection=True)
    yield database
    database.close()


def test_a_small_file_takes_four_round_trips(config: Config, database: Database, tmp_path: Path) -> None:
    stages = Stages(create_plugin_manager())
    pipeline = Pipeline(stages=stages, config=config, reporter=NullReporter(), run_id="r", database=database)
    files = find_files(config, stages, Selection()).files
    pipeline.known(files)
    for source in files[:-1]:
        assert pipeline.process(source).outcome is Outcome.LOADED
    driver = database.engine.take()
    with (tmp_path / "trace").open("w") as trace:
        driver.pgconn.trace(trace.fileno())
        database.engine.give_back(driver)
        assert pipeline.process(files[-1]).outcome is Outcome.LOADED
        driver.pgconn.untrace()
    messages = (tmp_path / "trace").read_text()
    # Behind a pooler the transaction's beginning, which lifts timeouts, goes alone.
    assert messages.count("ReadyForQuery") == 4 + ("TEST_POOLER" in os.environ)
    assert "SAVEPOINT" not in messages
    assert ("FORMAT binary" in messages) == has_core()
