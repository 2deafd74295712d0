"""Law 10 of contracts: a plan predicts the rows that a run loads and those that it sets aside."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgdatahub.config import load_config
from pgdatahub.model.results import Outcome
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import run
from pgdatahub.testing.workbooks import make_workbook
from tests.property.test_contract_formats import Cell, contracts
from tests.stored_tables import database_of_module

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = 200 if os.environ.get("PGDATAHUB_HEAVY") == "1" else 6
_numbers = count(1)


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with database_of_module(server_url, "plans") as url:
        yield url


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(contracts(), contracts(), st.sampled_from(["fail", "quarantine", "blank"]), st.sampled_from(["100%", "2"]))
def test_a_plan_predicts_the_counts_of_its_run(
    url: str,
    tmp_path: Path,
    drawn: tuple[list[str], list[list[Cell]]],
    other: tuple[list[str], list[list[Cell]]],
    on_bad: str,
    most: str,
) -> None:
    table = f"t{next(_numbers)}"
    options, rows = drawn
    for name, content in (("first", rows), ("second", other[1])):
        make_workbook(tmp_path / table / table / f"{name}.xlsx", {"S": [["a", "b", "c"], *content]})
    entries = "".join(f"    {name}: {option}\n" for name, option in zip("abc", options, strict=True))
    (tmp_path / "etl.yaml").write_text(f"{table}:\n  on_bad: {on_bad}\n  max_bad: {most}\n  columns:\n{entries}")
    config = load_config(
        config_file=tmp_path / "etl.yaml", overrides={"data_root": str(tmp_path / table), "database_url": url}
    )
    planned = plan(config)
    expected = {
        file.file: (file.rows, file.quarantined)
        for one in planned.tables
        for file in one.files
        if file.action == "load"
    }
    done = run(config)
    loaded = {
        result.source.identity: (result.rows, result.quarantined)
        for result in done.results
        if result.outcome is Outcome.LOADED
    }
    assert loaded == expected
    failed = {result.source.identity for result in done.results if result.outcome is Outcome.FAILED}
    assert failed == {file.file for one in planned.tables for file in one.files if file.action == "fail"}
