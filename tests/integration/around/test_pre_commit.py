"""The hook of ``.pre-commit-hooks.yaml``, run by pre-commit itself; with the installed program, so that nothing is downloaded."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pgdatahub.testing.workbooks import make_workbook

pytestmark = [
    pytest.mark.around,
    pytest.mark.skipif(find_spec("pre_commit") is None, reason="the dependency group around is not installed"),
]
MANIFEST = Path(__file__).parents[3] / ".pre-commit-hooks.yaml"
CONTRACT = """
sales:
  columns:
    Status: {values: [open, paid]}
  north:
    columns:
      status: {pattern: 'o.*'}
"""


def call(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("repository")
    (directory / "config").mkdir()
    (directory / "config" / "etl_config.yaml").write_text(CONTRACT)
    hooks: list[dict[str, Any]] = YAML(typ="safe").load(MANIFEST.read_text())
    for hook in hooks:
        program, _, arguments = hook["entry"].partition(" ")
        hook |= {"language": "system", "entry": f"{Path(sys.executable).with_name(program)} {arguments}"}
    with (directory / ".pre-commit-config.yaml").open("w") as file:
        YAML(typ="safe").dump({"repos": [{"repo": "local", "hooks": hooks}]}, file)
    make_workbook(directory / "data" / "sales" / "good 1.xlsx", {"S": [["status"], ["paid"]]})
    (directory / "data" / "sales" / "notes.txt").write_text("not a workbook")
    assert call(directory, "git", "init", "--quiet").returncode == 0
    return directory


def hooked(repository: Path) -> subprocess.CompletedProcess[str]:
    call(repository, "git", "add", "--all")
    return call(repository, sys.executable, "-m", "pre_commit", "run", "--all-files")


def test_pre_commit_takes_the_manifest(tmp_path: Path) -> None:
    done = call(tmp_path, sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST))
    assert done.returncode == 0, done.stdout


def test_pre_commit_passes_good_workbooks(repository: Path) -> None:
    done = hooked(repository)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout


def test_pre_commit_judges_each_file_by_its_folder(repository: Path) -> None:
    bad = [
        make_workbook(repository / "data" / "sales" / "north" / "n.xlsx", {"S": [["STATUS"], ["paid"]]}),
        make_workbook(repository / "data" / "sales" / "bad.xlsx", {"S": [["status"], ["Open"]]}),
    ]
    done = hooked(repository)
    for path in bad:
        path.unlink()
    assert done.returncode == 1
    assert 'STATUS (pattern): 1 cell does not match o.*: S › A2 "paid"' in done.stdout
    assert 'status (values): 1 cell is not one of open, paid: S › A2 "Open" (did you mean open?)' in done.stdout
    assert "3 files checked, 2 with faults" in done.stdout
