"""Start-up: a command imports only what it needs, which is most of the time of a small one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.conftest import Place

_RUN = """
import sys
from pgdatahub.cli.app import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=open(sys.argv[0] + ".modules", "w"))
"""

UNNEEDED = ("rich", "ruamel", "xlrd", "python_calamine", "fsspec", "multiprocessing", "sqlalchemy", "jinja2", "apprise")
"""Imported by no run of one .xlsx file that writes to a pipe and has neither .env nor etl_config.yaml."""

UNASKED = frozenset(
    {
        "pgdatahub.plugins.notify_send",
        "pgdatahub.plugins.notify_text",
        "pgdatahub.config.json_schema",
        "pgdatahub.runs.dbt_sources",
        "pgdatahub.cli.status_metrics",
    }
)
"""Modules of features that the run does not use."""


@pytest.mark.integration
def test_a_run_imports_only_what_it_needs(place: Place) -> None:
    place.write("sales/a.xlsx", [["Id", "Name"], [1, "x"]])
    assert place.run("run", "--dry-run").code == 0  # and PATH, data root and server are right
    place.query("SELECT 1")
    program = place.directory / "program.py"
    program.write_text(_RUN)
    for attempt in ("the first run makes the history", "the second finds it"):
        done = subprocess.run(
            [sys.executable, str(program), "run"],
            cwd=place.directory,
            env=place.variables(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (attempt, done.stderr)
        place.write("sales/b.xlsx", [["Id", "Name"], [2, "y"]])
    modules = (place.directory / "program.py.modules").read_text().split()
    imported = {module.partition(".")[0] for module in modules}
    assert not imported.intersection(UNNEEDED)
    assert not UNASKED.intersection(modules)
    assert place.query("SELECT count(*) FROM sales") == [(2,)]


def _seconds(command: Sequence[str]) -> float:
    """Return the processor time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_version_takes_at_most_three_times_an_empty_program() -> None:
    empty, version = (sys.executable, "-c", "pass"), (sys.executable, "-m", "pgdatahub", "--version")
    # The least of several in turns: whatever else the machine does only adds.
    pairs = [(_seconds(empty), _seconds(version)) for _ in range(7)]
    assert min(second for _, second in pairs) <= 3 * min(first for first, _ in pairs) + 0.005
