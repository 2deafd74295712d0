"""Law of contracts: faults, rows and types do not depend on the reader or on the size of batches."""

from __future__ import annotations

import os
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgdatahub.config import load_config
from pgdatahub.load.staging.checking import read_and_judge
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.runs.checks.check import find_sources
from pgdatahub.testing.workbooks import make_workbook

EXAMPLES = 400 if os.environ.get("PGDATAHUB_HEAVY") == "1" else 8
CELLS: dict[str, list[Any]] = {
    "numeric": [1, -2, 2.5, 0.1, 2**31, 2**53, 1e20],
    "integer": [0, 1, 2, 3, 7, -7, 2**31 - 1],
    "double": [1, 2.5, 1e-7, 2**53],
    "date": [date(2025, 1, 31), datetime(2025, 12, 31), date(1999, 5, 1)],  # noqa: DTZ001 - cells have no time zone
    "timestamp": [date(2025, 1, 31), datetime(2025, 12, 31, 8), datetime(2025, 1, 31, 8, 0, 0, 250_000)],  # noqa: DTZ001 - cells have no time zone
    "time": [time(8), time(23, 59, 59)],
    "interval": [timedelta(hours=25), timedelta(minutes=90)],
    "boolean": [True, False],
}
RULES = {
    "numeric": ["min: 0", "min: 1", "max: 2.5", "max: 2.49", "unique: true"],
    "integer": ["min: 0, max: 5", "unique: true", "required: true", "values: [1, 2]"],
    "double": ["max: 2", "min: -1"],
    "date": ["max: 2025-01-31", "unique: true"],
    "timestamp": ["max: 2025-12-31", "min: 2025-01-31"],
    "time": ["max: '08:00'"],
    "interval": ["min: '2:00:00'", "unique: true"],
    "boolean": ["values: ['true']", "required: true"],
}
OTHERS: list[Any] = [None, "", "x", "7", "2.5", True, 1.5, date(2025, 1, 31)]


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Draw the options of three columns, and rows: often of the type alone, at times with anything."""
    kinds = [draw(st.sampled_from(sorted(CELLS))) for _ in range(3)]
    options = [f"{{type: {kind}, {draw(st.sampled_from(RULES[kind]))}}}" for kind in kinds]
    cells = [
        st.sampled_from(CELLS[kind] if draw(st.booleans()) else [*CELLS[kind], *draw(st.permutations(OTHERS))[:2]])
        for kind in kinds
    ]
    return options, draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=8))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    report_multiple_bugs=False,
)
@given(columns(), st.sampled_from(["fail", "quarantine", "blank"]))
def test_a_verdict_is_that_of_every_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: tuple[list[str], list[list[Any]]], on_bad: str
) -> None:
    options, rows = drawn
    path = make_workbook(tmp_path / "data" / "sales" / "book.xlsx", {"S": [["a", "b", "c"], *rows]})
    entries = "".join(f"    {name}: {option}\n" for name, option in zip("abc", options, strict=True))
    (tmp_path / "etl.yaml").write_text(f"sales:\n  on_bad: {on_bad}\n  max_bad: 100%\n  columns:\n{entries}")
    found = []
    for reader, chunk in (("native", 10_000), ("python", 10_000), ("python", 1), ("native", 2)):
        monkeypatch.setenv("PGDATAHUB_READER", reader)
        config = load_config(config_file=tmp_path / "etl.yaml").model_copy(
            update={"data_root": str(tmp_path / "data"), "chunk_size": chunk}
        )
        (source,) = find_sources(config, [path], None)
        file, error = read_and_judge(source, Stages(create_plugin_manager()), config)
        found.append(
            (
                str(error),
                [part.contract.report.grouped for part in file.parts.values() if part.contract],
                [(part.tally.rows, dict(part.tally.columns)) for part in file.parts.values()] if not error else [],
            )
        )
    assert found[1:] == found[:1] * 3
