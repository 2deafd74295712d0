"""Garbage-collector tuning of worker processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_only_who_asks_for_it_has_a_collector_that_looks_seldom() -> None:
    assert _printed("import gc, pgdatahub, pgdatahub.runs.run; print(gc.get_threshold()[0] < 100_000)") == "True"
    asked = "import gc; from pgdatahub.system import gc_tuning; gc_tuning.look_seldom(); print(gc.get_threshold()[0] >= 100_000)"
    assert _printed(asked) == "True"
    # A worker that reads thousands of workbooks must not wait until their leftovers are many.
    kept = "import gc; from pgdatahub.system import gc_tuning; gc_tuning.look_seldom(); gc_tuning.keep_imports(); print(gc.get_threshold())"
    assert _printed(kept) == "(2000, 10, 10)"


def test_what_a_plugin_leaves_open_is_written_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        f"left_open = open({str(tmp_path / 'log')!r}, 'w')\ndef log(): left_open.write('loaded')\n"
    )
    program = f"""
import sys
from pgdatahub.system import gc_tuning
import pgdatahub.model.files
gc_tuning.look_seldom()
gc_tuning.keep_imports()
sys.path.insert(0, {str(tmp_path)!r})
import plugin
plugin.log()
"""
    _printed(program)
    assert (tmp_path / "log").read_text() == "loaded"


def _printed(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
