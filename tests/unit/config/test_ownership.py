from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgdatahub.config import load_config
from pgdatahub.errors import ConfigError

VARIABLES = ["PGDATAHUB_PG_BINDIR", "PGDATAHUB_PG_OSUSER", "PGDATAHUB_HOME"]
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="this is not root")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


def _own(path: Path) -> None:
    os.chown(path, 65534, 65534)


@needs_root
@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("change", [_own, lambda path: path.chmod(0o666), lambda path: path.chmod(0o620)])
def test_programs_from_a_file_of_another_user_are_refused(variable: str, change: object, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"{variable}=/tmp/x\n")
    path.chmod(0o600)
    load_config(directory=tmp_path)
    assert callable(change)
    change(path)
    with pytest.raises(ConfigError, match=variable) as caught:
        load_config(directory=tmp_path)
    assert caught.value.where == ".env"


@needs_root
def test_programs_from_a_folder_of_another_user_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.json").write_text('{"pg_bindir": "/tmp/x"}')
    _own(folder)
    with pytest.raises(ConfigError, match="another user"):
        load_config(directory=folder)


@needs_root
def test_link_of_another_user_to_a_file_of_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root.env").write_text("PGDATAHUB_HOME=/tmp/x\n")
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / ".env").symlink_to(tmp_path / "root.env")
    _own(folder)
    with pytest.raises(ConfigError, match="another user"):
        load_config(directory=folder)


@needs_root
def test_other_settings_of_a_file_of_another_user_count(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ETL_SCHEMA=raw\n")
    _own(tmp_path / ".env")
    assert load_config(directory=tmp_path).schema_name == "raw"
