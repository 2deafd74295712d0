"""The build hook with compilers that are there, missing or failing."""

from __future__ import annotations

import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hatchling")

from pgdatahub.readers.xlsx.native.build_hook import CoreBuildHook, CoreError

FOLDER = "pgdatahub/readers/xlsx/native"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the compiler of the tests is a shell script")

VERSION = '"""Written by the build."""\n\n__version__ = "9.8.7"'
BUILDS = """
while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/release"
for suffix in so dylib; do echo library > "$2/release/libpgdatahub_core.$suffix"; done
"""
FAILS = "echo 'error: linker `cc` not found' >&2\necho '  = note: install it' >&2\nexit 101\n"


class Metadata:
    """Hatchling's metadata, as far as the hook uses it."""

    version = "9.8.7"


class App:
    """Hatchling's application, as far as the hook uses it."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of cargo; a PATH and a home without any other."""
    for name in ("PGDATAHUB_CORE", "CARGO_HOME", "RUSTFLAGS", "MACOSX_DEPLOYMENT_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # a process of pytest-xdist ends without its exit functions
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "mkdir"):
        (tools / tool).symlink_to(f"/bin/{tool}")
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / ".cargo" / "bin"
    folder.mkdir(parents=True)
    for name in (FOLDER, "pgdatahub/system"):
        (tmp_path / "project" / name).mkdir(parents=True)
    return folder / "cargo"


def write_cargo(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def build(cargo: Path, version: str = "standard") -> tuple[dict[str, Any], list[str]]:
    """Run the hook; return what it changes in the wheel, with the texts of the files, and its warnings."""
    root = cargo.parents[3] / "project"
    data: dict[str, Any] = {"pure_python": True, "force_include": {}}
    app = App()
    hook = CoreBuildHook(str(root), {}, None, Metadata(), str(root), "wheel", app)  # type: ignore[arg-type]
    hook.initialize(version, data)
    data["force_include"] = {
        name: Path(file).read_text(encoding="utf-8").strip() for file, name in data["force_include"].items()
    }
    return data, app.warnings


def test_library_goes_into_a_wheel_for_the_platform(cargo: Path) -> None:
    write_cargo(cargo, BUILDS)
    data, warnings = build(cargo)
    ((name, text), version) = data["force_include"].items()
    assert version == ("pgdatahub/system/_version.py", VERSION)
    assert name.startswith(f"{FOLDER}/_core.")
    assert text == "library"
    assert data["pure_python"] is False
    assert data["tag"].startswith("py3-none-")
    assert "-" not in data["tag"].removeprefix("py3-none-")
    assert not data["tag"].endswith("any")
    assert warnings == []


@pytest.mark.parametrize(
    ("script", "wish", "reason"),
    [
        (None, "auto", "cargo, Rust's build tool, was not found"),
        (FAILS, "auto", "cargo build failed: error: linker `cc` not found"),
        (BUILDS, "none", "PGDATAHUB_CORE=none"),
    ],
)
def test_pure_wheel_has_the_reason(
    script: str | None, wish: str, reason: str, cargo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script:
        write_cargo(cargo, script)
    monkeypatch.setenv("PGDATAHUB_CORE", wish)
    data, warnings = build(cargo)
    assert data == {
        "pure_python": True,
        "force_include": {f"{FOLDER}/_core.missing.txt": reason, "pgdatahub/system/_version.py": VERSION},
    }
    assert reason in warnings[0]


def test_core_that_is_required_and_fails_ends_the_build(cargo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATAHUB_CORE", "require")
    with pytest.raises(CoreError, match="was not found"):
        build(cargo)
    write_cargo(cargo, FAILS)
    with pytest.raises(CoreError, match=r"linker `cc` not found[\s\S]*install it"):
        build(cargo)
    monkeypatch.setenv("PGDATAHUB_CORE", "requre")
    with pytest.raises(ValueError, match="auto, require or none"):
        build(cargo)


def test_editable_installation_has_library_beside_sources(cargo: Path) -> None:
    folder = cargo.parents[3] / "project" / FOLDER
    data, _ = build(cargo, "editable")
    assert [path.name for path in folder.iterdir()] == ["_core.missing.txt"]
    write_cargo(cargo, BUILDS)
    data, _ = build(cargo, "editable")
    assert data["force_include"] == {}
    (library,) = folder.iterdir()
    assert library.name in ("_core.so", "_core.dylib")
    assert (folder.parents[2] / "system" / "_version.py").read_text().strip() == VERSION


def test_a_wheel_leaves_the_sources_as_they_are(cargo: Path) -> None:
    write_cargo(cargo, BUILDS)
    before = sorted((cargo.parents[3] / "project").rglob("*"))
    build(cargo)
    assert sorted((cargo.parents[3] / "project").rglob("*")) == before
