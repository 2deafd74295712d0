"""``status --format prometheus``, read by the parsers of the client library."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from pgdatahub.cli.status_metrics import prometheus_text
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.inventory import Inventory
from pgdatahub.runs.status import DatabaseStatus
from tests.acceptance.conftest import Place

ROOT = Path(__file__).parents[2]


def parsed(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Metric → values by their labels; all are gauges with a help."""
    parser = pytest.importorskip("prometheus_client.parser", reason="the dependency group around is not installed")
    strict = pytest.importorskip("prometheus_client.openmetrics.parser")
    found: dict[str, Any] = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        found[family.name] = {tuple(sample.labels.values()): sample.value for sample in family.samples}
    # The rules of OpenMetrics hold too, whose text has an end.
    assert {family.name for family in strict.text_string_to_metric_families(f"{text}# EOF\n")} == set(found)
    return found


@pytest.mark.around
@pytest.mark.integration
def test_metrics_tell_rows_failures_and_the_last_load(place: Place) -> None:
    place.write("sales/a.xlsx", [["Item"], ["tea"], ["rye"]])
    place.write("stock/a.xlsx", [["Item"], ["tea"]])
    (place.directory / "data/sales/b.xlsx").write_text("id;item\n1;tea\n")
    assert place.run("run", "-q").code == 1
    shown = place.run("status", "--format", "prometheus")
    assert shown.code == 0
    metrics = parsed(shown.out)
    assert metrics["pgdatahub_table_rows"] == {("public", "sales"): 2, ("public", "stock"): 1}
    assert metrics["pgdatahub_failed_files"] == {("public", "sales"): 1, ("public", "stock"): 0}
    assert metrics["pgdatahub_up"] == {(): 1}
    last = metrics["pgdatahub_table_last_load_timestamp_seconds"]["public", "sales"]
    assert abs(last - time.time()) < 600
    assert place.run("status", "--format", "prometheus", "--check").code == 1


@pytest.mark.around
def test_odd_names_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", "America/New_York")
    time.tzset()
    odd = Inventory(
        table=TableName(schema='a"b\\c\n{d="e"}', name="täble"),
        exists=True,
        rows=3,
        imports=1,
        held=0,
        last_load=datetime(2025, 1, 1),  # noqa: DTZ001 - UTC, as the history has it
        bytes=8192,
    )
    text = prometheus_text(DatabaseStatus(destination="x", tables=(odd,), missing_files=None))
    monkeypatch.undo()
    time.tzset()
    metrics = parsed(text)
    # A line feed is shown as in all other output.
    assert metrics["pgdatahub_table_rows"] == {('a"b\\c\\n{d="e"}', "täble"): 3}
    moment = datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp()
    assert list(metrics["pgdatahub_table_last_load_timestamp_seconds"].values()) == [moment]


def test_without_a_database_the_metrics_say_that_it_is_down(unserved: Place) -> None:
    shown = unserved.run("status", "--format", "prometheus")
    assert shown.code == 0
    assert "\npgdatahub_up 0\n" in shown.out


def test_the_dashboard_and_the_page_name_existing_metrics() -> None:
    text = prometheus_text(DatabaseStatus(destination="x"))
    known = set(re.findall(r"^# TYPE (\S+) gauge$", text, flags=re.MULTILINE))
    dashboard = json.loads((ROOT / "examples/grafana/pgdatahub.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    page = (ROOT / "docs/how-to/operate-and-monitor.md").read_text(encoding="utf-8")
    for source in (" ".join(queries), page.partition("## Metrics")[2].partition("\n## ")[0]):
        named = set(re.findall(r"\bpgdatahub_\w+", source))
        assert named
        assert named <= known
