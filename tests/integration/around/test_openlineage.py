"""The example plugin for OpenLineage: its own tests, with OpenLineage's client."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[3] / "examples" / "plugins" / "pgdatahub-openlineage"


@pytest.mark.integration
@pytest.mark.around
@pytest.mark.skipif(find_spec("openlineage") is None, reason="the dependency group around is not installed")
def test_the_openlineage_plugin_passes_its_tests(tmp_path: Path) -> None:
    # Installed by hand: what an installer leaves behind.
    metadata = tmp_path / "pgdatahub_openlineage-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pgdatahub-openlineage\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[pgdatahub]\nopenlineage = pgdatahub_openlineage.plugin\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--config-file", str(PLUGIN / "pyproject.toml"), str(PLUGIN / "tests")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(PLUGIN / "src")))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
