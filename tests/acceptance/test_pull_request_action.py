"""The action for pull requests: its steps, run by bash as a runner does it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.acceptance.conftest import PROJECT, SCRIPT, Place

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("bash") is None, reason="the action is for Linux runners, which have bash"),
]


@pytest.fixture
def repository(place: Place) -> Place:
    """A checkout with a folder of workbooks and a rule for it, and the program where the first step puts it."""
    (place.directory / "config").mkdir()
    (place.directory / "config/etl_config.yaml").write_text(
        "my sales:\n  columns:\n    price: {type: numeric, min: 0}\n"
    )
    place.write("my sales/a.xlsx", [["item", "price"], ["tea", 4.5]])
    programs = place.directory / "temporary/pgdatahub/bin"
    programs.mkdir(parents=True)
    (programs / "pgdatahub").write_text(f'#!/bin/sh\nexec "{SCRIPT}" "$@"\n')
    (programs / "pgdatahub").chmod(0o755)
    return place


def step(place: Place, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action with its inputs, the others being at their defaults."""
    action: Any = YAML(typ="safe").load(PROJECT / ".github/actions/check/action.yml")
    (chosen,) = [one for one in action["runs"]["steps"] if one["name"] == name]
    variables = {"RUNNER_TEMP": str(place.directory / "temporary")}
    for variable, expression in chosen["env"].items():
        given = expression.removeprefix("${{ inputs.").removesuffix(" }}")
        variables[variable] = inputs.get(given, action["inputs"][given]["default"])
    # As runners call it: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", chosen["run"]],
        cwd=place.directory,
        env=place.variables(variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_action_fails_for_a_fault_and_writes_its_place(repository: Place) -> None:
    checked = step(repository, "Check workbooks", paths="data/my sales\n\n")
    assert checked.returncode == 0, checked.stderr
    assert "a.xlsx" in checked.stdout
    book = repository.write("my sales/b.xlsx", [["item", "price"], ["tea", -1]])
    checked = step(repository, "Check workbooks")
    assert checked.returncode == 1
    assert "B2" in checked.stdout
    (result,) = json.loads((repository.directory / "pgdatahub.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place.replace("%20", " ") == book.relative_to(repository.directory).as_posix()


def test_action_plan_fails_where_a_table_would_change(repository: Place) -> None:
    planned = step(repository, "Plan")
    assert planned.returncode == 5
    assert "::error::a run would create or change a table" in planned.stdout
    assert repository.run("run").code == 0
    assert step(repository, "Plan").returncode == 0
    planned = step(repository, "Plan", config="config/missing.yaml")
    assert planned.returncode not in (0, 5)
    assert "::error::" not in planned.stdout
