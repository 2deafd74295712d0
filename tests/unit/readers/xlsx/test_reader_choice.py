"""The choice between the compiled core and the Python reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.readers.xlsx import reader_choice
from pgdatahub.readers.xlsx.native import library
from pgdatahub.readers.xlsx.reader_choice import available_readers, choose_reader, core_problem, describe_reader
from pgdatahub.runs.files.selection import Selection, find_files


@pytest.fixture
def without_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose wheel was built without a compiler."""
    path = tmp_path / "_core.so"
    monkeypatch.setattr(library, "library_path", lambda: path)
    monkeypatch.setattr(reader_choice, "load_library", library.load_library.__wrapped__)
    (tmp_path / "_core.missing.txt").write_text("cargo, Rust's build tool, was not found")
    return path


def test_python_reader_is_chosen_by_its_name() -> None:
    assert choose_reader("python") == "python"


def test_reader_is_the_core_where_it_can_be_loaded() -> None:
    expected = "native" if core_problem() is None else "python"
    assert choose_reader(None) == expected == available_readers()[0]


@pytest.mark.usefixtures("without_core")
def test_installation_without_core_reads_by_python() -> None:
    assert choose_reader(None) == "python"
    assert available_readers() == ("python", "parser")
    assert "cargo, Rust's build tool, was not found" in describe_reader("python")
    assert "apt install cargo" in describe_reader("python")


@pytest.mark.usefixtures("without_core")
def test_core_that_is_asked_for_and_missing_ends_a_run(tmp_path: Path) -> None:
    config = Config(reader="native", data_root=str(tmp_path))
    with pytest.raises(ConfigError, match=r"PGDATAHUB_READER=native.*cargo.*was not found.*PGDATAHUB_READER=python"):
        find_files(config, Stages(create_plugin_manager()), Selection())


def test_library_that_does_not_load_is_no_core(without_core: Path) -> None:
    without_core.write_bytes(b"not a library")
    assert "cannot be loaded" in str(core_problem())
    assert choose_reader(None) == "python"
