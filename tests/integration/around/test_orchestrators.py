"""The examples of the page on orchestrators, run by Dagster and Prefect themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.integration.pipeline.conftest import Warehouse

pytestmark = [pytest.mark.integration, pytest.mark.around]

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "run-from-an-orchestrator.md"
GOOD = (["Item", "Amount"], ["tea", 1], ["mint", 3])

DAGSTER = """

result = dg.materialize([workbooks], raise_on_error=False)
for event in result.get_asset_materialization_events():
    made = event.materialization
    metadata = {name: value.value for name, value in made.metadata.items()}
    print("made", made.asset_key.to_user_string(), metadata["files"], metadata["dagster/row_count"])
print("success", result.success)
"""
PREFECT = """

from prefect.testing.utilities import prefect_test_harness

with prefect_test_harness(server_startup_timeout=240):
    print("first", workbooks("data")["rows"])
    print("second", workbooks("data")["rows"])
    open("data/sales/bad.xlsx", "w").write("not a workbook")
    try:
        workbooks("data")
    except RuntimeError as error:
        print(error)
"""


def run_example(name: str, more: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run an example of the page with further lines, in an own process; return its output."""
    if find_spec(name) is None:
        pytest.skip("the dependency group around is not installed")
    (code,) = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    program = warehouse.directory / f"{name}_example.py"
    program.write_text(code + more)
    home = warehouse.directory / "home"
    home.mkdir()
    monkeypatch.setenv("PGDATAHUB", str(Path(sys.executable).with_name("pgdatahub")))
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=warehouse.directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def warehouse(tmp_path: Path, database_url: str) -> Warehouse:
    warehouse = Warehouse(directory=tmp_path, url=database_url)
    warehouse.write("sales/a.xlsx", GOOD)
    return warehouse


def test_dagster_makes_an_asset_of_each_loaded_table(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    (warehouse.root / "stock").mkdir()
    (warehouse.root / "stock" / "bad.xlsx").write_text("not a workbook")
    shown = run_example("dagster", DAGSTER, warehouse, monkeypatch)
    # The table of the failed file is not made, and the run is a failure that names the file.
    assert re.findall(r"^(?:made|success) .*", shown, re.MULTILINE) == ["made sales 1 2", "success False"]


def test_prefect_loads_once_and_fails_with_the_file(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run_example("prefect", PREFECT, warehouse, monkeypatch)
    assert "first 2" in shown
    assert "second 0" in shown
    assert "not loaded: sales/bad.xlsx" in shown
